# SPDX-License-Identifier: Apache-2.0
"""The time that a legacy driver waits by, which costs no real time.

Such a driver asks Nova itself and sleeps between its looks at the snapshot.
Here a sleep is over when something was reported on the snapshot, or when
the test's clock has come to its end.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from assisted_kit.clock import Alarm
from assisted_kit.clock import Clock
from assisted_kit.errors import AssistedKitError
from assisted_kit.notifier import Notification
from assisted_kit.notifier import Reported

LOOKS = 200
"""Looks at the snapshot without a sleep that no waiting driver needs."""


class NoEnd(AssistedKitError):
    """A driver's call goes on when there is nothing to go on for."""


class Call:
    """A call of a legacy driver's, while it has not returned.

    :ivar time: seconds since the epoch, as the driver counts them: when the
        call started, and whatever it has slept since.
    """

    def __init__(self, snapshot_id: str, now: float) -> None:
        self.snapshot_id = snapshot_id
        self.time = now
        self.looks = 0
        self.is_news = False
        """Something was reported since the driver last woke."""
        self.resume: Callable[[], None] | None = None
        """Set while it sleeps: counts it as work again."""
        self.alarm: Alarm | None = None


class VirtualTime:
    """Stands in for the module ``time`` where a legacy driver uses it.

    :param clock: the test's.
    :param pause: the manager's, so that its ``join`` does not wait for a
        call that sleeps.
    :param others: waits until whoever may report has nothing left to do.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        pause: Callable[[], Callable[[], None]],
        others: Callable[[], object],
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._others = others
        self._calls: list[Call] = []
        self._is_over = False
        self._here = threading.local()
        self._woken = threading.Condition()

    # -- what the driver uses

    def sleep(self, seconds: float) -> None:
        """Sleep until there is news, or the clock is there.

        :raises NoEnd: the test is over.
        """
        call = self._call()
        if call is None:
            # Nobody counts this thread as the manager's: let the others do
            # what the driver may be waiting for.
            self._others()
            return
        with self._woken:
            call.looks = 0
            call.time += max(seconds, 0.0)
            # First the alarm, then a look at the clock: it may have passed
            # that time by now, and if it does from now on, it rings.
            call.alarm = self._clock.call_at(
                call.time, lambda: self._wake(call)
            )
            is_time = call.time <= self._clock.now()
            if not (is_time or call.is_news or self._is_over):
                # Not before it is sure that it sleeps: whoever finds the
                # manager idle takes it for asleep.
                call.resume = self._pause()
                self._woken.wait_for(lambda: call.resume is None)
            call.alarm.cancel()
            call.is_news = False
            if self._is_over:
                raise NoEnd("the test is over, and the driver still waits")

    def time(self) -> float:
        """Seconds since the epoch, as far as the caller has slept."""
        call = self._call()
        return self._clock.now() if call is None else call.time

    monotonic = time
    perf_counter = time

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    # -- what is heard of calls and reports

    @contextlib.contextmanager
    def call(self, snapshot_id: str) -> Iterator[None]:
        """While a call of the driver's for a snapshot is under way here."""
        call = Call(snapshot_id, self._clock.now())
        with self._woken:
            self._calls.append(call)
        self._here.call = call
        try:
            yield
        finally:
            self._here.call = None
            with self._woken:
                self._calls.remove(call)

    def looked(self) -> None:
        """The driver has read its snapshot again.

        :raises NoEnd: it has done nothing else for a long time.
        """
        call = self._call()
        if call is None:
            return
        call.looks += 1
        if call.looks > LOOKS:
            raise NoEnd(
                f"the driver has read snapshot {call.snapshot_id} "
                f"{LOOKS} times on end without sleeping once"
            )

    def listen(self, notification: Notification) -> None:
        """Hear of reports, as a listener of the notifier's."""
        if not isinstance(notification, Reported):
            return
        with self._woken:
            for call in self._calls:
                if call.snapshot_id == notification.snapshot_id:
                    call.is_news = True
                    self._wake(call)

    # -- what a test asks and says

    @property
    def sleepers(self) -> list[str]:
        """The snapshots whose calls sleep now."""
        with self._woken:
            return [c.snapshot_id for c in self._calls if c.resume is not None]

    def end(self) -> None:
        """Let every sleep fail from now on: the test is over."""
        with self._woken:
            self._is_over = True
            for call in self._calls:
                self._wake(call)

    def _call(self) -> Call | None:
        return getattr(self._here, "call", None)

    def _wake(self, call: Call) -> None:
        # Counted as work by whoever wakes it: nobody may find the manager
        # idle between this and the driver's next step.
        with self._woken:
            resume, call.resume = call.resume, None
            if resume is None:
                return
            resume()
            self._woken.notify_all()
