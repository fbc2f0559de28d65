# SPDX-License-Identifier: Apache-2.0
"""Where a driver is in calls that have not returned."""

from __future__ import annotations

import linecache
import sys
import time
import traceback
from types import FrameType
from typing import Any

from conformance.watch.calls import DriverCall
from conformance.watch.calls import place
from conformance.watch.secrets import hidden
from conformance.watch.watch import Watch


def inside(call: DriverCall) -> list[FrameType]:
    """The frames of a call on its own thread, the outermost first.

    What called the driver is left out; empty when it has returned, or goes on
    at this moment.
    """
    frames: list[FrameType] = []
    frame: Any = sys._current_frames().get(call.thread)
    while frame is not None:
        # The thread runs meanwhile, and Python may take what is there now
        # for the caller of a frame that has ended (seen of 3.11).
        if not isinstance(frame, FrameType):
            return []
        frames.insert(0, frame)
        frame = frame.f_back
    drivers = [
        index
        for index, found in enumerate(frames)
        if call.is_drivers(found.f_globals.get("__name__", ""))
    ]
    return frames[drivers[0] :] if drivers else frames


def hanging_at(call: DriverCall) -> str:
    """The driver's line that a call is at, which names what it waits for.

    Below it, what that line has called in a library.
    """
    frames = inside(call)
    if not frames:
        return f"{call} has returned"
    own = [
        frame
        for frame in frames
        if call.is_drivers(frame.f_globals.get("__name__", ""))
    ]
    frame = (own or frames)[-1]
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return f"{call} is at {place(frame)}: {line.strip()}"


def dump(watch: Watch) -> str:
    """Of each call under way its line, the commands it waits for, its stack.

    :returns: text; empty when there is no call.
    """
    stacks = []
    for call in watch.under_way:
        frames = inside(call)
        if frames:
            summary = traceback.StackSummary.extract(
                (frame, frame.f_lineno) for frame in frames
            )
            waits = [
                f"  which waits for: {hidden(command.line)}"
                for command in watch.running(call)
            ]
            lines = (hanging_at(call), *waits, "".join(summary.format()))
            stacks.append("\n".join(lines).rstrip())
    return "\n".join(stacks)


class Standstill:
    """Whether the driver stands at one place and nothing of it moves."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._seen: object = None
        self._since = time.monotonic()

    def lasts(self) -> float:
        """Seconds since something of a call under way has moved."""
        now = [
            [(id(frame), frame.f_lasti) for frame in inside(call)]
            for call in self._watch.under_way
        ]
        if now != self._seen or not any(now):
            self._seen, self._since = now, time.monotonic()
        return time.monotonic() - self._since
