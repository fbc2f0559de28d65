# SPDX-License-Identifier: Apache-2.0
"""The process that forks those in which the command line runs.

It has imported what takes long to import, and has done nothing else, so that
what it forks is like an interpreter that has just started.  It has one
thread, since a forked process has only the one that forked it.

It is started as a program, with ``python -P``: ``tests`` is not on its
``sys.path``, nor on that of a run.
"""

from __future__ import annotations

import ast
import gc
import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from typing import NoReturn

import assisted_kit
from assisted_kit import child
from assisted_kit import forking
from assisted_kit.fork_server import Forked
from assisted_kit.forking import be_runner
from assisted_kit.forking import ended
from assisted_kit.forking import forked

START = child.start
"""How the supervisor starts the process in which a driver runs."""

INTERRUPTION = signal.getsignal(signal.SIGINT)
"""What Ctrl-C does: started by nohup, say, it is ignored."""

PATH = (*sys.path,)
"""Where modules are looked for, with ``-P``."""

MODULES = (
    "assisted_kit.cli.main",
    "conformance.trial",
    "fakes.broken",
)
"""What the command line imports, beside what each run does."""


@dataclass(frozen=True)
class Request:
    """A run of the command line, as a shell would start it."""

    arguments: list[str]
    directory: str
    environment: dict[str, str]
    """Its variables for the interpreter come too late: it is there."""
    output: str
    """The file that the standard output goes to."""
    errors: str
    """The file that the standard error goes to."""

    def as_line(self) -> str:
        """As the server reads it."""
        return json.dumps(asdict(self)) + "\n"


def main() -> None:
    """Answer the requests of the standard input until there are no more.

    An answer is the status with which the process of a run ended.
    """
    # Ctrl-C is for the runs; this process ends when nobody asks any more.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = channel()
    import_everything()
    # Those that are forked need not look through it, and copy it by that.
    gc.collect()
    gc.freeze()
    for line in requests:
        request = Request(**json.loads(line))
        status = ended(forked(lambda request=request: run(request)))
        answers.write(f"{status}\n")
        answers.flush()


def channel() -> tuple[IO[str], IO[str]]:
    """The standard input and output, which are others from then on.

    Nothing was read from ``sys.stdin``, nor will be in this process.
    """
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    open_as(0, os.devnull, os.O_RDONLY)
    os.dup2(2, 1)
    return requests, answers


def open_as(descriptor: int, file: str, flags: int) -> None:
    """Have a descriptor be of this file."""
    opened = os.open(file, flags, 0o600)
    os.dup2(opened, descriptor)
    os.close(opened)


def import_everything() -> None:
    """Import what a run imports before a driver does anything.

    The tests of the suite themselves are left out: pytest loads them with
    code of its own for their asserts, and what rows they have is a matter of
    the environment.
    """
    forking.import_run()
    for name in MODULES:
        importlib.import_module(name)

    import conformance
    from conformance.faults import selection

    for file in Path(*conformance.__path__).glob("test_*.py"):
        import_what_it_imports(file)
    # Each run would make the same choice of thousands of combinations.
    selection.selected(exhaustive=False)


def import_what_it_imports(file: Path) -> None:
    """Run the import statements of a module, and nothing else of it."""
    tree = ast.parse(file.read_text())
    tree.body = [
        statement
        for statement in tree.body
        if isinstance(statement, ast.Import | ast.ImportFrom)
    ]
    exec(compile(tree, str(file), "exec"), {})


def run(request: Request) -> NoReturn:
    """Be the command line."""
    from assisted_kit.cli.main import main as command_line

    signal.signal(signal.SIGINT, INTERRUPTION)
    open_as(0, os.devnull, os.O_RDONLY)
    open_as(1, request.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    open_as(2, request.errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    forking.close_all_but(forking.STANDARD)
    os.chdir(request.directory)
    sys.path[:] = [request.directory, *PATH]
    program = Path(assisted_kit.__file__).with_name("__main__.py")
    forking.begin([str(program), *request.arguments], request.environment)
    child.start = forked_runner
    try:
        command_line(prog_name="assisted-kit")
    except SystemExit as end:
        status = int(end.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def forked_runner(
    output: int, environment: Mapping[str, str]
) -> child.Process:
    """Start the process in which the driver runs, from this one."""
    reading, writing = os.pipe()

    def body() -> NoReturn:
        # It sees whether the kit is as it was written.
        child.start = START
        sys.path[:] = PATH
        be_runner(reading, output, environment)

    pid = forking.forked_runner(body)
    os.close(reading)
    return Forked(pid, os.fdopen(writing, "wb"), ended)


if __name__ == "__main__":
    main()
