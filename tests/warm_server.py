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
import tempfile
import traceback
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from typing import NoReturn

import assisted_kit
from assisted_kit import child

START = child.start
"""How the supervisor starts the process in which a driver runs."""

INTERRUPTION = signal.getsignal(signal.SIGINT)
"""What Ctrl-C does: started by nohup, say, it is ignored."""

PATH = (*sys.path,)
"""Where modules are looked for, with ``-P``."""

MODULES = (
    "assisted_kit.cli.main",
    "assisted_kit.runner",
    "conformance.trial",
    "fakes.broken",
    "sqlalchemy.dialects.sqlite",
)
"""What a run imports, whatever it is of."""

STANDARD = (0, 1, 2)


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
        child = forked(lambda request=request: run(request))
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
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
    for name in MODULES:
        importlib.import_module(name)
    import _pytest.config

    import conformance
    from conformance.faults import selection

    for name in _pytest.config.default_plugins:
        importlib.import_module(f"_pytest.{name}")
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


def forked(body: Callable[[], NoReturn]) -> int:
    """The id of a process that does this and no more.

    :raises RuntimeError: there is a thread that it would not have.
    """
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("what has several threads cannot be forked")
    # Whatever is still to be written is not to be written twice.
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        # Whatever happens, this is not the process that goes on.
        try:
            body()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)
    return child


def run(request: Request) -> NoReturn:
    """Be the command line."""
    from assisted_kit.cli.main import main as command_line

    signal.signal(signal.SIGINT, INTERRUPTION)
    open_as(0, os.devnull, os.O_RDONLY)
    open_as(1, request.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    open_as(2, request.errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    close_all_but(STANDARD)
    os.chdir(request.directory)
    sys.path[:] = [request.directory, *PATH]
    program = Path(assisted_kit.__file__).with_name("__main__.py")
    begin([str(program), *request.arguments], request.environment)
    child.start = Runner
    try:
        command_line(prog_name="assisted-kit")
    except SystemExit as end:
        status = int(end.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def close_all_but(kept: Collection[int]) -> None:
    """Close the descriptors that are not passed on to a new program."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            # One was that of the list itself.
            with suppress(OSError):
                os.close(int(name))


def begin(words: list[str], environment: Mapping[str, str]) -> None:
    """Have what an interpreter that starts takes from who started it."""
    sys.argv = words
    os.environ.clear()
    os.environ.update(environment)
    # Found in another environment.
    tempfile.tempdir = None


class Runner:
    """A process in which the driver runs, as far as the supervisor sees.

    It begins where :func:`assisted_kit.child.start` has an interpreter begin.
    """

    def __init__(self, output: int, environment: Mapping[str, str]) -> None:
        reading, writing = os.pipe()
        self.stdin = os.fdopen(writing, "wb")
        self.returncode: int | None = None
        self.pid = forked(lambda: be_runner(reading, output, environment))
        os.close(reading)
        # Whoever is first, it is there when this returns.
        with suppress(ProcessLookupError):
            os.setpgid(self.pid, self.pid)

    def wait(self) -> int:
        """How it ended, when it has."""
        if self.returncode is None:
            _, status = os.waitpid(self.pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def be_runner(
    requests: int, output: int, environment: Mapping[str, str]
) -> NoReturn:
    """Be the process in which the driver runs.

    What the supervisor does with signals ends as it begins: it has them
    blocked, and the process handles each before it lets them through.
    """
    from assisted_kit import runner

    os.setpgid(0, 0)
    os.dup2(requests, 0)
    os.dup2(2, 1)
    close_all_but((*STANDARD, output))
    sys.path[:] = PATH
    begin([runner.__file__, str(output)], environment)
    # It sees whether the kit is as it was written.
    child.start = START
    runner.main()


if __name__ == "__main__":
    main()
