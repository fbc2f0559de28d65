# SPDX-License-Identifier: Apache-2.0
"""The process that forks those in which the driver runs.

What they all import is imported once, and the driver by each of them, after
the fork.  This process has one thread, since a forked one has only the one
that forked it.

``python -m assisted_kit.forking``, started by
:mod:`assisted_kit.fork_server`, which asks it on a socket.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from typing import NoReturn

NAME = "assisted_kit.forking"

NOT_ALONE = 0
"""The answer of a server with several threads, which forks nothing."""

STANDARD = (0, 1, 2)

_MOST = 65_536
"""Bytes that are received at a time."""

_RUN = ("assisted_kit.runner", "sqlalchemy.dialects.sqlite")
"""What it imports, beside its tests and pytest."""


def main() -> None:
    """Do what is asked for until nobody is there to ask."""
    from assisted_kit import suite

    its, *rule_ids = sys.argv[1:]
    import_run()
    # Whoever needs what cannot be imported says so.
    with suppress(Exception):
        suite.import_tests(rule_ids)
    # Those that are forked need not look through it, and copy it by that.
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(its)) as asked:
        os.set_inheritable(asked.fileno(), False)
        asked.sendall(b"0\n")
        while (received := _received(asked)) is not None:
            request, files = received
            if "wait" in request:
                answer = ended(request["wait"])
            else:
                requests, output = files
                answer = _start(requests, output, request["start"])
                os.close(requests)
                os.close(output)
            asked.sendall(f"{answer}\n".encode())


def import_run() -> None:
    """Import what a run imports, whatever it is of, but for its tests."""
    from _pytest.config import default_plugins

    for name in (*_RUN, *map("_pytest.{}".format, default_plugins)):
        importlib.import_module(name)


def _received(asked: socket.socket) -> tuple[Any, list[int]] | None:
    """A request, with the files that came with it; None at the end."""
    line, files, *_ = socket.recv_fds(asked, _MOST, 2)
    while line and not line.endswith(b"\n"):
        more = asked.recv(_MOST)
        line = line + more if more else b""
    return (json.loads(line), files) if line else None


def _start(requests: int, output: int, environment: Mapping[str, str]) -> int:
    """The id of a new process, of a group of its own."""
    if not is_alone():
        # Whatever Python loads here wherever it starts has one of its own.
        return NOT_ALONE
    return forked_runner(lambda: be_runner(requests, output, environment))


def forked_runner(body: Callable[[], NoReturn]) -> int:
    """The id of a process that is :func:`be_runner`."""
    pid = forked(body)
    # Whoever is first, the group is there when this returns.
    with suppress(ProcessLookupError):
        os.setpgid(pid, pid)
    return pid


def be_runner(
    requests: int, output: int, environment: Mapping[str, str]
) -> NoReturn:
    """Be the process in which the driver runs.

    It begins where :func:`assisted_kit.child.start` has an interpreter begin.
    The supervisor has its signals blocked, and the process handles each
    before it lets them through.
    """
    from assisted_kit import runner

    os.setpgid(0, 0)
    os.dup2(requests, 0)
    os.dup2(2, 1)
    close_all_but((*STANDARD, output))
    begin([str(runner.__file__), str(output)], environment)
    runner.main()
    raise AssertionError("the runner ends its process")


def forked(body: Callable[[], NoReturn]) -> int:
    """The id of a process that does this and no more.

    :raises RuntimeError: there is a thread that it would not have.
    """
    if not is_alone():
        raise RuntimeError("what has several threads cannot be forked")
    # Whatever is still to be written is not to be written twice.
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        # Whatever happens, this is not the process that goes on.
        try:
            body()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)
    return pid


def is_alone() -> bool:
    """Whether this thread is the only one."""
    return len(os.listdir("/proc/self/task")) == 1


def ended(process: int) -> int:
    """How a process of ours ended, when it has."""
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def close_all_but(kept: Collection[int]) -> None:
    """Close the descriptors that are not passed on to a new program."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            # One was that of the list itself.
            with suppress(OSError):
                os.close(int(name))


def begin(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Have what an interpreter that starts takes from who started it."""
    sys.argv[:] = words
    os.environ.clear()
    os.environ.update(environment)
    # Found in another environment.
    tempfile.tempdir = None


if __name__ == "__main__":
    main()
