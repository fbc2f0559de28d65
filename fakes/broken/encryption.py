# SPDX-License-Identifier: Apache-2.0
"""Encrypted volumes that are not, or whose passphrase gets about."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assisted_kit import qcow2
from fakes.broken.registry import BrokenDriver
from reference_driver.chain import Chain
from reference_driver.chain import Image
from reference_driver.driver import RemoteFSEncryptingDriver
from reference_driver.encryption import EncryptedQemuImg
from reference_driver.encryption import opened
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.qemu_img import QemuImg

LOG = logging.getLogger(__name__)


class OtherCommands(RemoteFSEncryptingDriver):
    """Has commands of its own for encrypted volumes."""

    commands: type[EncryptedQemuImg]

    def _encrypted(self, files: VolumeFiles) -> EncryptedQemuImg:
        passphrase = self._keys.passphrase(files.volume)
        return self.commands(
            self._execute, files, passphrase, self._conversion
        )


class BelievesHeaders(RemoteFSEncryptingDriver):
    """Opens what an encrypted volume has as each image's header says."""

    def _walk(
        self,
        files: VolumeFiles,
        info: Info,
        volume: Any,
        active: str,
        *,
        size_gib: int = 0,
    ) -> Chain:
        if not files.encrypted:
            return super()._walk(
                files, info, volume, active, size_gib=size_gib
            )
        images: list[Image] = []
        name: str | None = active
        while name is not None:
            path = files.path(name)
            header = qcow2.inspect(path, luks=qcow2.is_luks(path))
            below, format_ = header.backing_file, header.backing_format
            images.append(
                Image(name, "qcow2", header.virtual_size, below, format_)
            )
            name = below
        return Chain.of(images)

    def _check_on(
        self, files: VolumeFiles, overlay: str, backing: str, volume: Any
    ) -> None:
        if not files.encrypted:
            super()._check_on(files, overlay, backing, volume)


class _PlainOverlays(EncryptedQemuImg):
    def create_overlay(
        self, path: Path, backing: str, backing_format: str, size_gib: int
    ) -> None:
        plain = QemuImg(self._execute)
        plain.create_overlay(path, backing, backing_format, size_gib)


class PlainOverlays(OtherCommands, BelievesHeaders):
    """Makes an overlay of an encrypted volume as of any other."""

    commands = _PlainOverlays


class _LeavesPlainCopy(EncryptedQemuImg):
    def commit(self, path: Path) -> None:
        copy = self._files.path(f"{self._files.base}.copy")
        with self._secret() as secret:
            chain = opened(self._chain(path), "key")
            self._run(
                "convert", *secret, "-O", "raw", chain, str(copy), limits=()
            )
        super().commit(path)


class LeavesPlainCopy(OtherCommands):
    """Makes a copy before it merges, to be sure, and leaves it there."""

    commands = _LeavesPlainCopy


class PlainImages(RemoteFSEncryptingDriver):
    """Leaves it to the compute service to encrypt the volume."""

    def _files(self, volume: Any) -> VolumeFiles:
        files = super()._files(volume)
        files.encrypted = False
        return files


class _CommitsEncryptedIntoBase(EncryptedQemuImg):
    def _chain(self, path: Path) -> list[Path]:
        return [path, self._files.path(self._files.base)]


class CommitsEncryptedIntoBase(OtherCommands):
    """Takes the base image for what an overlay is on, as Cinder does."""

    commands = _CommitsEncryptedIntoBase


class _RebasesOntoBase(EncryptedQemuImg):
    def rebase(self, path: Path, backing: str, backing_format: str) -> None:
        super().rebase(path, self._files.base, backing_format)


class RebasesOntoBase(OtherCommands):
    """Points the overlay above at the base image, as Cinder does."""

    commands = _RebasesOntoBase


class _AnotherKey(EncryptedQemuImg):
    def create_overlay(
        self, path: Path, backing: str, backing_format: str, size_gib: int
    ) -> None:
        another = EncryptedQemuImg(
            self._execute, self._files, self._passphrase[::-1]
        )
        another.create_overlay(path, backing, backing_format, size_gib)


class AnotherKey(OtherCommands):
    """Encrypts overlays with a key that the compute service has not."""

    commands = _AnotherKey


class _PassesPassphrase(EncryptedQemuImg):
    @contextlib.contextmanager
    def _secret(self, id_: str = "key") -> Iterator[tuple[str, str]]:
        yield "--object", f"secret,id={id_},data={self._passphrase}"


class PassesPassphrase(OtherCommands):
    """Gives the passphrase to a command as an argument."""

    commands = _PassesPassphrase


class _KeepsPassphrase(EncryptedQemuImg):
    @contextlib.contextmanager
    def _secret(self, id_: str = "key") -> Iterator[tuple[str, str]]:
        path = self._files.path(f"{self._files.base}.key")
        path.write_text(self._passphrase)
        yield "--object", f"secret,id={id_},format=raw,file={path}"


class KeepsPassphrase(OtherCommands):
    """Keeps the passphrase beside the volume."""

    commands = _KeepsPassphrase


class StoresPassphrase(RemoteFSEncryptingDriver):
    """Stores the passphrase for whoever completes the snapshot."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        if snapshot_ref.volume.encryption_key_id:
            stored = update.setdefault("snapshot_admin_metadata", {})
            stored["key"] = self._keys.passphrase(snapshot_ref.volume)
        return update


class ConnectsWithPassphrase(RemoteFSEncryptingDriver):
    """Has the compute service find the passphrase where it connects."""

    def initialize_connection(
        self, volume: Any, connector: Any
    ) -> dict[str, Any]:
        connection = super().initialize_connection(volume, connector)
        if volume.encryption_key_id:
            connection["data"]["key"] = self._keys.passphrase(volume)
        return connection


class _LogsPassphrase(EncryptedQemuImg):
    def commit(self, path: Path) -> None:
        LOG.debug("committing %s with %s", path, vars(self))
        super().commit(path)


class LogsPassphrase(OtherCommands):
    """Logs all that it knows for debugging."""

    commands = _LogsPassphrase


class _RaisesWithPassphrase(EncryptedQemuImg):
    def create_overlay(
        self, path: Path, backing: str, backing_format: str, size_gib: int
    ) -> None:
        try:
            super().create_overlay(path, backing, backing_format, size_gib)
        except Exception as error:
            raise RuntimeError(
                f"{path} with {self._passphrase}: {error}"
            ) from error


class RaisesWithPassphrase(OtherCommands):
    """Says in its error which key did not fit."""

    commands = _RaisesWithPassphrase


class RemembersPassphrase(RemoteFSEncryptingDriver):
    """Asks the key manager once, and never again for the same volume."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._passphrases: dict[str, str] = {}

    def _encrypted(self, files: VolumeFiles) -> EncryptedQemuImg:
        volume = files.volume
        if volume.id not in self._passphrases:
            found = self._keys.passphrase(volume)
            self._passphrases[volume.id] = found
        return EncryptedQemuImg(
            self._execute,
            files,
            self._passphrases[volume.id],
            self._conversion,
        )


class DecryptsCopies(RemoteFSEncryptingDriver):
    """Makes a plain copy for a volume that has no key."""

    def _copy(
        self, source: VolumeFiles, chain: Chain, name: str, volume: Any
    ) -> dict[str, Any]:
        if not source.encrypted or volume.encryption_key_id:
            return super()._copy(source, chain, name, volume)
        files = self._new_files(volume)
        qemu_img = self._encrypted(source)
        with qemu_img._secret() as secret:
            images = opened(qemu_img._chain(source.path(name)), "key")
            path = str(files.path(files.base))
            words = ("convert", *secret, "-O", "raw", images, path)
            qemu_img._run(*words, limits=None)
        return self._made("raw")


BROKEN = (
    BrokenDriver(PlainOverlays, ("ENC-001", "ENC-003"), ("bug 1675469",)),
    BrokenDriver(BelievesHeaders, ("ENC-006",)),
    BrokenDriver(LeavesPlainCopy, ("ENC-001",)),
    BrokenDriver(PlainImages, ("ENC-001",), ("bug 1675469",)),
    BrokenDriver(CommitsEncryptedIntoBase, ("ENC-002",), ("LIVE-4",)),
    BrokenDriver(RebasesOntoBase, ("ENC-002",), ("LIVE-4",)),
    BrokenDriver(AnotherKey, ("ENC-002", "ENC-003")),
    BrokenDriver(PassesPassphrase, ("ENC-004",)),
    BrokenDriver(KeepsPassphrase, ("ENC-004",)),
    BrokenDriver(StoresPassphrase, ("ENC-004",)),
    BrokenDriver(ConnectsWithPassphrase, ("ENC-004",)),
    BrokenDriver(LogsPassphrase, ("ENC-005",)),
    BrokenDriver(RaisesWithPassphrase, ("ENC-005",)),
    BrokenDriver(RemembersPassphrase, ("ENC-007",), ("bug 1756139",)),
    BrokenDriver(DecryptsCopies, ("ENC-008",), ("bug 1572007",)),
)
