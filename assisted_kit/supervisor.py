# SPDX-License-Identifier: Apache-2.0
"""Watches over the process in which the driver runs.

A driver may end that process, crash it, hang in it or leave things behind;
whoever asked for a verdict gets a result all the same, and a clean machine.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assisted_kit.errors import AssistedKitError
from assisted_kit.record import Record
from assisted_kit.results import Outcome
from assisted_kit.results import TestResult
from assisted_kit.settings import Settings
from assisted_kit.subject import CONFIG_VARIABLE
from assisted_kit.subject import DRIVER_VARIABLE

RUNNER = "assisted_kit.runner"

RUN_VARIABLE = "ASSISTED_KIT_RUN"
"""Names the run, in the environment of its process."""

PREFIX = "assisted-kit."
"""How the directories that the kit makes on a share begin."""

HOOKS_A_TEST = 10
"""How often a test may exhaust the patience for hooks before it hangs."""

START = 600.0
"""Seconds of silence that a driver may take to be imported and set up."""

GRACE = 10.0
"""Seconds of silence that a process may take to clean up after Ctrl-C."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SupervisionError(AssistedKitError):
    """The process in which the driver runs cannot be started."""


def supervise(
    driver: str,
    settings: Settings,
    rule_ids: Sequence[str],
    record: Record,
    progress: Callable[[int, int], None],
) -> None:
    """Run the suite in a process of its own, to its end.

    :param progress: called after each test, with how many are over and how
        many there are.
    :raises SupervisionError: the process cannot be started.
    :raises UsageError: found out there.
    """
    run = uuid.uuid4().hex[:8]
    request = {
        "driver": driver,
        "config_file": settings.config_file,
        "rules": list(rule_ids),
    }
    place = _place(settings)
    made = place is not None and not place.exists()
    with _scratch() as scratch:
        try:
            with _process(request, run, scratch, record) as process:
                patience = settings.patience * HOOKS_A_TEST
                _listen(process, record, progress, patience)
        finally:
            _sweep(settings, run, made=made)


@contextmanager
def _scratch() -> Iterator[str]:
    """A temporary directory, for everything temporary of the run."""
    try:
        made = tempfile.mkdtemp(prefix="assisted-kit-")
    except OSError as error:
        raise SupervisionError(
            f"there is no temporary directory to work in: {error}"
        ) from error
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Process:
    child: subprocess.Popen[bytes]
    output: int
    """The descriptor on which it tells its results."""
    interrupted: int
    """A descriptor that can be read after Ctrl-C."""


@contextmanager
def _process(
    request: Mapping[str, Any], run: str, scratch: str, record: Record
) -> Iterator[_Process]:
    """The process, started and told what to do; ended afterwards."""
    output, its_end = os.pipe()
    # What comes while it starts waits until it is able to clean up.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        child = subprocess.Popen(
            # -P: no file of the user's is to hide a module of the kit's.
            [sys.executable, "-P", "-m", RUNNER, str(its_end)],
            stdin=subprocess.PIPE,
            # What a driver prints must not get into --json -.
            stdout=2,
            pass_fds=(its_end,),
            # Ctrl-C is for this process, which passes it on once.
            process_group=0,
            env=_environment(run, scratch),
        )
    except OSError as error:
        raise SupervisionError(
            f"{sys.executable} cannot be started: {error}"
        ) from error
    finally:
        os.close(its_end)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    try:
        with _interruptions_passed_on(child, record) as interrupted:
            assert child.stdin is not None
            with suppress(BrokenPipeError), child.stdin as stdin:
                stdin.write(json.dumps(request).encode())
            yield _Process(child, output, interrupted)
    finally:
        os.close(output)
        _end(child)


def _environment(run: str, scratch: str) -> dict[str, str]:
    """Ours, without what is meant for another pytest."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST_")
        and name not in (DRIVER_VARIABLE, CONFIG_VARIABLE)
    }
    return {
        **kept,
        "TMPDIR": scratch,
        RUN_VARIABLE: run,
        # Other plugins reorder, repeat and print.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


@contextmanager
def _interruptions_passed_on(
    child: subprocess.Popen[bytes], record: Record
) -> Iterator[int]:
    """Have the process clean up at the first Ctrl-C, and die at the next.

    :returns: a descriptor that can be read when that has happened.
    """
    heard, say = os.pipe()
    os.set_blocking(heard, False)

    def interrupt(number: int, frame: object) -> None:
        again = record.was_interrupted
        record.was_interrupted = True
        with suppress(ProcessLookupError):
            if again:
                os.killpg(child.pid, signal.SIGKILL)
            else:
                os.kill(child.pid, signal.SIGINT)
        os.write(say, b"!")

    before = {}
    for number in SIGNALS:
        # Started by nohup, say, it is to be ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, interrupt)
    try:
        yield heard
    finally:
        for number, action in before.items():
            signal.signal(number, action)
        os.close(heard)
        os.close(say)


def _listen(
    process: _Process,
    record: Record,
    progress: Callable[[int, int], None],
    patience: float,
) -> None:
    """Hear the process out, to its last word or to its end.

    :param patience: seconds of silence of a test, after which it is ended.
    """
    os.set_blocking(process.output, False)
    ended = os.pidfd_open(process.child.pid)
    buffer = b""
    try:
        with selectors.DefaultSelector() as selector:
            for descriptor in (process.output, process.interrupted, ended):
                selector.register(descriptor, selectors.EVENT_READ)
            while not record.is_over:
                silence = _allowed_silence(record, patience)
                ready = [key.fd for key, _ in selector.select(silence)]
                if not ready:
                    record.died(f"since it did nothing for {silence:g} s")
                    break
                _read_all(process.interrupted)
                *lines, buffer = (buffer + _read_all(process.output)).split(
                    b"\n"
                )
                before = record.progress
                for line in lines:
                    _hear(record, line)
                if record.progress != before:
                    progress(*record.progress)
                if ended in ready and not record.is_over:
                    record.died(_how(process.child))
                    break
    finally:
        os.close(ended)


def _allowed_silence(record: Record, patience: float) -> float:
    if record.was_interrupted:
        return GRACE
    return patience if record.is_testing else START


def _read_all(output: int) -> bytes:
    """Whatever is there to be read."""
    data = b""
    with suppress(BlockingIOError):
        while part := os.read(output, 65536):
            data += part
    return data


def _hear(record: Record, line: bytes) -> None:
    event, *words = json.loads(line)
    if event == "found":
        rule_id, name, outcome, *rest = words
        record.found(TestResult(rule_id, name, Outcome(outcome), *rest))
    else:
        getattr(record, event)(*words)


def _end(child: subprocess.Popen[bytes]) -> int:
    """End the process and whatever the driver started and left running."""
    if child.returncode is None:
        # As long as it is not waited for, the group's id is not reused.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    return child.wait()


def _how(child: subprocess.Popen[bytes]) -> str:
    status = _end(child)
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"with exit status {status}"


def _sweep(settings: Settings, run: str, *, made: bool) -> None:
    """Remove what a process that is gone has left on the share.

    Only directories that this run made, by their names.
    """
    place = _place(settings)
    if place is None:
        return
    for directory in place.glob(f"{PREFIX}{run}.*"):
        shutil.rmtree(directory, ignore_errors=True)
    if made:
        with suppress(OSError):
            place.rmdir()


def _place(settings: Settings) -> Path | None:
    """Where on the share the run makes its directories."""
    if settings.share is None or settings.work_directory is None:
        return settings.share
    return settings.share / settings.work_directory
