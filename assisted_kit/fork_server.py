# SPDX-License-Identifier: Apache-2.0
"""The supervisor's end of the process that forks those of a run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import suppress
from typing import Any
from typing import IO

from assisted_kit import child
from assisted_kit import forking


class ServerEnded(ChildProcessError):
    """The server has ended, and says why on standard error."""


class ForkServer:
    """A process that forks others when it is told to.

    :param rule_ids: what they are to run, as far as that is known.
    :raises OSError: it cannot be started.
    """

    def __init__(
        self, rule_ids: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        ours, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(
                # -P: no file of the user's is to hide a module of the kit's.
                [
                    sys.executable,
                    "-P",
                    "-m",
                    forking.NAME,
                    str(its.fileno()),
                    *rule_ids,
                ],
                stdin=subprocess.DEVNULL,
                # What a driver prints must not get into --json -.
                stdout=2,
                pass_fds=(its.fileno(),),
                process_group=0,
                env=environment,
            )
        self._socket = ours
        self._answers = ours.makefile("r", encoding="utf-8")

    def wait_until_ready(self) -> None:
        """Wait until everything is imported.

        :raises ServerEnded: it never will be.
        """
        self._answer()

    def start(
        self, output: int, environment: Mapping[str, str]
    ) -> child.Process:
        """Fork a process that does what its standard input says.

        Like :func:`assisted_kit.child.start`.

        :raises ServerEnded: it cannot be started any more.
        """
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb"), ExitStack() as stack:
            stdin = stack.enter_context(os.fdopen(writing, "wb"))
            request = {"start": dict(environment)}
            pid = self._ask(request, (reading, output))
            if pid == forking.NOT_ALONE:
                return child.start(output, environment)
            stack.pop_all()
        return Forked(pid, stdin, self._wait)

    def _wait(self, pid: int) -> int:
        return self._ask({"wait": pid})

    def _ask(
        self, request: Mapping[str, Any], files: Sequence[int] = ()
    ) -> int:
        line = json.dumps(request).encode() + b"\n"
        # One that has ended does not answer either.
        with suppress(BrokenPipeError):
            sent = socket.send_fds(self._socket, [line], files)
            self._socket.sendall(line[sent:])
        return self._answer()

    def _answer(self) -> int:
        try:
            answer = self._answers.readline()
        except ConnectionResetError:
            answer = ""
        if not answer:
            raise ServerEnded(
                f"the fork server ended with status {self._process.wait()}"
            )
        return int(answer)

    def close(self) -> None:
        """End the server; what it has forked is to be over by then."""
        self._answers.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()


class Forked:
    """A process that was forked, as far as the supervisor sees it.

    :param wait: how the process of an id ended, when it has; raises
        ServerEnded if nobody can say.
    """

    def __init__(
        self, pid: int, stdin: IO[bytes], wait: Callable[[int], int]
    ) -> None:
        self.pid = pid
        self.stdin: IO[bytes] | None = stdin
        self.returncode: int | None = None
        self._wait = wait

    def wait(self) -> int | None:
        """How it ended, when it has; None if nobody can say."""
        if self.returncode is None:
            with suppress(ServerEnded):
                self.returncode = self._wait(self.pid)
        return self.returncode
