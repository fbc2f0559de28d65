# SPDX-License-Identifier: Apache-2.0
"""Calling a driver's hooks, and what counts as one that failed."""

from __future__ import annotations

import logging
from typing import Any

from assisted_kit import updates
from assisted_kit.driver import Hook
from assisted_kit.manager.driver_errors import is_busy
from assisted_kit.refs import SnapshotRef
from assisted_kit.updates import ModelUpdate

LOG = logging.getLogger(__name__)


class HookFailed(Exception):
    """A hook raised, or what it returned is invalid."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.is_busy = is_busy(error)


class HookCaller:
    """Calls hooks by name, with exactly one argument (section 1)."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def call(self, hook: Hook, snapshot: SnapshotRef) -> ModelUpdate:
        """Call a hook and validate what it returns.

        :raises HookFailed: it raised, or its update is invalid.
        """
        try:
            returned = getattr(self._driver, hook)(snapshot)
            return updates.validate(hook, returned)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            # On a thread of ours none of them means this process.
            LOG.exception("%s failed for snapshot %s", hook, snapshot.id)
            raise HookFailed(error) from error
