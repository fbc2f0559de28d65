# SPDX-License-Identifier: Apache-2.0
"""The reference driver's revert: what it keeps, drops and refuses."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from assisted_kit.driver import Hook
from assisted_kit.process import ProcessFailed
from reference_driver import errors
from tests.hooks_alone import DetachedVolume
from tests.test_reference_driver_crashes import die_at
from tests.test_reference_driver_crashes import readable


@pytest.fixture(params=[False, True], ids=["raw", "qcow2"])
def volume(request: Any, tmp_path: Path) -> DetachedVolume:
    """A volume of each base format."""
    share = tmp_path / "share"
    share.mkdir()
    return DetachedVolume(share, qcow2=request.param)


def written_and_taken(volume: DetachedVolume, count: int) -> list[str]:
    """Snapshots, something written before each and after the last."""
    taken = []
    for number in range(count):
        volume.write(number)
        taken.append(volume.take())
    volume.write(count)
    return taken


def revert(volume: DetachedVolume, snapshot_id: str) -> None:
    """Revert as the manager does, with the statuses that it sets."""
    volume.fields["status"] = "reverting"
    volume.snapshots[snapshot_id]["status"] = "restoring"
    volume.driver().revert_to_snapshot(
        None, volume.ref(), volume.snapshot_ref(snapshot_id)
    )
    volume.fields["status"] = "available"
    volume.snapshots[snapshot_id]["status"] = "available"


def files(volume: DetachedVolume) -> dict[str, str]:
    """Every file on the share and what is in it."""
    return {
        path.name: hashlib.sha256(
            path.read_bytes() if path.stat().st_size < 2**24 else b"raw"
        ).hexdigest()
        for path in volume.share.iterdir()
    }


def adopt(volume: DetachedVolume, count: int = 1) -> None:
    """Overlays without a snapshot on top, as of pending creates."""
    for number in range(count):
        path = volume.share / f"{volume.ref().name}.info"
        recorded = json.loads(path.read_text())
        snapshot_id = volume.take()
        del volume.snapshots[snapshot_id]
        recorded["active"] = f"{volume.ref().name}.{snapshot_id}"
        path.write_text(json.dumps(recorded))
        volume.write(10 + number)


def test_the_volume_reads_as_it_did(volume: DetachedVolume) -> None:
    taken = written_and_taken(volume, 3)
    before = readable(volume)
    names = set(os.listdir(volume.share))
    revert(volume, taken[-1])
    assert readable(volume) == [before[1], *before[1:]]
    assert before[0] != before[1]
    assert set(os.listdir(volume.share)) == names


def test_the_snapshot_stays_usable(volume: DetachedVolume) -> None:
    taken = written_and_taken(volume, 2)
    before = readable(volume)
    for number in range(2):
        revert(volume, taken[-1])
        volume.write(20 + number)
    newest = volume.take()
    revert(volume, newest)
    assert readable(volume)[2:] == before[1:]
    for snapshot_id in (newest, *taken):
        volume.delete(snapshot_id)
    assert len(readable(volume)) == 1
    volume.driver().delete_volume(volume.ref())
    assert os.listdir(volume.share) == []


def test_it_is_one_process(volume: DetachedVolume) -> None:
    taken = written_and_taken(volume, 8)
    volume.commands.clear()
    revert(volume, taken[-1])
    assert len(volume.commands) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_overlays_without_a_snapshot_are_dropped(
    volume: DetachedVolume, count: int
) -> None:
    taken = written_and_taken(volume, 2)
    before = readable(volume)
    adopt(volume, count)
    revert(volume, taken[-1])
    assert readable(volume) == [before[1], *before[1:]]
    # Base image, two overlays and the info file.
    assert len(os.listdir(volume.share)) == 4
    # The overlay has another name now, and once more its own after that.
    adopt(volume)
    revert(volume, taken[-1])
    assert readable(volume) == [before[1], *before[1:]]
    assert len(os.listdir(volume.share)) == 4
    for snapshot_id in taken:
        volume.delete(snapshot_id)
    assert len(os.listdir(volume.share)) == 2


def test_only_the_newest(volume: DetachedVolume) -> None:
    taken = written_and_taken(volume, 2)
    before = files(volume)
    with pytest.raises(errors.InvalidSnapshot, match="not the newest"):
        revert(volume, taken[0])
    unfinished = volume.new_snapshot()
    with pytest.raises(errors.InvalidSnapshot, match="not recorded"):
        revert(volume, unfinished)
    assert files(volume) == before


def test_not_while_attached(volume: DetachedVolume) -> None:
    (snapshot_id,) = written_and_taken(volume, 1)
    before = files(volume)
    volume.fields["attach_status"] = "attached"
    with pytest.raises(errors.InvalidVolume, match="is attached"):
        revert(volume, snapshot_id)
    assert files(volume) == before


def test_not_while_somebody_has_it_open(volume: DetachedVolume) -> None:
    (snapshot_id,) = written_and_taken(volume, 1)
    path, format_ = volume.active()
    before = readable(volume)
    with subprocess.Popen(
        ["qemu-io", "-f", format_, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as qemu_io:
        assert qemu_io.stdin is not None and qemu_io.stdout is not None
        # Its prompt tells that it has opened the image.
        qemu_io.stdout.read(1)
        with pytest.raises(errors.InvalidVolume, match="open"):
            revert(volume, snapshot_id)
        qemu_io.stdin.close()
    assert readable(volume) == before


def test_not_while_a_create_is_pending(volume: DetachedVolume) -> None:
    (snapshot_id,) = written_and_taken(volume, 1)
    pending = volume.new_snapshot()
    volume.call(Hook.CREATE_BEGIN, pending)
    volume.snapshots[pending]["snapshot_admin_metadata"][
        "create_info:type"
    ] = "qcow2"
    before = files(volume)
    with pytest.raises(errors.ChainUnsettled, match=pending):
        revert(volume, snapshot_id)
    assert files(volume) == before


def test_not_from_a_foreign_chain(volume: DetachedVolume) -> None:
    (snapshot_id,) = written_and_taken(volume, 1)
    path, _ = volume.active()
    command = ["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw"]
    subprocess.run([*command, "-b", "/etc/hostname", str(path)], check=True)
    before = files(volume)
    with pytest.raises(errors.ForeignImage):
        revert(volume, snapshot_id)
    assert files(volume) == before


def test_a_failure_leaves_everything_as_it_was(
    volume: DetachedVolume,
) -> None:
    (snapshot_id,) = written_and_taken(volume, 1)
    before = files(volume)
    driver = volume.driver()

    def fail(*command: str, **_options: Any) -> None:
        Path(command[-2]).write_bytes(b"half an overlay")
        raise ProcessFailed(command, 1, "No space left on device")

    driver._qemu_img._execute = fail
    with pytest.raises(ProcessFailed):
        driver.revert_to_snapshot(
            None, volume.ref(), volume.snapshot_ref(snapshot_id)
        )
    assert files(volume) == before


def test_an_overlay_in_use_is_not_dropped(volume: DetachedVolume) -> None:
    taken = written_and_taken(volume, 1)
    adopt(volume)
    # A create's that was refused, and that a guest uses all the same.
    refused = volume.new_snapshot()
    volume.call(Hook.CREATE_BEGIN, refused)
    path = volume.share / f"{volume.ref().name}.{refused}"
    before = files(volume)
    with (
        subprocess.Popen(
            ["qemu-io", "-f", "qcow2", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as qemu_io,
    ):
        assert qemu_io.stdin is not None and qemu_io.stdout is not None
        qemu_io.stdout.read(1)
        with pytest.raises(errors.RemoteFSException):
            revert(volume, taken[-1])
        qemu_io.stdin.close()
    # Opened for writing, its header was marked so.
    assert files(volume).keys() == before.keys()
    revert(volume, taken[-1])
    assert not path.exists()


@pytest.mark.parametrize("adopted", [0, 1, 2])
def test_killed_at_each_side_effect(
    volume: DetachedVolume, tmp_path: Path, adopted: int
) -> None:
    taken = written_and_taken(volume, 2)
    snapshots = readable(volume)[1:]
    adopt(volume, adopted)
    old = readable(volume)[0]
    expected = [snapshots[0], *snapshots]
    point = 0
    while not killed_at(
        point, volume.copy(tmp_path), taken, old, expected, adopted
    ):
        point += 1
    assert point > 3 + 3 * adopted


def killed_at(
    point: int,
    volume: DetachedVolume,
    taken: list[str],
    old: bytes,
    expected: list[bytes],
    adopted: int,
) -> bool:
    """Kill a revert once, look, and call it again.

    :returns: whether it had finished before ``point``.
    """
    child = os.fork()
    if child == 0:
        try:
            die_at(point)
            revert(volume, taken[-1])
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9)
    # The volume reads as before or as reverted, and so do the snapshots.
    found = readable(volume)
    assert found[0] in (old, expected[0])
    assert found[-2:] == expected[-2:]
    revert(volume, taken[-1])
    assert readable(volume) == expected
    # Base image, two overlays and the info file.
    assert len(os.listdir(volume.share)) == 4
    for snapshot_id in taken:
        volume.delete(snapshot_id)
    assert readable(volume) == expected[:1]
    return code == 0
