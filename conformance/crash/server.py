# SPDX-License-Identifier: Apache-2.0
"""The process that forks those that die.

It has one thread, since a forked process has only the one that forked it:
locks that others held would be held there for ever.  The driver is
constructed after the fork, so whatever threads it has are its own.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from typing import BinaryIO

from assisted_kit.forking import ended
from assisted_kit.forking import is_alone
from conformance.crash.points import Point
from conformance.crash.points import Points
from conformance.hook_call import Outcome
from conformance.hook_call import outcomes_alone
from conformance.hook_call import Request

NAME = "conformance.crash.server"
"""The module, whatever it is called while it is run."""

ALONE = "alone"
"""The argument of a process that answers one request, and forks nothing."""

_PR_SET_PDEATHSIG = 1
"""Of ``prctl(2)``: the signal that a process gets when its parent dies."""

_PR_SET_CHILD_SUBREAPER = 36
"""Of ``prctl(2)``: the children of children that died are ours."""


@dataclass(frozen=True, slots=True)
class DeadlyRequest:
    """A call of a hook, and where its process is to die."""

    request: Request
    point: int
    """From 1, as in :class:`Point`."""
    patience: float
    """Seconds after which it is killed wherever it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the process said last, and how it ended."""

    said: bytes
    """A pickled Point or Outcome; nothing if something else killed it."""
    status: int
    """Its exit status, or a signal's number below zero."""


def main() -> None:
    """Answer the requests of the standard input until there are no more."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    with outcomes_alone() as output:
        for request in _requests(sys.stdin.buffer):
            # Imported once, for all of those that are forked.
            request.request.subject()
            pickle.dump(_answer(request), output)
            output.flush()


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")


def _requests(source: BinaryIO) -> Iterator[DeadlyRequest]:
    with suppress(EOFError):
        while True:
            yield pickle.load(source)  # noqa: S301


def _answer(request: DeadlyRequest) -> Answer:
    # What starts threads as it is imported is not to be forked.
    start = _forked if is_alone() else _started
    child, reading = start(request)
    with os.fdopen(reading, "rb") as file:
        # Commands that it started do not have the pipe.
        said = file.read()
    status = ended(child)
    _end_commands(child)
    return Answer(said, status)


def _forked(request: DeadlyRequest) -> tuple[int, int]:
    """The process that calls the hook, and a pipe with what it says."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        # Whatever happens, this is not the server that goes on.
        try:
            os.close(reading)
            _call(request, writing)
        finally:
            os._exit(1)
    os.close(writing)
    return child, reading


def _started(request: DeadlyRequest) -> tuple[int, int]:
    """The same with an interpreter of its own."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as stdin:
        pickle.dump(request, stdin)
        stdin.seek(0)
        words = [sys.executable, "-P", "-m", NAME, ALONE]
        child = os.posix_spawn(
            sys.executable,
            words,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, stdin.fileno(), 0),
                (os.POSIX_SPAWN_DUP2, writing, 1),
            ],
            setpgroup=0,
        )
    os.close(writing)
    return child, reading


def alone() -> None:
    """Answer the one request of the standard input in this process."""
    with outcomes_alone() as output:
        for request in _requests(sys.stdin.buffer):
            _call(request, output.fileno())


def _call(request: DeadlyRequest, writing: int) -> None:
    """Call the hook in this process, and say how that ended."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)
    os.set_inheritable(writing, False)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, request.patience)

    def say(said: bytes) -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(said)

    def last_words(point: Point) -> None:
        say(pickle.dumps(point))

    def hook() -> Any:
        driver, snapshot_ref = request.request.driver_and_ref()
        points = Points(
            type(driver), request.request.share, request.point, last_words
        )
        call = getattr(driver, request.request.hook)
        return points.run(lambda: call(snapshot_ref))

    say(Outcome.of(hook))
    os._exit(0)


def _end_commands(group: int) -> None:
    """Kill what a dead process has started, and see that it is gone.

    Whoever carries on would find its locks.
    """
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)


if __name__ == "__main__":
    # Pickled names are those of the module, not of the program.
    from conformance.crash import server

    server.alone() if ALONE in sys.argv else server.main()
