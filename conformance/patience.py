# SPDX-License-Identifier: Apache-2.0
"""How long anybody waits for a driver, and what ends a call of its then."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from conformance.violation import OperationFailed
from conformance.watch import GivenUp
from conformance.watch import main_thread
from conformance.watch import stacks
from conformance.watch import Watch

TICK = 0.05
"""Seconds between two attempts to end what does not return."""

ENDING = 3.0
"""Seconds that a call may take to end when it has been given up.

No more than twice the patience, since whoever watches over the run has some
patience as well.
"""

Wait = Callable[[float], bool]
"""Waits so many seconds for something; false if that is not over then."""


class Party(Protocol):
    """Somebody who works for the driver or waits for it."""

    def join(self, timeout: float) -> bool:
        """Wait until it is idle; false when ``timeout`` seconds passed."""


class Patience:
    """Waits for whoever calls the driver, and not for ever.

    A thread cannot be ended from outside.  What it waits for can: commands
    are killed, and whoever has opened a FIFO on the share finds it empty.

    :param seconds: that a call of the driver's has.
    :param share: the directory of the share.
    """

    def __init__(self, seconds: float, watch: Watch, share: Path) -> None:
        self.seconds = seconds
        self.given_up = ""
        """Where a call was that did not return in time, if one did not."""
        self.is_lost = False
        """Whether such a call goes on for ever."""
        self._watch = watch
        self._share = share

    def join(self, party: Party) -> bool:
        """Wait until somebody is idle.

        :returns: false when a call does not return, now or before: it is
            :attr:`given_up`.
        """
        if not self.given_up:
            self.wait(party.join, lambda: f"{party} is busy")
        return not self.given_up

    def wait(self, wait: Wait, otherwise: Callable[[], str]) -> bool:
        """Wait for something; false when what the driver does was given up.

        :param otherwise: says what it is that lasts, if the driver is in no
            call.
        """
        if wait(self.seconds):
            return True
        self.given_up = stacks.dump(self._watch) or otherwise()
        self._end(wait)
        return False

    def give_up(self) -> None:
        """End what the driver does, for which nobody waits any more."""
        self.given_up = stacks.dump(self._watch)
        self.is_lost = not self._end(lambda _: True)

    @contextmanager
    def answering(self, method: str) -> Iterator[None]:
        """A method of the driver's is called meanwhile.

        :raises OperationFailed: it was given up, and a test has called it.
        """
        before = self.given_up
        try:
            yield
        except (GivenUp, Exception) as error:
            # One whose command is killed may fail by that before it is ended.
            is_over = isinstance(error, GivenUp) or self.given_up != before
            if not is_over or not main_thread.is_here():
                raise
            # To a test runner it would be the end of the process.
            raise OperationFailed(
                method, "an answer", self.said_of("call")
            ) from error

    def said_of(self, call: str) -> str:
        """What is observed of a call that was given up."""
        return (
            f"a {call} that has not returned in {self.seconds:g} s; it is at\n"
            f"{self.given_up}"
        )

    def finish(self, party: Party) -> bool:
        """Wait for the last time; false if somebody will never be idle."""
        if self.join(party):
            return True
        self.is_lost = self.is_lost or not self._end(party.join)
        return not self.is_lost

    def _end(self, wait: Wait) -> bool:
        until = time.monotonic() + min(ENDING, 2 * self.seconds)
        while self._watch.under_way or not wait(TICK):
            if time.monotonic() > until:
                return False
            self._watch.give_up()
            _let_go_of_fifos(self._share)
            time.sleep(TICK)
        return True


def _let_go_of_fifos(share: Path) -> None:
    """Have nobody wait any more for the other end of a FIFO on a share."""
    for directory, _, names in os.walk(share):
        for path in (os.path.join(directory, name) for name in names):
            # It may be gone by now.
            with suppress(OSError):
                if stat.S_ISFIFO(os.lstat(path).st_mode):
                    # This never blocks, and is both ends of it.
                    os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
