# SPDX-License-Identifier: Apache-2.0
"""Starting commands, as Cinder's drivers do through ``execute``."""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from oslo_concurrency import processutils

from assisted_kit.errors import AssistedKitError

_RESOURCES: Mapping[str, int] = {
    "address_space": resource.RLIMIT_AS,
    "core_file_size": resource.RLIMIT_CORE,
    "cpu_time": resource.RLIMIT_CPU,
    "data_size": resource.RLIMIT_DATA,
    "file_size": resource.RLIMIT_FSIZE,
    "memory_locked": resource.RLIMIT_MEMLOCK,
    "number_files": resource.RLIMIT_NOFILE,
    "number_processes": resource.RLIMIT_NPROC,
    "resident_set_size": resource.RLIMIT_RSS,
    "stack_size": resource.RLIMIT_STACK,
}
"""Attributes of oslo.concurrency's ``ProcessLimits``, and what they limit."""


class ProcessFailed(
    AssistedKitError,
    processutils.ProcessExecutionError,  # type: ignore[misc]
):
    """A command could not be started, or ended with another status than 0.

    Its ``str()`` has the command, the status and what it printed.  It is
    caught as oslo.concurrency's error, too, as Cinder's drivers do.
    """

    def __init__(
        self,
        command: tuple[str, ...],
        exit_code: int | None,
        stderr: str,
        stdout: str = "",
    ) -> None:
        processutils.ProcessExecutionError.__init__(
            self, stdout, stderr, exit_code, shlex.join(command)
        )
        self.command = command

    def __str__(self) -> str:
        ended = (
            "could not be started"
            if self.exit_code is None
            else f"ended with status {self.exit_code}"
        )
        said = (self.stderr or "").strip()
        return f"{shlex.join(self.command)} {ended}: {said}"


def execute(
    *command: Any,
    process_input: str | None = None,
    check_exit_code: bool | int | Iterable[int] | None = 0,
    cwd: str | os.PathLike[str] | None = None,
    env_variables: Mapping[str, str] | None = None,
    run_as_root: bool = False,
    root_helper: str = "",
    prlimit: processutils.ProcessLimits | None = None,
    **others: Any,
) -> tuple[str, str]:
    """Run a command to its end; returns what it wrote to both outputs.

    It takes what oslo.concurrency's ``processutils.execute`` takes, and
    leaves to that what is seldom asked for.  Without its ``preexec_fn``
    Python starts processes by vfork: forking a service of 128 MB costs
    14 ms more.

    :param run_as_root: changes nothing: the command runs as who runs this.
    :param root_helper: not used: the driver's may not be on this host. The
        one that is comes with `by_root_helper`.
    :param prlimit: what the process may use, set as soon as it has started;
        oslo.concurrency starts a Python interpreter for it, which takes
        40 ms.
    :raises ProcessFailed: it did not end with an expected status.
    """
    words = tuple(str(word) for word in command)
    if others:
        found: tuple[str, str] = processutils.execute(
            *words,
            process_input=process_input,
            check_exit_code=check_exit_code,
            cwd=cwd,
            env_variables=env_variables,
            prlimit=prlimit,
            **others,
        )
        return found
    stdin = subprocess.DEVNULL if process_input is None else subprocess.PIPE
    try:
        with subprocess.Popen(
            words,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd=cwd,
            env=env_variables,
        ) as process:
            try:
                if prlimit is not None:
                    _limit(process.pid, prlimit)
                stdout, stderr = process.communicate(process_input)
            except BaseException:
                process.kill()
                raise
    except OSError as error:
        raise ProcessFailed(words, None, str(error)) from error
    if not _is_expected(process.returncode, check_exit_code):
        raise ProcessFailed(words, process.returncode, stderr, stdout)
    return stdout, stderr


def by_root_helper(root_helper: str) -> Callable[..., tuple[str, str]]:
    """Like `execute`, but what is to run as root is started by a helper.

    :param root_helper: a command line before the command's; if it is empty,
        the command runs as who runs this.
    """
    helper = shlex.split(root_helper)

    def run(
        *command: Any,
        run_as_root: bool = False,
        prlimit: processutils.ProcessLimits | None = None,
        **options: Any,
    ) -> tuple[str, str]:
        if not (run_as_root and helper):
            return execute(*command, prlimit=prlimit, **options)
        words = [*helper, *map(str, command)]
        if prlimit is None:
            return execute(*words, **options)
        # What the helper has become is another user's, whose limits are not
        # ours to set: oslo.concurrency sets them before.
        options.pop("root_helper", None)
        found: tuple[str, str] = processutils.execute(
            *words, prlimit=prlimit, **options
        )
        return found

    return run


def _limit(pid: int, limits: processutils.ProcessLimits) -> None:
    """Set the limits of a process, none higher than it has already.

    :raises OSError: they cannot be set, for example another user's.
    """
    for name, which in _RESOURCES.items():
        value = getattr(limits, name)
        if value is not None:
            _, most = resource.prlimit(pid, which)
            if most != resource.RLIM_INFINITY:
                value = min(value, most)
            resource.prlimit(pid, which, (value, value))


def _is_expected(
    status: int, check_exit_code: bool | int | Iterable[int] | None
) -> bool:
    # A bool is an int, and is not meant as a status.
    if isinstance(check_exit_code, bool):
        return not check_exit_code or status == 0
    if check_exit_code is None:
        return status == 0
    if isinstance(check_exit_code, int):
        return status == check_exit_code
    return status in check_exit_code
