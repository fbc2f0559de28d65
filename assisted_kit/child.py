# SPDX-License-Identifier: Apache-2.0
"""A process in which the driver runs: its start, and its certain end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import suppress
from typing import Any
from typing import IO
from typing import Protocol

from assisted_kit.errors import AssistedKitError
from assisted_kit.exhaustive import EXHAUSTIVE_VARIABLE
from assisted_kit.exploration import EXAMPLES_VARIABLE
from assisted_kit.exploration import SEED_VARIABLE
from assisted_kit.outcomes import Outcome
from assisted_kit.outcomes import TestResult
from assisted_kit.record import Record
from assisted_kit.subject import CONFIG_VARIABLE
from assisted_kit.subject import DRIVER_VARIABLE

RUNNER = "assisted_kit.runner"

RUN_VARIABLE = "ASSISTED_KIT_RUN"
"""Names the run, in the environment of its processes."""

PART_VARIABLE = "ASSISTED_KIT_PART"
"""Numbers a process of the run, if it is not the only one."""

_SAID_OTHERWISE = (
    DRIVER_VARIABLE,
    CONFIG_VARIABLE,
    EXHAUSTIVE_VARIABLE,
    SEED_VARIABLE,
    EXAMPLES_VARIABLE,
    PART_VARIABLE,
)
"""What the request says, whatever the user's environment does."""

START = 600.0
"""Seconds of silence that a driver may take to be imported and set up."""

GRACE = 10.0
"""Seconds of silence that a process may take to clean up after Ctrl-C."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SupervisionError(AssistedKitError):
    """A process in which the driver runs cannot be started."""


class Process(Protocol):
    """A process, as :class:`subprocess.Popen` has it."""

    pid: int
    stdin: IO[bytes] | None
    returncode: int | None

    def wait(self) -> int | None:
        """Its exit status, or below zero the signal that killed it.

        None if nobody can say.
        """


Start = Callable[[int, Mapping[str, str]], Process]
"""Starts a process: :func:`start`, or something that does the same."""


def start(output: int, environment: Mapping[str, str]) -> Process:
    """Start a process that does what its standard input says.

    :param output: the descriptor on which it tells its results.
    :raises OSError: it cannot be started.
    """
    return subprocess.Popen(
        # -P: no file of the user's is to hide a module of the kit's.
        [sys.executable, "-P", "-m", RUNNER, str(output)],
        stdin=subprocess.PIPE,
        # What a driver prints must not get into --json -.
        stdout=2,
        pass_fds=(output,),
        # Ctrl-C is for this process, which passes it on once.
        process_group=0,
        env=environment,
    )


class Child:
    """A process in which the driver runs, and what it has told.

    :param number: which of several it is; None: it is the only one.
    :param environment: of those of the run.
    :param starting: how it is started; by default it is a new interpreter.
    :param patience: seconds of silence of a test, after which it is ended.
    :raises SupervisionError: it cannot be started.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        number: int | None,
        *,
        environment: Mapping[str, str],
        patience: float,
        starting: Start | None = None,
    ) -> None:
        self.record = Record(request["driver"])
        self._patience = patience
        self._buffer = b""
        self.output, its_end = os.pipe()
        """The descriptor on which it tells its results."""
        # What comes while it starts waits until it is able to clean up.
        with said_if_not_started(), signals_blocked():
            try:
                self._process = (starting or start)(
                    its_end, _numbered(environment, number)
                )
            except OSError:
                os.close(self.output)
                raise
            finally:
                os.close(its_end)
        os.set_blocking(self.output, False)
        self.ended = os.pidfd_open(self._process.pid)
        """A descriptor that can be read when the process is gone."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(json.dumps(request).encode())

    def close(self) -> None:
        """End it, with whatever the driver started and left running."""
        self._end()
        os.close(self.output)
        os.close(self.ended)

    def interrupt(self) -> None:
        """Have it clean up at the first Ctrl-C, and die at the next."""
        again = self.record.was_interrupted
        self.record.was_interrupted = True
        with suppress(ProcessLookupError):
            if again:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                os.kill(self._process.pid, signal.SIGINT)

    @property
    def silence(self) -> float:
        """Seconds for which it may say nothing."""
        if self.record.was_interrupted:
            return GRACE
        return self._patience if self.record.is_testing else START

    def give_up(self, silence: float) -> None:
        """It has said nothing for that many seconds."""
        self.record.died(f"since it did nothing for {silence:g} s")

    def listen(self) -> None:
        """Hear what it has said."""
        *lines, self._buffer = (self._buffer + _read_all(self.output)).split(
            b"\n"
        )
        for line in lines:
            self._hear(line)

    def see_end(self) -> None:
        """It is gone, and has told everything that it ever will."""
        if not self.record.is_over:
            self.record.died(self._how())

    def _hear(self, line: bytes) -> None:
        event, *words = json.loads(line)
        if event == "found":
            rule_id, name, outcome, *rest = words
            self.record.found(
                TestResult(rule_id, name, Outcome(outcome), *rest)
            )
        else:
            getattr(self.record, event)(*words)

    def _end(self) -> int | None:
        if self._process.returncode is None:
            # As long as it is not waited for, the group's id is not reused.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()

    def _how(self) -> str:
        status = self._end()
        if status is None:
            return "and so did the one that could say how"
        if status < 0:
            return f"killed by {signal.Signals(-status).name}"
        return f"with exit status {status}"


@contextmanager
def said_if_not_started() -> Iterator[None]:
    """What keeps a process from being started is a SupervisionError."""
    try:
        yield
    except OSError as error:
        raise SupervisionError(
            f"{sys.executable} cannot be started: {error}"
        ) from error


@contextmanager
def signals_blocked() -> Iterator[None]:
    """What comes waits, here and in the processes that are started."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _numbered(
    environment: Mapping[str, str], number: int | None
) -> Mapping[str, str]:
    if number is None:
        return environment
    return {**environment, PART_VARIABLE: str(number)}


def environment_of(run: str, scratch: str) -> dict[str, str]:
    """Ours, without what is meant for another pytest.

    :param run: names the run.
    :param scratch: for everything temporary of it.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST_") and name not in _SAID_OTHERWISE
    }
    return {
        **kept,
        "TMPDIR": scratch,
        RUN_VARIABLE: run,
        # Other plugins reorder, repeat and print.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def _read_all(output: int) -> bytes:
    """Whatever is there to be read."""
    data = b""
    with suppress(BlockingIOError):
        while part := os.read(output, 65536):
            data += part
    return data
