# SPDX-License-Identifier: Apache-2.0
"""The processes that a driver starts: argv, exit status and stderr."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
import textwrap
import threading
import time
import weakref
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from conformance.watch import calls
from conformance.watch import compute
from conformance.watch import processes
from conformance.watch import qemu_img
from conformance.watch import waiting
from conformance.watch.audit import Listener
from conformance.watch.calls import DriverCall

STDERR = 600
"""Characters of a process' stderr that are shown, its last ones."""


@dataclass(eq=False, slots=True)
class Command:
    """A process that the driver has started."""

    words: tuple[str, ...]
    call: DriverCall
    where: str = ""
    is_shell_line: bool = False
    status: int | None = None
    """Its exit status, where the driver has waited for it."""
    stderr: str = ""
    """What the driver has read of its stderr."""
    failure: str = ""
    """Why it could not be started."""
    is_killed: bool = False
    """Whether the kit has killed it, since its call did not return."""
    started: float = field(default_factory=time.perf_counter)
    """Seconds of ``time.perf_counter``."""
    ended: float | None = None
    """When the driver knew of its end."""

    def end(self, status: int) -> None:
        """The driver has seen it end, perhaps not for the first time."""
        self.status = status
        if self.ended is None:
            self.ended = time.perf_counter()

    def of_qemu_img(self) -> Iterator[tuple[str, ...]]:
        """The ``qemu-img`` commands that it consists of."""
        if self.is_shell_line:
            return qemu_img.find_in_shell(self.words[0])
        return qemu_img.find(self.words)

    @property
    def line(self) -> str:
        """What was started, as a shell has it."""
        return self.words[0] if self.is_shell_line else shlex.join(self.words)

    def __str__(self) -> str:
        return f"{self.line} -> {self.outcome}"

    @property
    def outcome(self) -> str:
        """How it ended, with what it had to say."""
        if self.failure:
            return f"not started: {self.failure}"
        if self.is_killed:
            ended = "killed by the kit"
        else:
            ended = "unknown" if self.status is None else f"exit {self.status}"
        text = self.stderr.strip()
        if len(text) > STDERR:
            text = f"...{text[-STDERR:]}"
        shown = f"\n{textwrap.indent(text, '  ')}" if text else ""
        return f"{ended}{shown}"


class Commands:
    """Takes down every process that is started for the driver.

    ``subprocess`` tells everything; ``os.posix_spawn``, ``os.system`` and
    a fork with exec tell what is started.
    """

    def __init__(self) -> None:
        self._commands: list[Command] = []
        self._by_process: weakref.WeakKeyDictionary[
            subprocess.Popen[Any], Command
        ] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        self._local = threading.local()
        self._pid = os.getpid()
        # A forked child's memory is its own; what it executes it tells here.
        self._children = tempfile.TemporaryFile()  # noqa: SIM115
        self._calls: list[DriverCall] = []

    @property
    def listeners(self) -> Mapping[str, Listener]:
        """What to listen to."""
        return {
            "subprocess.Popen": self._popen,
            "os.posix_spawn": self._posix_spawn,
            "os.system": self._system,
            "os.exec": self._exec,
            "os.fork": self._fork,
        }

    def all(self) -> list[Command]:
        """The commands, in the order in which they were started."""
        with self._lock:
            return [*self._commands, *self._of_children()]

    def running(self) -> list[Command]:
        """Those that have not ended, as far as ``subprocess`` knows."""
        return list(self._running().values())

    def kill(self, call: DriverCall) -> None:
        """Kill what a call has started and not waited for."""
        for process, command in self._running().items():
            if command.call is call:
                command.is_killed = True
                processes.kill(process)

    def _running(self) -> dict[subprocess.Popen[Any], Command]:
        # In one step: the driver's threads add to it meanwhile.
        known = [reference() for reference in self._by_process.keyrefs()]
        return {
            process: self._by_process[process]
            for process in known
            if process is not None and process.returncode is None
        }

    def close(self) -> None:
        """Hear no more of children; what they told is kept."""
        with self._lock:
            self._commands += self._of_children()
            self._children.close()

    # -- audit events

    def _popen(self, call: DriverCall, arguments: tuple[Any, ...]) -> None:
        self._local.started = self._add(call, arguments[1])

    def _posix_spawn(
        self, call: DriverCall, arguments: tuple[Any, ...]
    ) -> None:
        # subprocess has announced its own.
        if getattr(self._local, "started", None) is None:
            self._add(call, arguments[1])

    def _system(self, call: DriverCall, arguments: tuple[Any, ...]) -> None:
        self._add(call, [arguments[0]], is_shell_line=True)

    def _fork(self, call: DriverCall, _arguments: tuple[Any, ...]) -> None:
        with self._lock:
            self._calls.append(call)
            self._local.forked = len(self._calls) - 1

    def _exec(self, _call: DriverCall, arguments: tuple[Any, ...]) -> None:
        told = {
            "pid": os.getpid(),
            "words": _words(arguments[1]),
            "call": getattr(self._local, "forked", 0),
        }
        os.write(self._children.fileno(), f"{json.dumps(told)}\n".encode())

    def _add(
        self, call: DriverCall, words: Any, *, is_shell_line: bool = False
    ) -> Command:
        command = Command(_words(words), call, call.where(), is_shell_line)
        for told in (waiting.starting, compute.starting):
            told(call, command.words)
        with self._lock:
            self._commands.append(command)
        return command

    def _of_children(self) -> list[Command]:
        if self._children.closed:
            return []
        size = os.fstat(self._children.fileno()).st_size
        lines = os.pread(self._children.fileno(), size, 0).splitlines()
        # One that looks for the program along PATH tries it several times.
        told = {entry["pid"]: entry for entry in map(json.loads, lines)}
        return [
            Command(tuple(entry["words"]), self._calls[entry["call"]])
            for entry in told.values()
            if self._calls
        ]

    # -- subprocess.Popen

    def init(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """``Popen.__init__``."""

        def __init__(process: Any, *args: Any, **kwargs: Any) -> None:
            self._local.started = None
            try:
                original(process, *args, **kwargs)
            except OSError as error:
                if self._local.started is not None:
                    self._local.started.failure = str(error)
                raise
            else:
                if self._local.started is not None:
                    self._by_process[process] = self._local.started
            finally:
                self._local.started = None

        return __init__

    def ends(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """``Popen.poll`` and ``Popen.wait``."""

        def end(process: Any, *args: Any, **kwargs: Any) -> Any:
            status = original(process, *args, **kwargs)
            command = self._by_process.get(process)
            if command is not None and status is not None:
                command.end(status)
            return status

        return end

    def communicate(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """``Popen.communicate``."""

        def communicate(process: Any, *args: Any, **kwargs: Any) -> Any:
            output = original(process, *args, **kwargs)
            command = self._by_process.get(process)
            if command is not None:
                command.end(process.returncode)
                if output[1]:
                    command.stderr = _text(output[1])
            return output

        return communicate

    def system(self, original: Callable[..., int]) -> Callable[..., int]:
        """``os.system``."""

        def system(command: Any) -> int:
            status = original(command)
            call = calls.current()
            if call is not None:
                for known in reversed(self.all()):
                    if known.call is call and known.is_shell_line:
                        known.end(os.waitstatus_to_exitcode(status))
                        break
            return status

        return system


def _words(words: Any) -> tuple[str, ...]:
    if isinstance(words, (str, bytes, os.PathLike)):
        words = [words]
    return tuple(_text(os.fspath(word)) for word in words)


def _text(value: Any) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)
