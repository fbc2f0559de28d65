# SPDX-License-Identifier: Apache-2.0
"""QEMU's command-line tools, working on the images of a running guest.

Images are described as QEMU has them open (``json:`` with every format and
every backing file explicit), so what the tools see is the chain in memory
and not what somebody wrote into a header meanwhile.  Files are passed as
open descriptors, which an unlink or a rename does not affect; so is the
passphrase of those that are encrypted.

The tools run with locking off: the locks on the files are the guest's own
(:mod:`fakes.compute.image_lock`) and would keep them out.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from assisted_kit.image import Image
from fakes.compute.errors import HypervisorError

PIECE = 4 * 1024 * 1024
"""Bytes that one write command carries at most."""

BATCH = 200
"""Write commands that one ``qemu-io`` carries out at most."""

_UNSAFE = ("-t", "unsafe")
"""Nothing is flushed to disk: no host fails, and shares outlive processes."""

_SECTOR = 512
_KEY = "key"


@dataclass(eq=False, slots=True)
class Opened:
    """An open image file."""

    image: Image
    descriptor: int
    passphrase: str | None = field(repr=False)
    """Of an image that is encrypted with LUKS; None for any other."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Guest bytes whose content comes from one image of a chain."""

    start: int
    length: int
    depth: int
    """Index of the image in the chain, the active one being 0."""
    present: bool
    """Whether that image holds it; otherwise nothing in the chain does."""
    zero: bool
    """Whether it is known to read as zeros without a look at the data."""
    offset: int | None
    """Where the file has it; None for what is not stored plainly."""

    @property
    def end(self) -> int:
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Write:
    """A write of a guest's; without data, ``length`` zeros."""

    offset: int
    data: bytes | None
    length: int


def probed_format(path: Path) -> str:
    """The format that QEMU takes a file for, going by its content."""
    printed = _run("qemu-img", "info", "-U", "--output=json", str(path))
    found: str = json.loads(printed)["format"]
    return found


def extents(chain: Sequence[Opened]) -> list[Extent]:
    """Where each byte of a chain comes from.

    The last image counts as one without backing file.
    """
    printed = _run("qemu-img", "map", "--output=json", _Chain(chain))
    return [
        Extent(
            found["start"],
            found["length"],
            found["depth"],
            # QEMU before 6.1 says only this much.
            found.get("present", found["data"] or found["zero"]),
            found["zero"],
            found.get("offset"),
        )
        for found in json.loads(printed)
    ]


def content(
    chain: Sequence[Opened], extent: Extent, start: int, length: int
) -> bytes:
    """The bytes of a range within one of the chain's extents."""
    if extent.zero:
        return bytes(length)
    if extent.offset is None:
        return _converted(chain[extent.depth :], start, length)
    found = os.pread(
        chain[extent.depth].descriptor,
        length,
        extent.offset + start - extent.start,
    )
    # A file may end before its last cluster or sector does.
    return found.ljust(length, b"\0")


def write(chain: Sequence[Opened], writes: Iterable[Write]) -> None:
    """Write through the active image; on disk when this returns."""
    waiting = [
        piece
        for write in writes
        for piece in (_pieces(write) if write.data is not None else [write])
    ]
    while waiting:
        batch, waiting = waiting[:BATCH], waiting[BATCH:]
        _write_batch(chain, batch)


def commit(upper: Opened, lower: Sequence[Opened]) -> None:
    """Copy what ``upper`` holds into the first image of ``lower``."""
    _run("qemu-img", "commit", "-q", *_UNSAFE, "-d", _Chain([upper, *lower]))


def set_backing_file(
    opened: Opened, name: str | None, format: str | None
) -> None:
    """Change the header and nothing else; no name for no backing file."""
    words = ["-b", name or ""]
    if format is not None:
        words += ["-F", format]
    _run("qemu-img", "rebase", "-q", *_UNSAFE, "-u", *words, _Chain([opened]))


def rebase(image: Image, backing_file: str, format: str) -> None:
    """``qemu-img rebase`` on the image of an instance that is shut off."""
    _run(
        "qemu-img",
        "rebase",
        "-q",
        *_UNSAFE,
        "-f",
        image.format,
        "-b",
        backing_file,
        "-F",
        format,
        str(image.path),
    )


class _Chain:
    """A chain as one argument of a tool, with the files that it names."""

    def __init__(self, chain: Sequence[Opened], **window: int) -> None:
        described: dict[str, Any] | None = None
        for opened in reversed(chain):
            described = _describe(opened, described)
        if window:
            described = {"driver": "raw", **window, "file": described}
        self.text = "json:" + json.dumps(described)
        self.descriptors = tuple(opened.descriptor for opened in chain)
        # An instance has one key for all images of a disk.
        self.passphrase = next(
            (o.passphrase for o in chain if o.passphrase is not None), None
        )


def _describe(
    opened: Opened, backing: dict[str, Any] | None
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "driver": opened.image.format,
        "file": {
            "driver": "file",
            "filename": f"/proc/self/fd/{opened.descriptor}",
            "locking": "off",
        },
    }
    if opened.image.format != "raw":
        described["backing"] = backing
    if opened.passphrase is not None:
        described["encrypt"] = {"format": "luks", "key-secret": _KEY}
    return described


def _pieces(write: Write) -> list[Write]:
    data = write.data or b""
    return [
        Write(write.offset + at, piece, len(piece))
        for at in range(0, len(data), PIECE)
        for piece in (data[at : at + PIECE],)
    ]


def _write_batch(chain: Sequence[Opened], batch: Sequence[Write]) -> None:
    files: list[int] = []
    words: list[str] = []
    try:
        for write in batch:
            if write.data is None:
                source = "-z"
            else:
                files.append(_memory_file(write.data))
                source = f"-s /proc/self/fd/{files[-1]}"
            words += [
                "-c",
                f"write -q {source} {write.offset} {write.length}",
            ]
        _run("qemu-io", *_UNSAFE, *words, _Chain(chain), descriptors=files)
    finally:
        for file in files:
            os.close(file)


def _converted(chain: Sequence[Opened], start: int, length: int) -> bytes:
    """A range of a chain's content by ``qemu-img convert``."""
    first = start // _SECTOR * _SECTOR
    after = -(-(start + length) // _SECTOR) * _SECTOR
    file = _memory_file(b"")
    try:
        _run(
            "qemu-img",
            "convert",
            "-O",
            "raw",
            _Chain(chain, offset=first, size=after - first),
            f"/proc/self/fd/{file}",
            descriptors=[file],
        )
        return os.pread(file, length, start - first).ljust(length, b"\0")
    finally:
        os.close(file)


def _memory_file(data: bytes) -> int:
    file = os.memfd_create("guest-data")
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    return file


def _run(*words: str | _Chain, descriptors: Sequence[int] = ()) -> str:
    passed = [*descriptors]
    keys: list[int] = []
    argv = []
    try:
        for word in words:
            if isinstance(word, _Chain):
                passed += word.descriptors
                if word.passphrase is not None:
                    keys.append(_memory_file(word.passphrase.encode()))
                    argv += _secret(keys[-1])
                word = word.text
            argv.append(word)
        done = subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            pass_fds=[*passed, *keys],
            text=True,
            errors="replace",
        )
    finally:
        for key in keys:
            os.close(key)
    if done.returncode != 0:
        # qemu-io complains on its standard output.
        said = done.stderr.strip() or done.stdout.strip()
        raise HypervisorError(
            f"{argv[0]} failed with exit status {done.returncode}: {said}"
        )
    return done.stdout


def _secret(descriptor: int) -> list[str]:
    """The options by which a tool knows a passphrase."""
    file = f"/proc/self/fd/{descriptor}"
    return ["--object", f"secret,id={_KEY},format=raw,file={file}"]
