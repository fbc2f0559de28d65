# SPDX-License-Identifier: Apache-2.0
"""``qemu-io``, kept running for the writes of many guests.

A guest writes little and often, and starting the program takes several times
as long as the write.  So it is started once and told what to do line by line;
between two guests it has no image open.
"""

from __future__ import annotations

import atexit
import os
import subprocess
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress

from fakes.compute.errors import HypervisorError

_PROMPT = b"qemu-io> "
_LONGEST = 1022
"""Bytes of a command; ``qemu-io`` takes what is beyond for the next one."""

_READ = 65536


class QemuIo:
    """A ``qemu-io`` that waits for commands.

    :param arguments: what it is started with.
    :raises HypervisorError: it does not start, or cannot open an image that
        is one of them.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            ["qemu-io", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input = self._process.stdin
        self._output = self._process.stdout
        with _ended_by_errors(self):
            self._answer()

    @property
    def is_there(self) -> bool:
        """Whether it has not ended, for whatever reason."""
        return self._process.poll() is None

    def run(self, command: str) -> None:
        """Have it carry out a command that prints nothing when it works.

        :raises HypervisorError: it did print something, or is gone.
        """
        # Why it does not listen any more is in its answer.
        with suppress(BrokenPipeError):
            # It waits for input even if it has read a second line already.
            self._input.write(f"{command}\n".encode())
            self._input.flush()
        said = self._answer()
        if said:
            raise HypervisorError(f"qemu-io failed: {said}")

    def close(self) -> None:
        """Have it close what it has opened, and end."""
        with suppress(BrokenPipeError):
            self._input.close()
        # It is not to be killed for what it says at last.
        while self._said():
            continue
        self._process.wait()
        self._output.close()

    def kill(self) -> None:
        """End it, whatever it is at."""
        self._process.kill()
        self.close()

    def forget(self) -> None:
        """Leave it to the process that started it."""
        self._process.returncode = 0
        self._input.close()
        self._output.close()

    def _said(self) -> bytes:
        return os.read(self._output.fileno(), _READ)

    def _answer(self) -> str:
        """What it prints before it waits for the next command."""
        said = b""
        while not said.endswith(_PROMPT):
            part = self._said()
            if not part:
                status = self._process.wait()
                told = said.decode(errors="replace").strip()
                raise HypervisorError(
                    f"qemu-io ended with exit status {status}: {told}"
                )
            said += part
        return said.removesuffix(_PROMPT).decode(errors="replace").strip()


_idle: list[QemuIo] = []
"""Those of this process that nobody uses; threads take and give them back."""


def _close_idle() -> None:
    while _idle:
        _idle.pop().close()


def _forget_idle() -> None:
    while _idle:
        _idle.pop().forget()


atexit.register(_close_idle)
os.register_at_fork(after_in_child=_forget_idle)


@contextmanager
def opened(image: str, options: Sequence[str] = ()) -> Iterator[QemuIo]:
    """One that has opened an image, and closes it afterwards.

    :param image: its name, or ``json:`` and what describes it, without
        white space.
    :param options: what the program must be started with for it.
    :raises HypervisorError: it does not open.
    """
    command = f"open {image}"
    if options or len(command) > _LONGEST:
        running = QemuIo([*options, image])
        with _ended_by_errors(running):
            yield running
        running.close()
        return
    running = _one_that_waits()
    with _ended_by_errors(running):
        running.run(command)
        yield running
        running.run("close")
    _idle.append(running)


def _one_that_waits() -> QemuIo:
    while _idle:
        with suppress(IndexError):  # Another thread took it.
            running = _idle.pop()
            if running.is_there:
                return running
            running.close()
    return QemuIo()


@contextmanager
def _ended_by_errors(running: QemuIo) -> Iterator[None]:
    try:
        yield
    except HypervisorError:
        running.close()
        raise
    except BaseException:
        # It may be in the middle of a command.
        running.kill()
        raise
