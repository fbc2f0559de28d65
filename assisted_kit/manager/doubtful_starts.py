# SPDX-License-Identifier: Apache-2.0
"""Operations that the database stored, or not, before it was lost.

Whoever asked gets the error. What is stored all the same would otherwise
stay in flight, with nobody at work on it, until the next restart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager

from assisted_kit.db.database import Database
from assisted_kit.db.snapshot_values import InFlight
from assisted_kit.manager.database_errors import DATABASE_ERRORS
from assisted_kit.manager.database_errors import PASSING_ERRORS
from assisted_kit.manager.database_errors import RETRY_AFTER

LOG = logging.getLogger(__name__)


class DoubtfulStarts:
    """Looks for them once the database is there again.

    :param carry_on: starts what was found.
    :param submit: runs a callable on some other thread.
    """

    def __init__(
        self,
        database: Database,
        carry_on: Callable[[InFlight], None],
        submit: Callable[[Callable[[], None]], None],
    ) -> None:
        self._database = database
        self._carry_on = carry_on
        self._submit = submit

    @contextmanager
    def watched(self, snapshot_id: str) -> Iterator[None]:
        """Look later whether what the body begins was stored, if it fails."""
        try:
            yield
        except PASSING_ERRORS:
            self._look_later(snapshot_id)
            raise

    def _look_later(self, snapshot_id: str) -> None:
        clock = self._database.clock
        clock.call_at(
            clock.now() + RETRY_AFTER,
            lambda: self._submit(lambda: self._look(snapshot_id)),
        )

    def _look(self, snapshot_id: str) -> None:
        try:
            found = self._database.snapshots.in_flight(snapshot_id)
        except DATABASE_ERRORS:
            LOG.warning(
                "whether snapshot %s is in flight cannot be read; trying "
                "again",
                snapshot_id,
                exc_info=True,
            )
            self._look_later(snapshot_id)
            return
        for each in found:
            # If somebody carries it already, the claim is his.
            self._carry_on(each)
