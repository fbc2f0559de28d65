# SPDX-License-Identifier: Apache-2.0
"""Encrypted volumes: what is on the share, and what a key makes of it."""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import tempfile
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assisted_kit.adapter import DriverAdapter
from assisted_kit.errors import AssistedKitError
from assisted_kit.image import Image
from assisted_kit.key_manager import EncryptionKey
from assisted_kit.key_manager import KeyUnavailable
from conformance import oracle
from conformance import storage
from conformance.deployment import Deployment
from conformance.ledger import Ledger
from conformance.ledger import SECTOR
from conformance.oracle import Difference
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import OperationFailed
from conformance.volume import GIB
from conformance.volume import VolumeUnderTest

MARKER = b"assisted-kit: the guest wrote this. ".ljust(SECTOR, b"*")
"""What a guest writes, and nobody reads without the key."""

_MARKED = 640 * 1024 * 1024
"""Where it writes that, in bytes; no generation of writes is there."""


class EncryptedVolume(VolumeUnderTest):
    """An encrypted volume, read with its key.

    :raises OperationFailed: the driver does not create it.
    """

    def __init__(self, deployment: Deployment, key: EncryptionKey) -> None:
        deployment.keys[key.id] = key
        with _to_succeed("creating an encrypted volume"):
            created = deployment.manager.volumes.create(
                1, encryption_key_id=key.id
            )
        super().__init__(deployment, copy=(created, Ledger(GIB)))
        self.key = key

    def attach(self) -> None:
        with _to_succeed("attaching the volume"):
            super().attach()

    def write_at(
        self, writes: list[tuple[int, bytes]], what: str = "data"
    ) -> None:
        with _to_succeed("writing to the volume"):
            super().write_at(writes, what)

    def write_marker(self) -> None:
        """The guest writes what is found again if it is not encrypted."""
        offset = _MARKED + len(self.snapshots) * SECTOR
        self.write_at([(offset, MARKER)], "the marker")

    def _compare(
        self, image: Image, ledger: Ledger, *, confirmed: bool = True
    ) -> Difference | None:
        return compare(image, ledger, self.key)

    def _may_copy(self, snapshot: SnapshotUnderTest) -> bool:
        # What it says that it holds is encrypted, too.
        return False


@contextmanager
def _to_succeed(operation: str) -> Iterator[None]:
    """What a driver says that it can do, and a guest with the key.

    :raises OperationFailed: it raises, or QEMU gets an error.
    """
    try:
        yield
    except OperationFailed:
        raise
    except Exception as error:
        raise OperationFailed(
            operation, "success", f"{type(error).__name__}: {error}"
        ) from error


def key_for(adapter: DriverAdapter) -> EncryptionKey:
    """A key for a volume, from wherever the driver gets it as well.

    :raises KeyUnavailable: the adapter has none.
    """
    try:
        return adapter.encryption_key()
    except AssistedKitError:
        raise
    except Exception as error:  # whatever a vendor's key manager raises
        raise KeyUnavailable(
            f"{adapter.name} declares encryption, and encryption_key() of "
            f"its adapter raises {type(error).__name__}: {error}"
        ) from error


def files_with(content: bytes, directory: Path) -> list[str]:
    """The names of the files below a directory that have ``content``."""
    return [
        str(path.relative_to(directory))
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not path.is_symlink() and _has(path, content)
    ]


def _has(path: Path, content: bytes) -> bool:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return mapped.find(content) >= 0


def compare(
    image: Image, ledger: Ledger, key: EncryptionKey
) -> Difference | None:
    """How an image, read with a key, differs from what the guest wrote."""
    try:
        with _decrypted(image, key) as plain:
            return oracle.compare(plain, ledger)
    except (AssistedKitError, OSError) as error:
        return Difference(
            f"{image.path.name} readable with the volume's key", str(error)
        )


class NotReadable(AssistedKitError):
    """An image that the key does not open, or that is damaged."""


@contextmanager
def _decrypted(image: Image, key: EncryptionKey) -> Iterator[Image]:
    """A raw image of what is read through an image."""
    with tempfile.TemporaryDirectory(prefix="assisted-kit.plain.") as name:
        plain = Path(name, image.path.name)
        passphrase = os.memfd_create("passphrase")
        try:
            os.write(passphrase, key.passphrase.encode())
            _convert(storage.chain_of(image), passphrase, plain)
        finally:
            os.close(passphrase)
        yield Image(plain, "raw")


def _convert(chain: Sequence[Image], passphrase: int, plain: Path) -> None:
    secret = f"secret,id=key,format=raw,file=/proc/self/fd/{passphrase}"
    done = subprocess.run(
        [
            *("qemu-img", "convert", "-U", "-O", "raw", "--object", secret),
            f"json:{json.dumps(_opened(chain))}",
            str(plain),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        pass_fds=[passphrase],
    )
    if done.returncode != 0:
        raise NotReadable(f"qemu-img convert: {done.stderr.strip()}")


def _opened(chain: Sequence[Image]) -> dict[str, Any] | None:
    """A chain as QEMU is to open it: each image as its header says."""
    opened: dict[str, Any] | None = None
    for image in reversed(chain):
        below, opened = opened, {"driver": image.format}
        opened["file"] = {"driver": "file", "filename": str(image.path)}
        if image.format == "qcow2":
            opened["backing"] = below
        if storage.is_encrypted(image):
            opened["encrypt"] = {"format": "luks", "key-secret": "key"}
    return opened
