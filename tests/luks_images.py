# SPDX-License-Identifier: Apache-2.0
"""LUKS images, of which QEMU takes seconds to make one."""

from __future__ import annotations

import contextlib
import functools
import json
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import images

PASSPHRASE = "a passphrase, for tests"
ANOTHER = "another passphrase"

OPTIONS = (
    "encrypt.format=luks,encrypt.key-secret=key,encrypt.hash-alg=sha512,"
    "encrypt.iter-time=10"
)

_EXTENSION = b"\x05\x37\xbe\x77"


def create(path: Path, passphrase: str = PASSPHRASE) -> Path:
    """An encrypted qcow2 image of 1 GiB."""
    path.write_bytes(_made(passphrase))
    return path


def overlay(path: Path, backing: str, passphrase: str = PASSPHRASE) -> Path:
    """The same on a qcow2 image, which need not be there.

    It has the master key of every other one, which no real image has.
    """
    create(path, passphrase)
    with secret(passphrase) as key:
        images.run(
            *("qemu-img", "rebase", "-q", "-u", *key),
            *("-b", backing, "-F", "qcow2", opened(path)),
        )
    return path


def put_place(path: Path, offset: int, length: int) -> None:
    """Have the LUKS header be elsewhere."""
    images.put(path, extension(path) + 8, struct.pack(">QQ", offset, length))


def extension(path: Path) -> int:
    """Where the header extension is that says where the LUKS header is."""
    return path.read_bytes().index(_EXTENSION)


def luks_header(path: Path) -> int:
    """Where the LUKS header is."""
    (offset,) = struct.unpack_from(
        ">Q", path.read_bytes(), extension(path) + 8
    )
    return int(offset)


@contextlib.contextmanager
def secret(passphrase: str) -> Iterator[tuple[str, str]]:
    """The options by which a tool knows a passphrase."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(passphrase)
        file.flush()
        yield "--object", f"secret,id=key,format=raw,file={file.name}"


def opened(*chain: Path) -> str:
    """A chain, the active image first, as QEMU opens it."""
    described: dict[str, Any] | None = None
    for path in reversed(chain):
        described = {
            "driver": "qcow2",
            "encrypt": {"format": "luks", "key-secret": "key"},
            "file": {"driver": "file", "filename": str(path)},
            "backing": described,
        }
    return f"json:{json.dumps(described)}"


def write(chain: list[Path], command: str, passphrase: str) -> None:
    """Have ``qemu-io`` write through a chain."""
    with secret(passphrase) as key:
        images.run("qemu-io", *key, "-c", command, opened(*chain))


def content(chain: list[Path], passphrase: str) -> bytes:
    """The first 512 KiB of what is read through a chain."""
    with secret(passphrase) as key, tempfile.NamedTemporaryFile() as plain:
        done = subprocess.run(
            [
                *("qemu-img", "dd", *key, "-O", "raw"),
                *("bs=512k", "count=1"),
                *(f"if={opened(*chain)}", f"of={plain.name}"),
            ],
            check=True,
            capture_output=True,
        )
        assert not done.stderr
        return Path(plain.name).read_bytes()


@functools.cache
def _made(passphrase: str) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "image")
        with secret(passphrase) as key:
            images.run(
                *("qemu-img", "create", "-q", "-f", "qcow2", *key),
                *("-o", OPTIONS, path, "1G"),
            )
        return path.read_bytes()
