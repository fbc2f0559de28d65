# SPDX-License-Identifier: Apache-2.0
"""QEMU's command-line tools, working on the images of a running guest.

Images are described as QEMU has them open (``json:`` with every format and
every backing file explicit), so what the tools see is the chain in memory
and not what somebody wrote into a header meanwhile.  Files are named
by their open descriptors, which an unlink or a rename does not affect; so is
the passphrase of those that are encrypted.

The tools run with locking off: the locks on the files are the guest's own
(:mod:`fakes.compute.image_lock`) and would keep them out.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from assisted_kit.image import Image
from fakes.compute import qemu_io
from fakes.compute.errors import HypervisorError
from fakes.compute.qemu_io import QemuIo

PIECE = 4 * 1024 * 1024
"""Bytes that one write command carries at most."""

_UNSAFE = ("-t", "unsafe")
"""Nothing is flushed to disk: no host fails, and shares outlive processes."""

_SECTOR = 512
_KEY = "key"
"""What the tools call the passphrase of an image."""


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
    image = _Chain(chain, flushes=False)
    with (
        _secret(image.passphrase) as options,
        qemu_io.opened(image.text, options) as running,
    ):
        for write in writes:
            for piece in _pieces(write):
                _write_piece(running, piece)


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
    """A chain as one argument of a tool.

    :param flushes: false to have nothing flushed, where the tool has no
        option for it.
    :param window: ``offset`` and ``size`` of a part, as if that were all.
    """

    def __init__(
        self,
        chain: Sequence[Opened],
        *,
        flushes: bool = True,
        **window: int,
    ) -> None:
        described: dict[str, Any] = {}
        for opened in reversed(chain):
            described = _describe(opened, described or None)
        if window:
            described = {"driver": "raw", **window, "file": described}
        if not flushes:
            described["cache"] = {"no-flush": True}
        # Without white space, at which qemu-io splits its commands.
        self.text = "json:" + json.dumps(described, separators=(",", ":"))
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
            "filename": _path(opened.descriptor),
            "locking": "off",
        },
    }
    if opened.image.format != "raw":
        described["backing"] = backing
    if opened.passphrase is not None:
        described["encrypt"] = {"format": "luks", "key-secret": _KEY}
    return described


def _path(descriptor: int) -> str:
    """Where a tool finds what is open here."""
    return f"/proc/{os.getpid()}/fd/{descriptor}"


def _pieces(write: Write) -> list[Write]:
    if write.data is None:
        return [write]
    return [
        Write(write.offset + at, piece, len(piece))
        for at in range(0, len(write.data), PIECE)
        for piece in (write.data[at : at + PIECE],)
    ]


def _write_piece(running: QemuIo, piece: Write) -> None:
    where = f"{piece.offset} {piece.length}"
    if piece.data is None:
        running.run(f"write -q -z {where}")
        return
    with _memory_file(piece.data) as file:
        running.run(f"write -q -s {_path(file)} {where}")


def _converted(chain: Sequence[Opened], start: int, length: int) -> bytes:
    """A range of a chain's content by ``qemu-img convert``."""
    first = start // _SECTOR * _SECTOR
    after = -(-(start + length) // _SECTOR) * _SECTOR
    window = _Chain(chain, offset=first, size=after - first)
    with _memory_file(b"") as file:
        _run("qemu-img", "convert", "-O", "raw", window, _path(file))
        return os.pread(file, length, start - first).ljust(length, b"\0")


@contextmanager
def _memory_file(data: bytes) -> Iterator[int]:
    file = os.memfd_create("guest-data")
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        yield file
    finally:
        os.close(file)


@contextmanager
def _secret(passphrase: str | None) -> Iterator[list[str]]:
    """The options by which a tool knows a passphrase, if there is one."""
    if passphrase is None:
        yield []
        return
    with _memory_file(passphrase.encode()) as file:
        yield ["--object", f"secret,id={_KEY},format=raw,file={_path(file)}"]


def _run(*words: str | _Chain) -> str:
    argv: list[str] = []
    with ExitStack() as stack:
        for word in words:
            if isinstance(word, _Chain):
                argv += stack.enter_context(_secret(word.passphrase))
                word = word.text
            argv.append(word)
        done = subprocess.run(
            argv,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    if done.returncode != 0:
        raise HypervisorError(
            f"{argv[0]} failed with exit status {done.returncode}: "
            f"{done.stderr.strip()}"
        )
    return done.stdout
