# SPDX-License-Identifier: Apache-2.0
"""The suite's end of the process that forks those that die."""

from __future__ import annotations

import atexit
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from assisted_kit.driver import Hook
from assisted_kit.errors import AssistedKitError
from assisted_kit.refs import SnapshotRef
from assisted_kit.subject import Subject
from conformance.crash import server
from conformance.crash.killed import Killed
from conformance.crash.points import Point
from conformance.crash.server import Answer
from conformance.crash.server import DeadlyRequest
from conformance.hook_call import environment
from conformance.hook_call import Outcome
from conformance.hook_call import Request
from conformance.watch import calls


class ServerEnded(AssistedKitError):
    """The fork server has ended, and says why on standard error."""


class DiedOtherwise(AssistedKitError):
    """The process ended by itself, or had not returned in time."""


class _Process:
    """The process, and where it was started.

    To start it takes longer than it does for a sweep, so that there is one
    for all of them.  It has what it was started with: another environment,
    directory or standard error needs another process.
    """

    def __init__(self) -> None:
        self._place = _place()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", server.NAME],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )

    def is_as_new(self) -> bool:
        """Whether one that is started now would be no different."""
        return self._process.poll() is None and self._place == _place()

    def ask(self, request: DeadlyRequest) -> Answer:
        """Have it do something.

        :raises ServerEnded: it has not done it.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        try:
            pickle.dump(request, stdin)
            stdin.flush()
            answer: Answer = pickle.load(stdout)  # noqa: S301
        except (BrokenPipeError, EOFError) as error:
            raise ServerEnded(
                f"the fork server ended with status {self._process.wait()}"
            ) from error
        except BaseException:
            # Who asks next would be given this answer.
            self._process.kill()
            self._process.wait()
            raise
        return answer

    def end(self) -> None:
        """End it, with what it is doing."""
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()
        # One that has nobody to answer ends.
        self._process.wait()


def _place() -> tuple[Any, ...]:
    """What a process has of the one that starts it."""
    variables = environment()
    # pytest's, for each test.
    variables.pop("PYTEST_CURRENT_TEST", None)
    errors = os.fstat(2)
    return os.getpid(), variables, os.getcwd(), errors.st_dev, errors.st_ino


_lock = threading.Lock()
_process: _Process | None = None


def _ask(request: DeadlyRequest) -> Answer:
    """Ask the process that there is, or a new one."""
    global _process
    with _lock, calls.aside():
        if _process is None or not _process.is_as_new():
            end()
            _process = _Process()
        return _process.ask(request)


@atexit.register
def end() -> None:
    """End the process; it is started again when it is needed."""
    global _process
    ended, _process = _process, None
    if ended is not None:
        ended.end()


class ForkServer:
    """Calls hooks in processes that are killed at a point of theirs."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def calling(
        self,
        share: Path,
        base_format: str,
        hook: Hook,
        point: int,
    ) -> Callable[[Any], Any]:
        """A function that calls ``hook`` in a process that dies.

        It returns what the hook does if that has no such point.

        :param point: its number, from 1.
        """

        def call(snapshot_ref: SnapshotRef) -> Any:
            request = Request.of(
                self._subject, share, base_format, hook, snapshot_ref
            )
            patience = self._subject.patience
            answer = _ask(DeadlyRequest(request, point, patience))
            if not answer.said:
                raise DiedOtherwise(
                    f"the process in which {hook} ran ended with status "
                    f"{answer.status}"
                )
            match pickle.loads(answer.said):  # noqa: S301
                case Point() as reached:
                    raise Killed(reached)
                case Outcome() as outcome:
                    return outcome.result()

        return call
