# SPDX-License-Identifier: Apache-2.0
"""A good driver whose commands all run as root."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from reference_driver.driver import RemoteFSAssistedDriver


class RootedDriver(RemoteFSAssistedDriver):
    """Starts every command by whatever makes it root."""

    def __init__(
        self, configuration: Any, execute: Callable[..., Any], **others: Any
    ) -> None:
        super().__init__(
            configuration,
            functools.partial(execute, run_as_root=True),
            **others,
        )
