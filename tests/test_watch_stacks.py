# SPDX-License-Identifier: Apache-2.0
"""Where a driver is that does not return."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance.standstill import Work
from conformance.watch import stacks
from tests.watched import Watched
from tests.watched import watched as watched

LOCK = threading.Lock()


@contextmanager
def held() -> Iterator[None]:
    with LOCK:
        yield


def wait_for_lock() -> None:
    with LOCK:
        pass


def test_the_lock_is_named(watched: Watched) -> None:
    with held():
        work = Work(lambda: watched.in_hook(wait_for_lock), watched.watch)
        where = work.blocked(patience=1)
    assert work.join(60)
    first = where.splitlines()[0]
    assert first.startswith("create_snapshot_assisted_begin is at ")
    assert first.endswith("in wait_for_lock: with LOCK:")
    assert "in_hook" not in where.splitlines()[-1]


def test_a_library_is_named_by_the_line_that_calls_it(
    watched: Watched,
) -> None:
    event = threading.Event()

    def wait_for_event() -> None:
        event.wait()

    work = Work(lambda: watched.in_hook(wait_for_event), watched.watch)
    where = work.blocked(patience=1)
    event.set()
    assert work.join(60)
    assert "in wait_for_event: event.wait()" in where.splitlines()[0]
    assert "threading.py" in where


def test_a_command_that_runs_is_waited_for(
    watched: Watched, tmp_path: Path
) -> None:
    """It ends when it has been looked at for longer than a lock is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = ["cat", str(pipe)]
    work = Work(
        lambda: watched.in_hook(lambda: subprocess.run(words, check=True)),
        watched.watch,
    )
    where = work.blocked(patience=4)
    assert "subprocess.run(words, check=True)" in where.splitlines()[0]
    assert watched.watch.is_command_running
    pipe.write_bytes(b"")
    assert work.join(60)
    assert not watched.watch.is_command_running


def test_thread_that_goes_on_while_it_is_looked_at(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found behind a frame that has just ended may be anything."""
    found = {threading.get_ident(): "no frame"}
    monkeypatch.setattr(sys, "_current_frames", lambda: found)
    with watched.watch.call("create_volume") as call:
        assert stacks.inside(call) == []
        assert stacks.dump(watched.watch) == ""


def test_work_that_is_done_is_not_blocked(watched: Watched) -> None:
    work = Work(lambda: watched.in_hook(lambda: None), watched.watch)
    assert work.blocked(patience=600) == ""


def test_what_the_work_raises_is_raised(watched: Watched) -> None:
    def fail() -> None:
        raise LookupError("no such volume")

    work = Work(lambda: watched.in_hook(fail), watched.watch)
    with pytest.raises(LookupError):
        work.blocked(patience=600)


def test_nothing_under_way_is_no_text(watched: Watched) -> None:
    assert stacks.dump(watched.watch) == ""
