# SPDX-License-Identifier: Apache-2.0
"""What ends a call of the driver's that does not return."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from conformance.overdue import Overdue
from conformance.patience import Patience
from conformance.violation import OperationFailed
from conformance.watch import GivenUp
from conformance.watch import processes
from tests.watched import Watched
from tests.watched import watched as watched

SHORT = 0.2

FOR_EVER = ["sleep", "1000000"]


class Call:
    """A call of the driver's on a thread of its own."""

    def __init__(self, watched: Watched, work: Callable[[], object]) -> None:
        self._started = threading.Event()

        def run() -> None:
            self._started.set()
            with contextlib.suppress(Exception, GivenUp):
                work()

        # Outside the hooks, which the watch does not let sleep for long.
        self._thread = threading.Thread(
            target=watched.in_hook, args=(run, "create_volume"), daemon=True
        )
        self._thread.start()
        assert self._started.wait(60)

    def join(self, timeout: float) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()


def read_fifo(fifo: Path) -> None:
    with fifo.open("rb") as file:
        file.read()


def write_fifo(fifo: Path) -> None:
    with fifo.open("wb"):
        pass


def again_and_again(work: Callable[[], object]) -> None:
    while True:
        with contextlib.suppress(Exception):
            work()


FIFO_WORK: dict[str, Callable[[Path], None]] = {
    "read": read_fifo,
    "written": write_fifo,
    "read by a command": lambda fifo: _run("cat", str(fifo)),
    "read again and again": lambda fifo: again_and_again(
        lambda: read_fifo(fifo)
    ),
}
"""What keeps whoever does it to a FIFO."""

WORK: dict[str, Callable[[], None]] = {
    "a command": lambda: _run(*FOR_EVER),
    "a shell's command": lambda: _run("sh", "-c", "sleep 1000000; true"),
    "commands": lambda: again_and_again(lambda: _run("true")),
    "failing commands": lambda: again_and_again(lambda: _run("no-such-one")),
    "files": lambda: again_and_again(lambda: read_fifo(Path("/dev/null"))),
    "sleep": lambda: again_and_again(lambda: time.sleep(0.001)),
}
"""What goes on for ever, and can be ended all the same."""


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@pytest.fixture
def patience(watched: Watched, tmp_path: Path) -> Iterator[Patience]:
    return Patience(SHORT, watched.watch, tmp_path)


@pytest.mark.parametrize("what", WORK)
def test_call_that_goes_on_for_ever_is_ended(
    watched: Watched, patience: Patience, what: str
) -> None:
    call = Call(watched, WORK[what])
    assert not patience.join(call)
    assert patience.given_up.startswith("create_volume is at ")
    assert call.join(60)
    assert not patience.join(call)
    assert patience.finish(call)
    assert not patience.is_lost
    assert not watched.watch.is_command_running


@pytest.mark.parametrize("what", FIFO_WORK)
def test_fifo_on_the_share_keeps_nobody(
    watched: Watched, patience: Patience, tmp_path: Path, what: str
) -> None:
    fifo = tmp_path / "directory" / "image"
    fifo.parent.mkdir()
    os.mkfifo(fifo)
    call = Call(watched, lambda: FIFO_WORK[what](fifo))
    assert not patience.join(call)
    assert call.join(60)
    assert patience.finish(call)


def test_running_command_is_named_and_said_to_be_killed(
    watched: Watched, patience: Patience
) -> None:
    patience.join(Call(watched, WORK["a command"]))
    assert "\n  which waits for: sleep 1000000\n" in patience.given_up
    [command] = watched.watch.commands()
    assert str(command) == "sleep 1000000 -> killed by the kit"


def take_twice() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


MAIN_THREAD_WORK: dict[str, Callable[[], None]] = {
    "a lock": take_twice,
    "an event": lambda: cast("None", threading.Event().wait()),
    "what is swallowed": lambda: again_and_again(take_twice),
    "computing": lambda: again_and_again(lambda: None),
    **WORK,
}
"""What a test calls itself and does not get out of."""


def test_call_that_fails_by_being_ended_was_given_up(
    watched: Watched, patience: Patience
) -> None:
    def fail() -> None:
        patience.given_up = "at its line"
        raise subprocess.CalledProcessError(-9, FOR_EVER)

    with (
        pytest.raises(OperationFailed, match="at its line"),
        patience.answering("create_volume"),
    ):
        fail()


@pytest.mark.parametrize("what", MAIN_THREAD_WORK)
def test_call_by_a_test_is_ended(
    watched: Watched, patience: Patience, what: str
) -> None:
    with (
        Overdue(patience, watched.watch),
        pytest.raises(OperationFailed) as caught,
        patience.answering("create_volume"),
    ):
        watched.in_hook(MAIN_THREAD_WORK[what], "create_volume")
    assert caught.value.expected == "create_volume ends in an answer"
    said = "a call that has not returned in 0.2 s; it is at\ncreate_volume is"
    assert said in caught.value.observed
    assert not patience.is_lost
    assert not watched.watch.is_command_running


def test_call_by_a_test_that_returns_in_time_is_let_be(
    watched: Watched, patience: Patience
) -> None:
    with Overdue(patience, watched.watch):
        for _ in range(5):
            event = threading.Event()
            timer = threading.Timer(SHORT / 2, event.set)
            timer.start()
            assert watched.in_hook(event.wait, "create_volume")
    assert not patience.given_up


def test_nothing_is_ended_in_time(
    watched: Watched, patience: Patience
) -> None:
    call = Call(watched, lambda: _run("true"))
    assert call.join(60)
    assert patience.join(call)
    assert patience.finish(call)
    assert patience.given_up == ""
    [command] = watched.watch.commands()
    assert str(command) == "true -> exit 0"


def test_commands_of_others_go_on(
    watched: Watched, patience: Patience
) -> None:
    with subprocess.Popen(FOR_EVER) as others:
        patience.join(Call(watched, WORK["a command"]))
        assert others.poll() is None
        others.kill()


def test_thread_that_cannot_be_ended_is_lost(
    watched: Watched, patience: Patience
) -> None:
    event = threading.Event()
    call = Call(watched, event.wait)
    assert not patience.join(call)
    assert not patience.finish(call)
    assert patience.is_lost
    event.set()
    assert call.join(60)


def test_process_is_killed_with_all_that_it_has_started() -> None:
    line = "sh -c 'echo; sleep 1000000; true' | cat; true"
    with subprocess.Popen(["sh", "-c", line], stdout=subprocess.PIPE) as top:
        assert top.stdout is not None
        top.stdout.readline()
        assert len(processes.descendants(top.pid)) >= 2
        processes.kill(top)
        # It ends when everybody who could write has ended.
        assert top.stdout.read() == b""
    assert top.returncode == -signal.SIGKILL
    processes.kill(top)
