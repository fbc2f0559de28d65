# SPDX-License-Identifier: Apache-2.0
"""Hooks in processes that die at each of their points."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from typing import IO

import pytest

from assisted_kit import subject as subjects
from assisted_kit.driver import Hook
from assisted_kit.refs import SnapshotRef
from assisted_kit.refs import VolumeRef
from assisted_kit.subject import Subject
from conformance.crash import fork_server
from conformance.crash.fork_server import DiedOtherwise
from conformance.crash.fork_server import ForkServer
from conformance.crash.fork_server import ServerEnded
from conformance.crash.killed import Killed
from conformance.crash.points import MOST
from conformance.crash.points import Point


class SnapshotIsBusy(Exception):
    pass


class Writes:
    """Each hook does something else to the share."""

    def __init__(self, configuration: Any) -> None:
        self.share = Path(configuration.share_directory)

    def create_snapshot_assisted_begin(self, ref: Any) -> dict[str, str]:
        with (self.share / "info").open("w") as file:
            file.write("content")
        os.replace(self.share / "info", self.share / "new")
        return {"provider_id": ref.id}

    def create_snapshot_assisted_complete(self, ref: Any) -> None:
        with (self.share / "copy").open("wb", buffering=0) as file:
            for _ in range(100):
                file.write(b"piece")
        (self.share / "copy").chmod(0o600)

    def delete_snapshot_assisted_begin(self, ref: Any) -> None:
        sleeping = subprocess.Popen(["sleep", "600"])
        (self.share / "pid").write_text(str(sleeping.pid))

    def delete_snapshot_assisted_complete(self, ref: Any) -> None:
        raise SnapshotIsBusy(f"{ref.id} is busy")


class Sleeps(Writes):
    def create_snapshot_assisted_begin(self, ref: Any) -> dict[str, str]:
        time.sleep(600)
        return {}


class SaysWhere(Writes):
    """Tells what its process has of the one that forked it."""

    def create_snapshot_assisted_begin(self, ref: Any) -> dict[str, str]:
        asked = os.environ.get("ASKED", "nothing")
        return {"parent": str(os.getppid()), "asked": asked}


THREADED = """
import threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
from tests.test_crash_points import Writes
class Threaded(Writes):
    pass
"""


@pytest.fixture
def ref() -> SnapshotRef:
    snapshot = SnapshotRef({"id": "s1", "status": "creating"})
    fields = {"id": "v", "snapshots": [snapshot], "volume_attachment": []}
    snapshot.bind(VolumeRef(fields))
    return snapshot


@pytest.fixture
def share(tmp_path: Path) -> Path:
    directory = tmp_path / "share"
    directory.mkdir()
    return directory


def points(
    subject: Subject, share: Path, hook: Hook, ref: SnapshotRef
) -> Iterator[Point]:
    """Every point of a hook, which is called anew for each."""
    server = ForkServer(subject)
    number = 1
    while True:
        call = server.calling(share, "raw", hook, number)
        for entry in share.iterdir():
            entry.unlink()
        try:
            call(ref)
        except Killed as killed:
            assert isinstance(killed.where, Point)
            yield killed.where
        else:
            return
        number += 1


def writes() -> Subject:
    return subjects.load(f"{__name__}:Writes")


def test_each_state_of_the_share_is_a_point(
    ref: SnapshotRef, share: Path
) -> None:
    sizes = []
    for point in points(writes(), share, Hook.CREATE_BEGIN, ref):
        sizes += [(p.name, p.stat().st_size) for p in share.iterdir()]
        assert f"{sizes[-1][0]} is new, {sizes[-1][1]} bytes" in str(point)
        assert "tests/test_crash_points.py:" in point.line
    # The file that is truncated, or as yet empty, is what opening it leaves.
    assert sizes == [("info", 0), ("info", 7), ("new", 7)]


def test_a_hook_without_that_point_returns(
    ref: SnapshotRef, share: Path
) -> None:
    server = ForkServer(writes())
    call = server.calling(share, "raw", Hook.CREATE_BEGIN, 4)
    assert call(ref) == {"provider_id": "s1"}
    call = server.calling(share, "raw", Hook.DELETE_COMPLETE, 2)
    with pytest.raises(Exception, match="s1 is busy") as raised:
        call(ref)
    assert type(raised.value).__name__ == "SnapshotIsBusy"


def test_the_end_of_a_hook_that_changes_nothing_is_a_point(
    ref: SnapshotRef, share: Path
) -> None:
    server = ForkServer(writes())
    call = server.calling(share, "raw", Hook.DELETE_COMPLETE, 1)
    with pytest.raises(Killed, match="nothing has changed"):
        call(ref)


def test_a_loop_is_only_killed_in_its_first_turns(
    ref: SnapshotRef, share: Path
) -> None:
    found = list(points(writes(), share, Hook.CREATE_COMPLETE, ref))
    # It is made at another line, and its mode changed at a third.
    assert [point.number for point in found] == list(range(1, MOST + 3))
    assert ".chmod(" in found[-1].line


def test_commands_die_with_it(ref: SnapshotRef, share: Path) -> None:
    server = ForkServer(writes())
    # Of the file that is written, point 1 is the empty one.
    call = server.calling(share, "raw", Hook.DELETE_BEGIN, 2)
    with pytest.raises(Killed):
        call(ref)
    with pytest.raises(ProcessLookupError):
        os.kill(int((share / "pid").read_text()), 0)


def test_a_hook_does_not_last_for_ever(ref: SnapshotRef, share: Path) -> None:
    subject = subjects.load(f"{__name__}:Sleeps")
    subject = dataclasses.replace(subject, patience=0.2)
    server = ForkServer(subject)
    call = server.calling(share, "raw", Hook.CREATE_BEGIN, 1)
    with pytest.raises(DiedOtherwise, match="status -14"):
        call(ref)


def test_a_driver_with_threads_is_not_forked(
    ref: SnapshotRef,
    share: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "threaded.py").write_text(THREADED)
    monkeypatch.syspath_prepend(str(tmp_path))
    subject = subjects.load("threaded:Threaded")
    found = list(points(subject, share, Hook.CREATE_BEGIN, ref))
    assert [point.number for point in found] == [1, 2, 3]


def where(share: Path, ref: SnapshotRef) -> dict[str, str]:
    """What the process of a hook has of the one that forked it."""
    server = ForkServer(subjects.load(f"{__name__}:SaysWhere"))
    call = server.calling(share, "raw", Hook.CREATE_BEGIN, MOST)
    answer: dict[str, str] = call(ref)
    return answer


def test_all_sweeps_have_one_process(ref: SnapshotRef, share: Path) -> None:
    assert where(share, ref) == where(share, ref)


def test_another_environment_has_another_process(
    ref: SnapshotRef, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = where(share, ref)
    monkeypatch.setenv("ASKED", "something")
    second = where(share, ref)
    assert (first["asked"], second["asked"]) == ("nothing", "something")
    assert first["parent"] != second["parent"]


def test_who_asks_next_is_not_given_an_earlier_answer(
    ref: SnapshotRef, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(file: IO[bytes]) -> None:
        raise KeyboardInterrupt

    server = ForkServer(writes())
    with monkeypatch.context() as patched:
        patched.setattr(fork_server.pickle, "load", interrupted)
        with pytest.raises(KeyboardInterrupt):
            server.calling(share, "raw", Hook.CREATE_BEGIN, 1)(ref)
    assert where(share, ref)["asked"] == "nothing"


def test_a_process_that_has_ended_is_replaced(
    ref: SnapshotRef, share: Path
) -> None:
    first = where(share, ref)
    os.kill(int(first["parent"]), signal.SIGKILL)
    with suppress(ServerEnded):
        # Whether it is asked once more depends on when it dies.
        where(share, ref)
    assert where(share, ref)["parent"] != first["parent"]
