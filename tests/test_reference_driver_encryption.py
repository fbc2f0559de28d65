# SPDX-License-Identifier: Apache-2.0
"""The reference driver on encrypted volumes."""

from __future__ import annotations

import copy
import os
import stat
import uuid
from pathlib import Path
from typing import Any

import pytest

from assisted_kit import qcow2
from assisted_kit.driver import Hook
from assisted_kit.key_manager import KeyManager
from assisted_kit.key_manager import passphrase
from reference_driver import errors
from tests import images
from tests import luks_images
from tests.hooks_alone import CONNECTOR
from tests.hooks_alone import DetachedVolume


class EncryptedVolume(DetachedVolume):
    """A detached volume that is encrypted."""

    def __init__(self, share: Path) -> None:
        super().__init__(share, key_manager=KeyManager())

    @property
    def passphrase(self) -> str:
        """What opens its images."""
        assert self.key_manager is not None
        key_id = self.fields["encryption_key_id"]
        return passphrase(self.key_manager.get(None, key_id))

    def chain(self, name: str) -> list[Path]:
        """The files of an image and of all below it."""
        paths = [self.share / name]
        while below := qcow2.inspect(paths[-1], luks=True).backing_file:
            paths.append(self.share / below)
        return paths

    def write(self, number: int) -> None:
        path, _ = self.active()
        command = f"write -P {number + 1} {number // 2 * 64}k 128k"
        luks_images.write(self.chain(path.name), command, self.passphrase)

    def read(self, name: str | None = None) -> bytes:
        """The beginning of what is read through an image."""
        chain = self.chain(name or self.active()[0].name)
        return luks_images.content(chain, self.passphrase)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EncryptedVolume:
    """An encrypted volume that was written to; it takes seconds to make."""
    volume = EncryptedVolume(tmp_path_factory.mktemp("made"))
    volume.write(0)
    return volume


@pytest.fixture
def volume(made: EncryptedVolume, tmp_path: Path) -> EncryptedVolume:
    """A copy of it."""
    twin = made.copy(tmp_path)
    twin.key_manager = copy.deepcopy(made.key_manager)
    assert isinstance(twin, EncryptedVolume)
    return twin


def another(volume: EncryptedVolume, **fields: Any) -> Any:
    """A reference to a volume that is yet to be made."""
    assert volume.key_manager is not None
    key_id = volume.key_manager.create_key(None)
    ref = volume.ref()
    changes = {"encryption_key_id": key_id, **fields}
    ref._fields.update(id=str(uuid.uuid4()), snapshots=[], **changes)
    return ref


def test_copies_are_encrypted_with_keys_of_their_own(
    volume: EncryptedVolume,
) -> None:
    id_ = volume.take()
    then = volume.read()
    volume.write(1)
    now = volume.read()
    driver = volume.driver()
    clone, later = another(volume), another(volume, size=2)
    driver.create_cloned_volume(clone, volume.ref())
    driver.create_volume_from_snapshot(later, volume.snapshot_ref(id_))
    assert volume.key_manager is not None
    for made, content, size in ((clone, now, 1), (later, then, 2)):
        key = volume.key_manager.get(None, made.encryption_key_id)
        path = volume.share / made.name
        header = qcow2.inspect(path, luks=True)
        assert header.virtual_size == size * images.GIB
        read = luks_images.content([path], passphrase(key))
        assert read == content
    assert then != now


def test_plain_and_encrypted_volumes_are_no_copies_of_each_other(
    volume: EncryptedVolume,
) -> None:
    plain = DetachedVolume(volume.share)
    before = sorted(os.listdir(volume.share))
    with pytest.raises(errors.InvalidVolume, match="only one is encrypted"):
        volume.driver().create_cloned_volume(
            another(volume, encryption_key_id=None), volume.ref()
        )
    with pytest.raises(errors.InvalidVolume, match="only one is encrypted"):
        volume.driver().create_cloned_volume(another(volume), plain.ref())
    assert sorted(os.listdir(volume.share)) == before


def test_extended_volume_keeps_its_content(volume: EncryptedVolume) -> None:
    volume.take()
    volume.write(1)
    before = volume.read()
    volume.driver().extend_volume(volume.ref(), 2)
    volume.fields["size"] = 2
    header = qcow2.inspect(volume.active()[0], luks=True)
    assert header.virtual_size == 2 * images.GIB
    assert volume.read() == before


def test_reverted_volume_reads_as_its_snapshot(
    volume: EncryptedVolume,
) -> None:
    id_ = volume.take()
    before = volume.read()
    volume.write(1)
    assert volume.read() != before
    ref = volume.snapshot_ref(id_)
    volume.driver().revert_to_snapshot(None, ref.volume, ref)
    assert volume.read() == before


def test_encrypted_volume_is_not_uploaded_in_plain(
    volume: EncryptedVolume,
) -> None:
    meta = {"id": "image", "disk_format": "qcow2"}
    with pytest.raises(errors.InvalidVolume, match="encrypted"):
        volume.driver().copy_volume_to_image(None, volume.ref(), None, meta)


def test_a_key_that_has_another_id_now_is_found(
    volume: EncryptedVolume,
) -> None:
    id_ = volume.new_snapshot()
    volume.call(Hook.CREATE_BEGIN, id_)
    manager = volume.key_manager
    assert manager is not None
    # As when a key is moved to another key manager (bug 1756139).
    migrated = "00000000-0000-0000-0000-000000000007"
    manager._keys[migrated] = manager._keys.pop(
        volume.fields["encryption_key_id"]
    )
    volume.fields["encryption_key_id"] = migrated
    volume.call(Hook.CREATE_COMPLETE, id_)
    volume.snapshots[id_]["status"] = "available"
    volume.write(1)
    before = volume.read()
    volume.delete(id_)
    assert volume.read() == before


def test_without_its_key_nothing_is_changed(volume: EncryptedVolume) -> None:
    id_ = volume.take()
    before = sorted(os.listdir(volume.share))
    active = volume.active()
    volume.key_manager = KeyManager()
    volume.snapshots[id_]["status"] = "deleting"
    for hook, snapshot in (
        (Hook.DELETE_BEGIN, id_),
        (Hook.CREATE_BEGIN, volume.new_snapshot()),
    ):
        with pytest.raises(errors.KeyNotFound, match="no key"):
            volume.call(hook, snapshot)
    with pytest.raises(errors.KeyNotFound):
        volume.driver().create_volume(another(volume, encryption_key_id="x"))
    assert volume.active() == active
    assert sorted(os.listdir(volume.share)) == before


def test_the_passphrase_is_in_a_file_while_a_command_runs(
    volume: EncryptedVolume, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []
    volume.commands.clear()
    execute = volume._execute

    def look(*command: str, **options: Any) -> tuple[str, str]:
        for word in command:
            assert volume.passphrase not in word
            if word.startswith("secret,"):
                path = Path(word.rpartition("file=")[2])
                assert path.read_text() == volume.passphrase
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
                assert volume.share not in path.parents
                seen.append(path)
        return execute(*command, **options)

    monkeypatch.setattr(volume, "_execute", look)
    taken = [volume.take() for _ in range(2)]
    volume.delete(taken[0])
    assert len(seen) == len(volume.commands) == 4
    assert not any(path.exists() for path in seen)


def plain_overlay(volume: EncryptedVolume, path: Path) -> None:
    """An overlay of the same size and backing file, and not encrypted."""
    below = qcow2.inspect(path, luks=True).backing_file
    assert below is not None
    images.overlay(path, below, "qcow2", images.GIB)


def aes_overlay(volume: EncryptedVolume, path: Path) -> None:
    """An overlay that says of itself that it has QEMU's old encryption."""
    images.set_field(path, "crypt_method", 1)


HOSTILE = {
    "plain": plain_overlay,
    "AES": aes_overlay,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_image_that_is_not_encrypted_as_it_should_be_is_refused(
    volume: EncryptedVolume, kind: str
) -> None:
    id_ = volume.take()
    path, _ = volume.active()
    HOSTILE[kind](volume, path)
    before = {p.name: p.read_bytes() for p in volume.share.iterdir()}
    driver, ref = volume.driver(), volume.snapshot_ref(id_)
    for call in (
        lambda: driver.initialize_connection(volume.ref(), CONNECTOR),
        lambda: driver.delete_snapshot_assisted_begin(ref),
        lambda: driver.extend_volume(volume.ref(), 2),
        lambda: volume.call(Hook.CREATE_BEGIN, volume.new_snapshot()),
    ):
        with pytest.raises(errors.ForeignImage, match=path.name):
            call()
    after = {p.name: p.read_bytes() for p in volume.share.iterdir()}
    assert after == before


def test_a_plain_base_image_is_refused(volume: EncryptedVolume) -> None:
    volume.take()
    base = volume.share / volume.ref().name
    images.create(base, images.GIB)
    with pytest.raises(errors.ForeignImage, match="not encrypted with LUKS"):
        volume.active()
    volume.fields["admin_metadata"]["base_format"] = "raw"
    images.create_raw(base, images.GIB)
    with pytest.raises(errors.ForeignImage):
        volume.active()


def test_an_encrypted_image_of_a_plain_volume_is_refused(
    tmp_path: Path,
) -> None:
    volume = DetachedVolume(tmp_path, qcow2=True)
    id_ = volume.take()
    path, _ = volume.active()
    luks_images.overlay(path, volume.ref().name)
    with pytest.raises(errors.ForeignImage, match="encrypted, method 2"):
        volume.active()
    ref = volume.snapshot_ref(id_)
    with pytest.raises(errors.ForeignImage, match="encrypted, method 2"):
        volume.driver().delete_snapshot_assisted_begin(ref)
