# SPDX-License-Identifier: Apache-2.0
"""The suite's end of the process that forks those that die."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fixtures

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


class ForkServer(fixtures.Fixture):
    """Calls hooks in processes that are killed at a point of theirs."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def _setUp(self) -> None:
        with calls.aside():
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", server.NAME],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment(),
            )
        self.addCleanup(self._end)

    def _end(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        # One that has nobody to answer ends.
        self._process.wait()

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
            answer = self._answer(DeadlyRequest(request, point, patience))
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

    def _answer(self, request: DeadlyRequest) -> Answer:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        try:
            with calls.aside():
                pickle.dump(request, stdin)
                stdin.flush()
                answer: Answer = pickle.load(stdout)  # noqa: S301
        except (BrokenPipeError, EOFError) as error:
            raise ServerEnded(
                f"the fork server ended with status {self._process.wait()}"
            ) from error
        return answer
