# SPDX-License-Identifier: Apache-2.0
"""``qemu-img`` on the images of an encrypted volume.

Each image is qcow2 with LUKS inside, the base image and every overlay, all
with the key that the volume names.  QEMU is told of every image of a chain
what it is and which key it has: it opens the backing files that are named
here, from a chain that was validated, and not those that headers name.

The passphrase is in a file that only its owner can read, for as long as a
command runs, and never in argv.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference_driver import chain as chains
from reference_driver.errors import KeyNotFound
from reference_driver.files import VolumeFiles
from reference_driver.qemu_img import CHAIN_LIMITS
from reference_driver.qemu_img import NO_LIMITS
from reference_driver.qemu_img import QemuImg

_SOURCE = "source"
_KEY = "key"
"""Ids of secrets in a command, which mean nothing outside of it."""

_HASH = "encrypt.hash-alg=sha512"
"""QEMU measures how fast a hash is, by a clock that has ticks of 10 ms on
some hosts: sha256 may take less, and then no image can be made.  Otherwise
its defaults are Cinder's: AES-256 in XTS mode."""

_STRETCHING = "encrypt.iter-time=10"
"""In ms.  A random key of 256 bits gains nothing from stretching, and each
command opens each image of a chain."""


class EncryptedQemuImg(QemuImg):
    """The commands of :class:`QemuImg` on images that a key opens.

    :param files: the volume's.
    :param passphrase: what opens its images.
    :param directory: for the passphrase; None for the system's place for
        temporary files.
    """

    def __init__(
        self,
        execute: Callable[..., Any],
        files: VolumeFiles,
        passphrase: str,
        directory: str | None = None,
    ) -> None:
        super().__init__(execute)
        self._files = files
        self._passphrase = passphrase
        self._directory = directory

    def create(self, path: Path, size_gib: int) -> None:
        with self._secret() as secret:
            self._run(
                "create",
                "-f",
                "qcow2",
                *secret,
                "-o",
                _encrypted_by(_KEY),
                str(path),
                f"{size_gib}G",
                limits=NO_LIMITS,
            )

    def create_overlay(
        self, path: Path, backing: str, backing_format: str, size_gib: int
    ) -> None:
        with self._secret() as secret:
            self._run(
                "create",
                "-u",
                "-f",
                "qcow2",
                *secret,
                "-o",
                _encrypted_by(_KEY),
                "-b",
                backing,
                "-F",
                backing_format,
                str(path),
                f"{size_gib}G",
                limits=NO_LIMITS,
            )

    def rebase(self, path: Path, backing: str, backing_format: str) -> None:
        with self._secret() as secret:
            self._run(
                "rebase",
                "-u",
                *secret,
                "-b",
                backing,
                "-F",
                backing_format,
                opened([path], _KEY),
            )

    def commit(self, path: Path) -> None:
        """Write what an overlay holds into its backing file.

        That is the image below it: Cinder's driver names the volume's base
        image here, whatever is in between.
        """
        with self._secret() as secret:
            self._run(
                "commit",
                "-d",
                *secret,
                opened(self._chain(path), _KEY),
                limits=CHAIN_LIMITS,
            )

    def resize(self, path: Path, format_: str, size_gib: int) -> None:
        with self._secret() as secret:
            self._run(
                "resize",
                *secret,
                opened(self._chain(path), _KEY),
                f"{size_gib}G",
                limits=CHAIN_LIMITS,
            )

    def convert_from(
        self, other: EncryptedQemuImg, source: Path, path: Path
    ) -> None:
        """Copy what another volume holds into a new image of this one.

        :param source: an image of the other volume's.
        """
        with other._secret(_SOURCE) as read, self._secret() as written:
            self._run(
                "convert",
                *read,
                *written,
                "-O",
                "qcow2",
                "-o",
                _encrypted_by(_KEY),
                opened(other._chain(source), _SOURCE),
                str(path),
                limits=CHAIN_LIMITS,
            )

    def _chain(self, path: Path) -> list[Path]:
        """The files of an image and of all that is below it."""
        below = chains.header(self._files, path.name).backing_file
        if below is None:
            return [path]
        chain = chains.walk(
            self._files,
            self._files.own(below),
            base_format="qcow2",
            size_gib=self._files.volume.size,
        )
        return [path, *(self._files.path(image.name) for image in chain)]

    @contextlib.contextmanager
    def _secret(self, id_: str = _KEY) -> Iterator[tuple[str, str]]:
        """The options with which a command knows the key."""
        with tempfile.NamedTemporaryFile(
            "w", encoding="ascii", prefix="luks-", dir=self._directory
        ) as file:
            file.write(self._passphrase)
            file.flush()
            name = file.name.replace(",", ",,")
            yield "--object", f"secret,id={id_},format=raw,file={name}"


class Keys:
    """Where the passphrases of volumes are from.

    :param key_manager: Castellan's ``key_manager.API()``; None if volumes
        cannot be encrypted.
    """

    def __init__(self, key_manager: Any) -> None:
        self._manager = key_manager

    def passphrase(self, volume: Any) -> str:
        """What opens a volume's images, by the key that it names now.

        A key may get another id while a snapshot is in flight (bug
        1756139), so it is not remembered.

        :raises KeyNotFound: there is no key manager, or no such key.
        """
        key_id = volume.encryption_key_id
        if self._manager is None:
            raise KeyNotFound(
                f"volume {volume.id} is encrypted, and this driver has no "
                f"key manager"
            )
        try:
            key = self._manager.get(volume.obj_context, key_id)
        except Exception as error:
            raise KeyNotFound(
                f"there is no key {key_id} for volume {volume.id}: {error}"
            ) from error
        encoded: bytes = key.get_encoded()
        return encoded.hex()


def _encrypted_by(id_: str) -> str:
    return (
        f"encrypt.format=luks,encrypt.key-secret={id_},{_HASH},{_STRETCHING}"
    )


def opened(paths: list[Path], id_: str) -> str:
    """A chain as QEMU is to open it, in place of a file's name.

    As JSON, in which no name can be taken for anything else.  The last
    image has no backing file, whatever its header says.
    """
    opened: dict[str, Any] | None = None
    for path in reversed(paths):
        opened = {
            "driver": "qcow2",
            "encrypt": {"format": "luks", "key-secret": id_},
            "file": {"driver": "file", "filename": str(path)},
            "backing": opened,
        }
    return f"json:{json.dumps(opened)}"
