# SPDX-License-Identifier: Apache-2.0
"""Time, as the manager knows it: a reading and alarms.

Deadlines are alarms on a clock that can be replaced, so that a time-out of
7,200 s costs a test nothing.  Nothing here polls: the real clock has one
thread that waits for the earliest alarm.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

LOG = logging.getLogger(__name__)

_MANY = 64


class Alarm:
    """A call that is due at some time and can be cancelled before."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Never ring.  Without effect once it has rung."""
        self._call = None

    @property
    def is_set(self) -> bool:
        """Whether it may still ring."""
        return self._call is not None

    def ring(self) -> None:
        """Make the call, unless it was cancelled or made before."""
        call, self._call = self._call, None
        if call is None:
            return
        try:
            call()
        except Exception:
            # The alarms after it are other snapshots' deadlines.
            LOG.exception("an alarm failed")


class Clock(Protocol):
    """What the kit needs of time."""

    def now(self) -> float:
        """Seconds since the epoch; comparable between processes."""

    def call_at(self, when: float, call: Callable[[], None]) -> Alarm:
        """Call ``call`` at ``when``, on a thread of the clock's.

        The call must be short: it holds up the alarms after it.
        """


class _Alarms:
    """Alarms in the order in which they are due."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._numbers = itertools.count()
        self._clear_out_at = _MANY

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, when: float, alarm: Alarm) -> None:
        # Every report that raises a deadline cancels an alarm that would
        # otherwise be kept for hours.
        if len(self._heap) >= self._clear_out_at:
            self._heap = [entry for entry in self._heap if entry[2].is_set]
            heapq.heapify(self._heap)
            self._clear_out_at = max(_MANY, 2 * len(self._heap))
        heapq.heappush(self._heap, (when, next(self._numbers), alarm))

    def next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: float) -> list[Alarm]:
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        return due


class SystemClock:
    """The machine's clock; its thread starts with the first alarm."""

    def __init__(self) -> None:
        self._alarms = _Alarms()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def now(self) -> float:
        return time.time()

    def call_at(self, when: float, call: Callable[[], None]) -> Alarm:
        alarm = Alarm(call)
        with self._changed:
            self._alarms.add(when, alarm)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="assisted-kit-clock", daemon=True
                )
                self._thread.start()
            self._changed.notify()
        return alarm

    def stop(self) -> None:
        """Drop all alarms and end the thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                due = self._alarms.take_due(self.now())
                if not due:
                    next_due = self._alarms.next_due()
                    self._changed.wait(self._until(next_due))
                    continue
            for alarm in due:
                alarm.ring()

    def _until(self, due: float | None) -> float | None:
        if due is None:
            return None
        # A wait that is longer than the platform can do raises.
        return min(max(0.0, due - self.now()), threading.TIMEOUT_MAX)


class VirtualClock:
    """A clock that stands still until somebody advances it."""

    def __init__(self, start: float = 1_000_000_000.0) -> None:
        self._now = start
        self._alarms = _Alarms()
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, call: Callable[[], None]) -> Alarm:
        alarm = Alarm(call)
        with self._lock:
            self._alarms.add(when, alarm)
        return alarm

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass; alarms ring on the caller's thread."""
        end = self._now + seconds
        while True:
            with self._lock:
                next_due = self._alarms.next_due()
                if next_due is None or next_due > end:
                    self._now = end
                    return
                self._now = max(self._now, next_due)
                due = self._alarms.take_due(self._now)
            for alarm in due:
                alarm.ring()
