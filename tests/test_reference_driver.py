# SPDX-License-Identifier: Apache-2.0
"""The reference driver beside what the suite claims of every driver."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from assisted_kit import qcow2
from assisted_kit.driver import Hook
from assisted_kit.process import ProcessFailed
from reference_driver import errors
from reference_driver import info_file
from reference_driver.files import VolumeFiles
from reference_driver.image_lock import is_open
from reference_driver.info_file import Info
from tests.hooks_alone import DetachedVolume

GIB = 1024**3


@pytest.fixture(params=[False, True], ids=["raw", "qcow2"])
def volume(request: Any, tmp_path: Path) -> DetachedVolume:
    """A volume of each base format."""
    return DetachedVolume(tmp_path, qcow2=request.param)


def another(volume: DetachedVolume, **fields: Any) -> Any:
    """A reference to a volume that is yet to be made."""
    ref = volume.ref()
    ref._fields.update(id=str(uuid.uuid4()), snapshots=[], **fields)
    return ref


def verb(command: tuple[str, ...]) -> str:
    """What a command has ``qemu-img`` do."""
    return command[command.index("qemu-img") + 1]


@pytest.mark.parametrize("depth", [1, 10, 40])
def test_processes_do_not_grow_with_depth(depth: int, tmp_path: Path) -> None:
    volume = DetachedVolume(tmp_path)
    taken = [volume.take() for _ in range(depth)]
    volume.commands.clear()
    newest = volume.take()
    assert len(volume.commands) == 1
    volume.commands.clear()
    volume.delete(taken[0])
    assert [verb(command) for command in volume.commands] == [
        "commit",
        "rebase",
    ]
    volume.commands.clear()
    volume.delete(newest)
    assert len(volume.commands) == 1


def test_every_command_is_limited_and_explicit(
    volume: DetachedVolume,
) -> None:
    oldest, _ = volume.take(), volume.take()
    volume.driver().create_cloned_volume(another(volume), volume.ref())
    volume.driver().extend_volume(volume.ref(), 2)
    volume.fields["size"] = 2
    volume.delete(oldest)
    for words, limits in zip(volume.commands, volume.limits, strict=True):
        assert words[0] == "qemu-img"
        if words[1] == "create":
            # It makes an image, and reads none.
            assert limits is None
            assert ("-u" in words) == ("-b" in words)
        else:
            assert limits.address_space
            assert (limits.cpu_time == 30) == (words[1] == "rebase")
        assert "-f" in words
        assert ("-b" in words) <= ("-F" in words)
        opens_chain = words[1] in ("commit", "convert", "resize")
        assert opens_chain or words[1] in ("create", "rebase")


def test_clone_and_copy_hold_what_they_should(
    volume: DetachedVolume,
) -> None:
    volume.write(0)
    snapshot_id = volume.take()
    then = volume.content(*volume.active())
    volume.write(1)
    driver = volume.driver()
    clone, copy = another(volume), another(volume)
    update = driver.create_cloned_volume(clone, volume.ref())
    format_ = update["admin_metadata"]["format"]
    driver.create_volume_from_snapshot(copy, volume.snapshot_ref(snapshot_id))
    now = volume.content(*volume.active())
    assert volume.content(volume.share / clone.name, format_) == now
    assert volume.content(volume.share / copy.name, format_) == then
    assert now != then


def test_snapshot_without_a_record_is_not_copied(
    volume: DetachedVolume,
) -> None:
    id_ = volume.new_snapshot()
    volume.call(Hook.CREATE_BEGIN, id_)
    with pytest.raises(errors.InvalidVolume, match=id_):
        volume.driver().create_volume_from_snapshot(
            another(volume), volume.snapshot_ref(id_)
        )


def test_larger_copy_is_grown(volume: DetachedVolume) -> None:
    clone = another(volume, size=2)
    volume.driver().create_cloned_volume(clone, volume.ref())
    path = volume.share / clone.name
    if volume.qcow2:
        assert qcow2.inspect(path).virtual_size == 2 * GIB
    else:
        assert path.stat().st_size == 2 * GIB


def test_extend_grows_the_active_image_only(volume: DetachedVolume) -> None:
    volume.write(0)
    volume.take()
    base = (volume.share / volume.ref().name).stat().st_size
    before = volume.content(*volume.active())
    volume.driver().extend_volume(volume.ref(), 2)
    # Interrupted before the size was stored, it is repeated.
    volume.driver().extend_volume(volume.ref(), 2)
    volume.fields["size"] = 2
    path, _ = volume.active()
    assert qcow2.inspect(path).virtual_size == 2 * GIB
    assert (volume.share / volume.ref().name).stat().st_size == base
    assert volume.content(*volume.active()) == before


def test_delete_volume_leaves_nothing(volume: DetachedVolume) -> None:
    snapshot_id = volume.take()
    with pytest.raises(errors.InvalidVolume):
        volume.driver().delete_volume(volume.ref())
    volume.delete(snapshot_id)
    orphan = volume.share / f"{volume.ref().name}.{uuid.uuid4()}"
    orphan.touch()
    for _ in range(2):
        volume.driver().delete_volume(volume.ref())
        assert os.listdir(volume.share) == []


def test_nothing_is_overwritten(volume: DetachedVolume) -> None:
    path = volume.share / volume.ref().name
    before = path.stat()
    with pytest.raises(errors.InvalidVolume):
        volume.driver().create_volume(volume.ref())
    assert path.stat().st_ino == before.st_ino


def test_encryption_without_a_key_manager_writes_nothing(
    volume: DetachedVolume,
) -> None:
    files = os.listdir(volume.share)
    with pytest.raises(errors.KeyNotFound):
        volume.driver().create_volume(another(volume, encryption_key_id="key"))
    volume.fields["encryption_key_id"] = "key"
    with pytest.raises((errors.KeyNotFound, errors.ForeignImage)):
        volume.call(Hook.CREATE_BEGIN, volume.new_snapshot())
    assert os.listdir(volume.share) == files


def test_failing_begin_leaves_no_file(volume: DetachedVolume) -> None:
    files = os.listdir(volume.share)
    driver = volume.driver()

    def fail(*command: str, **_options: Any) -> None:
        Path(command[-2]).write_bytes(b"half an overlay")
        raise ProcessFailed(command, 1, "No space left on device")

    driver._qemu_img._execute = fail
    id_ = volume.new_snapshot()
    with pytest.raises(ProcessFailed):
        driver.create_snapshot_assisted_begin(volume.snapshot_ref(id_))
    assert os.listdir(volume.share) == files


def test_overlay_is_owned_as_its_volume_is(volume: DetachedVolume) -> None:
    base = volume.share / volume.ref().name
    base.chmod(0o640)
    if os.getuid() == 0:
        os.chown(base, 12345, 54321)
    volume.take()
    overlay = volume.active()[0].stat()
    assert oct(overlay.st_mode & 0o777) == oct(0o640)
    assert (overlay.st_uid, overlay.st_gid) == (
        base.stat().st_uid,
        base.stat().st_gid,
    )


def test_info_file_is_cinders(volume: DetachedVolume) -> None:
    snapshot_id = volume.take()
    path = volume.share / f"{volume.ref().name}.info"
    overlay = f"{volume.ref().name}.{snapshot_id}"
    assert json.loads(path.read_text()) == {
        "active": overlay,
        snapshot_id: overlay,
    }


def test_info_file_is_never_seen_half_written(
    volume: DetachedVolume,
) -> None:
    volume.take()
    path = volume.share / f"{volume.ref().name}.info"
    with path.open() as reader:
        volume.take()
        # The one that was opened is still whole: it was replaced.
        assert (
            json.load(reader)["active"]
            != json.loads(path.read_text())["active"]
        )


def test_info_file_is_not_written_through_a_link(
    volume: DetachedVolume, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = VolumeFiles(volume.share, volume.ref())
    victim = tmp_path_factory.mktemp("outside") / "victim"
    victim.write_text("precious")
    write = files.write_new

    def plant(temporary: Path, content: bytes) -> None:
        # Where nothing was a moment ago.
        temporary.symlink_to(victim)
        write(temporary, content)

    files.write_new = plant  # type: ignore[method-assign]
    with pytest.raises(FileExistsError):
        info_file.write(files, Info(files.base))
    assert victim.read_text() == "precious"


def test_missing_info_file_is_damage_once_there_are_snapshots(
    volume: DetachedVolume,
) -> None:
    volume.take()
    (volume.share / f"{volume.ref().name}.info").unlink()
    with pytest.raises(errors.DamagedInfoFile):
        volume.active()


def test_missing_info_file_is_fine_for_an_unfinished_create(
    volume: DetachedVolume,
) -> None:
    volume.call(Hook.CREATE_BEGIN, volume.new_snapshot())
    assert volume.active()[0].name == volume.ref().name


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../x", "-x", "json:{}", "nbd://h", "volume-other", ""],
)
def test_foreign_names_are_refused(name: str, tmp_path: Path) -> None:
    volume = DetachedVolume(tmp_path)
    files = VolumeFiles(tmp_path, volume.ref())
    with pytest.raises(errors.ForeignImage):
        files.own(name)
    content = {"active": name}
    files.path(files.info).write_text(json.dumps(content))
    with pytest.raises(errors.DamagedInfoFile):
        info_file.read(files)


def test_share_may_be_reached_through_a_link(tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    link = tmp_path / "link"
    link.symlink_to(mounted, target_is_directory=True)
    volume = DetachedVolume(link)
    volume.delete(volume.take())
    name = volume.ref().name
    left = {path.name for path in mounted.iterdir()}
    assert left == {name, f"{name}.info"}


def test_names_with_a_newline_are_refused(tmp_path: Path) -> None:
    volume = DetachedVolume(tmp_path)
    files = VolumeFiles(tmp_path, volume.ref())
    with pytest.raises(errors.ForeignImage):
        files.own(f"{files.base}\n")


def test_absolute_name_in_the_directory_counts_as_bare(
    tmp_path: Path,
) -> None:
    volume = DetachedVolume(tmp_path)
    volume.take()
    path, _ = volume.active()
    subprocess.run(
        [
            *("qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw"),
            *("-b", str(tmp_path / volume.ref().name), str(path)),
        ],
        check=True,
    )
    volume.take()


@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_what_is_no_regular_file_is_refused(kind: str, tmp_path: Path) -> None:
    volume = DetachedVolume(tmp_path)
    volume.take()
    path, _ = volume.active()
    path.unlink()
    if kind == "link":
        path.symlink_to("/etc/hostname")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(errors.ForeignImage):
        volume.active()


def test_image_beyond_the_volumes_size_is_refused(
    volume: DetachedVolume,
) -> None:
    path, format_ = volume.active()
    subprocess.run(
        ["qemu-img", "resize", "-q", "-f", format_, str(path), "2G"],
        check=True,
    )
    with pytest.raises(errors.ForeignImage, match="beyond the 1 GiB"):
        volume.active()


def test_image_lock_is_qemus(tmp_path: Path) -> None:
    volume = DetachedVolume(tmp_path, qcow2=True)
    path, _ = volume.active()
    assert not is_open(path)
    with subprocess.Popen(
        ["qemu-io", "-f", "qcow2", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as qemu_io:
        assert qemu_io.stdin is not None and qemu_io.stdout is not None
        # Its prompt tells that it has opened the image.
        qemu_io.stdout.read(1)
        assert is_open(path)
        qemu_io.stdin.close()
    assert not is_open(path)
