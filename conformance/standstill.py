# SPDX-License-Identifier: Apache-2.0
"""Work that a driver blocks until something else has happened."""

from __future__ import annotations

import threading
from collections.abc import Callable

from conformance.watch import stacks
from conformance.watch import Watch

TICK = 0.05
"""Seconds between two looks at a driver."""

SHARE = 1 / 12
"""Of the patience for a hook: how long it stands still when it is blocked."""

SHARE_FOR_COMMANDS = 1 / 2
"""The same, while a command of the driver's is running."""

LEAST = 1.0
"""Seconds of standing still that mean nothing, however short the patience."""


class Work:
    """Work that is done on a thread of its own."""

    def __init__(self, work: Callable[[], object], watch: Watch) -> None:
        self._work = work
        self._watch = watch
        self._error: BaseException | None = None
        self._done = threading.Event()
        # A thread that stays blocked must not keep the process.
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def blocked(self, patience: float) -> str:
        """Where the driver stands still in it; empty when it is done.

        :param patience: seconds that a hook has.
        :raises BaseException: what the work raised.
        """
        standstill = stacks.Standstill(self._watch)
        while not self._done.wait(TICK):
            busy = self._watch.is_command_running
            share = SHARE_FOR_COMMANDS if busy else SHARE
            if standstill.lasts() > max(patience * share, LEAST):
                return stacks.dump(self._watch)
        if self._error is not None:
            raise self._error
        return ""

    def join(self, patience: float) -> bool:
        """Wait until it is done; false when the patience is over."""
        return self._done.wait(patience)
