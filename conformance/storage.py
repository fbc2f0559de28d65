# SPDX-License-Identifier: Apache-2.0
"""The chain of images on disk, read from its headers (contract section 3).

For drivers with the capability ``overlay_files``, whatever they call their
files, and with no code of any driver's.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assisted_kit import qcow2
from assisted_kit.image import Image

_PIECE = 64 * 1024
_ZEROS = bytes(_PIECE)
"""What holes read as, where the share cannot tell that they are holes."""


def backing(overlay: Path) -> Image | None:
    """The image that an overlay has as its backing file."""
    header = _header(overlay)
    if header.backing_file is None:
        return None
    return Image(
        overlay.parent / header.backing_file, header.backing_format or "none"
    )


def chain_of(active: Image) -> list[Image]:
    """The images from the active one down, as far as they can be read."""
    images = [active]
    while images[-1].format == "qcow2":
        below = backing(images[-1].path)
        if below is None or below in images:
            break
        images.append(below)
    return images


def virtual_size(image: Image) -> int:
    """The size of the disk that an image holds, in bytes."""
    if image.format == "qcow2":
        return _header(image.path).virtual_size
    return image.path.stat().st_size


def is_encrypted(image: Image) -> bool:
    """Whether an image says that LUKS encrypts what is in it."""
    return image.format == "qcow2" and qcow2.is_luks(image.path)


def _header(path: Path) -> qcow2.Header:
    return qcow2.inspect(path, luks=qcow2.is_luks(path))


def draw(active: Any) -> str:
    """A chain as a line: base image first, the active image last."""
    try:
        images = chain_of(active)
    except (qcow2.ImageError, OSError) as error:
        return f"{active.path.name} (active; {error})"
    words = [
        f"{image.path.name} ({image.format}"
        f"{', encrypted' if is_encrypted(image) else ''})"
        for image in images
    ]
    words[0] = words[0].replace(")", ", active)")
    return " <- ".join(reversed(words))


def overlays_in(directory: Path) -> set[str]:
    """The names of all qcow2 images in a directory."""
    return {
        entry.name
        for entry in directory.iterdir()
        if entry.is_file() and qcow2.is_qcow2(entry)
    }


def contents(directory: Path) -> dict[str, str]:
    """Every file below a directory by its name, with what tells a change.

    A link is told by where it points, and nothing is opened that is not a
    regular file.
    """
    return {
        str(path.relative_to(directory)): _content(path)
        for path in sorted(directory.rglob("*"))
    }


def digest(path: Path) -> str:
    """Size and SHA-256 of a file, whose holes read as the zeros they are."""
    found = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        for offset in _allocated(file.fileno(), size):
            piece = os.pread(file.fileno(), _PIECE, offset)
            if piece != _ZEROS[: len(piece)]:
                found.update(offset.to_bytes(8, "big") + piece)
    return f"{size} bytes {found.hexdigest()}"


def _content(path: Path) -> str:
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        return digest(path)
    if stat.S_ISLNK(mode):
        return f"a link to {path.readlink()}"
    return stat.filemode(mode)


def _allocated(file: int, size: int) -> Iterator[int]:
    """The offsets of the pieces that are not in a hole."""
    offset = 0
    while offset < size:
        try:
            start = os.lseek(file, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(file, start, os.SEEK_HOLE)
        # Every piece once, wherever the file system's holes begin.
        first = max(offset, start - start % _PIECE)
        yield from range(first, end, _PIECE)
        offset = max(offset, end + -end % _PIECE)
