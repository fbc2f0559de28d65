# SPDX-License-Identifier: Apache-2.0
"""The command line without the start of an interpreter.

For tests of many short runs, of which the start would take most of the time:
a process that has imported everything forks each run, and the process in
which its driver runs.  Tests of how those are started are not for this.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests import warm_server
from tests.command_line import Finished
from tests.command_line import finished
from tests.command_line import run_words
from tests.warm_server import Request


class ServerEnded(Exception):
    """There is no process any more that could fork a run."""


class WarmRuns:
    """Runs of the command line, by one process that forks them.

    It starts with the first of them.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._process: subprocess.Popen[str] | None = None

    def close(self) -> None:
        """Have that process end."""
        self._stack.close()
        self._process = None

    def run(
        self, directory: Path, *arguments: str, rules: tuple[str, ...] = ()
    ) -> Finished:
        """``assisted-kit run`` in a directory, its JSON result read.

        :raises ServerEnded: not by a defect of the run's.
        """
        with tempfile.TemporaryDirectory() as name:
            output, errors = Path(name, "output"), Path(name, "errors")
            status = self._status(
                Request(
                    run_words(directory, arguments, rules),
                    str(directory),
                    dict(os.environ),
                    str(output),
                    str(errors),
                )
            )
            return finished(
                directory, status, output.read_text(), errors.read_text()
            )

    def _status(self, request: Request) -> int:
        if self._process is None:
            self._process = self._stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-P", warm_server.__file__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(request.as_line())
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise ServerEnded(f"with status {self._process.wait()}")
        return int(answer)
