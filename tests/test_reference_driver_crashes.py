# SPDX-License-Identifier: Apache-2.0
"""The reference driver's hooks, killed at each of their side effects.

A child runs the hook and dies there as if by SIGKILL; the parent calls the
hook again and expects the result of a hook that was never interrupted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from assisted_kit import qcow2
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from tests.hooks_alone import DetachedVolume

SIDE_EFFECTS = frozenset(
    {
        "os.chmod",
        "os.chown",
        "os.remove",
        "os.rename",
        "os.truncate",
        "subprocess.Popen",
    }
)
"""Audit events that come before something on the share is changed."""


def die_at(point: int) -> None:
    """Have this process killed before its n-th side effect."""
    passed = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal passed
        writes = event == "open" and int(str(arguments[2])) & os.O_ACCMODE
        if event in SIDE_EFFECTS or writes:
            if passed == point:
                os._exit(9)
            passed += 1

    sys.addaudithook(hook)


def survives(volume: DetachedVolume, hook: Hook, id_: str, point: int) -> bool:
    """Whether ``hook`` has fewer side effects than ``point`` + 1."""
    child = os.fork()
    if child == 0:
        try:
            die_at(point)
            volume.call(hook, id_)
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9)
    return code == 0


def readable(volume: DetachedVolume) -> list[bytes]:
    """What the volume and its snapshots hold, oldest snapshot first."""
    path, format_ = volume.active()
    found = [volume.content(path, format_)]
    while format_ == "qcow2":
        header = qcow2.inspect(path)
        if header.backing_file is None:
            break
        path = volume.share / header.backing_file
        format_ = str(header.backing_format)
        found.append(volume.content(path, format_))
    return found


@pytest.mark.parametrize("qcow2_base", [False, True], ids=["raw", "qcow2"])
def test_create_begin(qcow2_base: bool, tmp_path: Path) -> None:
    assert sweep(Hook.CREATE_BEGIN, qcow2_base, tmp_path, position=1) > 2


@pytest.mark.parametrize("qcow2_base", [False, True], ids=["raw", "qcow2"])
def test_create_complete(qcow2_base: bool, tmp_path: Path) -> None:
    assert sweep(Hook.CREATE_COMPLETE, qcow2_base, tmp_path, position=1) > 2


@pytest.mark.parametrize("taken_by", ["hooks", "cinder"])
@pytest.mark.parametrize("qcow2_base", [False, True], ids=["raw", "qcow2"])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_delete_begin(
    position: int, qcow2_base: bool, taken_by: str, tmp_path: Path
) -> None:
    points = sweep(
        Hook.DELETE_BEGIN,
        qcow2_base,
        tmp_path,
        position,
        # Of those that Cinder took, what the manager says is all there is.
        stored={"manager:previous_status": "available"}
        if taken_by == "cinder"
        else None,
    )
    assert points > 4


@pytest.mark.parametrize("position", [0, 1, 2])
def test_delete_complete(position: int, tmp_path: Path) -> None:
    # Of a detached volume, begin has left nothing to do.
    assert sweep(Hook.DELETE_COMPLETE, False, tmp_path, position) == 0


def sweep(
    hook: Hook,
    qcow2_base: bool,
    tmp_path: Path,
    position: int,
    stored: dict[str, str] | None = None,
) -> int:
    """Kill ``hook`` at each side effect; returns how many there are.

    :param stored: all the admin metadata of the snapshot that is deleted.
    """
    share = tmp_path / "share"
    share.mkdir()
    volume = DetachedVolume(share, qcow2=qcow2_base)
    taken = []
    for number in range(3):
        volume.write(number)
        taken.append(volume.take())
    volume.write(3)
    before = readable(volume)
    if hook.operation is Operation.CREATE:
        id_ = volume.new_snapshot()
        expected = [before[0], *before]
    else:
        id_ = taken[position]
        volume.snapshots[id_]["status"] = "deleting"
        if stored is not None:
            volume.snapshots[id_]["snapshot_admin_metadata"] = stored
        # Images are read from the newest to the oldest.
        dropped = len(taken) - position
        expected = before[:dropped] + before[dropped + 1 :]
    if not hook.is_begin:
        volume.call(Hook.begin(hook.operation), id_)
    point = 0
    while not killed_at(point, volume.copy(tmp_path), hook, id_, expected):
        point += 1
    return point


def killed_at(
    point: int,
    volume: DetachedVolume,
    hook: Hook,
    id_: str,
    expected: list[bytes],
) -> bool:
    """Kill ``hook`` once and call it again.

    :returns: whether it had finished before ``point``.
    """
    finished = survives(volume, hook, id_, point)
    # Whatever is half done, the volume reads as it did.
    assert readable(volume)[0] == expected[0]
    volume.call(hook, id_)
    volume.call(Hook.complete(hook.operation), id_)
    assert readable(volume) == expected
    assert [n for n in os.listdir(volume.share) if n.endswith(".new")] == []
    return finished
