# SPDX-License-Identifier: Apache-2.0
"""A backing chain, open from the active image down to the base image."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from types import TracebackType
from typing import Final
from typing import NamedTuple
from typing import Self

from assisted_kit.qcow2.errors import DamagedImage
from assisted_kit.qcow2.errors import ForeignBackingFile
from assisted_kit.qcow2.errors import UnsupportedImage
from assisted_kit.qcow2.extent import Extent
from assisted_kit.qcow2.extent import Kind
from assisted_kit.qcow2.layer import Layer
from assisted_kit.qcow2.opening import StrPath
from assisted_kit.qcow2.overlaying import overlaid

MAX_DEPTH: Final = 1024
MAX_L1_BYTES: Final = 128 * 1024 * 1024  # of all layers together
PIECE: Final = 64 * 1024
_MAX_FILE_NAME: Final = 255


class ChainExtent(NamedTuple):
    """A range of guest bytes whose data is in one layer."""

    start: int
    length: int
    layer: int  # index into Chain.layers

    @property
    def end(self) -> int:
        """The first guest byte after it."""
        return self.start + self.length


class Chain:
    """The image files of one disk, newest first, and the disk's content.

    Owns the files: close it, or use it as a context manager. Not for use
    by two threads at once.

    :ivar layers: the open files, the active image first
    """

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = layers
        # The cluster last decompressed, with its layer and place there.
        self._unpacked: tuple[object, bytes] = (None, b"")

    @classmethod
    def open(
        cls,
        directory: StrPath,
        name: str,
        format: str,
        *,
        max_depth: int = MAX_DEPTH,
        max_size: int | None = None,
    ) -> Self:
        """Open *name* in *directory* and all that it is backed by.

        Backing files are opened in the same directory only, each with the
        format that the image above it records. A raw image has none,
        whatever its content looks like.

        :param max_size: bytes that no image's virtual size may exceed
        :raises ForeignBackingFile: a name leads out of the directory
        :raises UnsupportedImage: no format recorded, another than raw and
            qcow2, or a chain or an image beyond the limits
        :raises ImageError: a file is not regular, or its header refused
        :raises OSError: *name* cannot be opened, for example does not exist
        """
        layers: list[Layer] = []
        dir_fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            check_bare(name, name)
            layers.append(Layer.open(name, format, dir_fd=dir_fd))
            seen = {layers[0].identity}
            _check_limits(layers, max_size)
            while (below := _backing(layers[-1], directory)) is not None:
                if len(layers) >= max_depth:
                    raise UnsupportedImage(
                        name, f"chain of more than {max_depth} images"
                    )
                layers.append(_open_backing(layers[-1], *below, dir_fd))
                if layers[-1].identity in seen:
                    raise DamagedImage(
                        layers[-2].name, f"backed in a loop by {below[0]!r}"
                    )
                seen.add(layers[-1].identity)
                _check_limits(layers, max_size)
        except BaseException:
            for layer in layers:
                layer.close()
            raise
        finally:
            os.close(dir_fd)
        return cls(tuple(layers))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all files; a second time does nothing."""
        for layer in self.layers:
            layer.close()

    @property
    def virtual_size(self) -> int:
        """Bytes of the disk, which is what the active image says."""
        return self.layers[0].virtual_size

    def names(self) -> tuple[str, ...]:
        """The bare file names, the active image first."""
        return tuple(layer.name for layer in self.layers)

    def read(self, offset: int, length: int) -> bytes:
        """What the guest reads there; shorter only at the disk's end.

        A backing file that is shorter than what is above it reads on as
        zeros.

        :raises DamagedImage: a table or a compressed cluster is
        """
        if offset < 0 or length < 0:
            raise ValueError(f"cannot read {length} bytes at {offset}")
        end = min(offset + length, self.virtual_size)
        if offset >= end:
            return b""
        content = bytearray(end - offset)
        view = memoryview(content)
        for extent, layer in overlaid(self.layers, offset, end):
            if extent.kind is Kind.DATA:
                part = view[extent.start - offset : extent.end - offset]
                self._load(layer, extent, part)
        return bytes(content)

    def extents(self) -> Iterator[ChainExtent]:
        """Where data is, in guest order; the rest reads as zeros.

        Neighbours in one layer are merged. The data may be zeros, too.

        :raises DamagedImage: a table is; possibly after some extents
        """
        last: ChainExtent | None = None
        for extent, layer in overlaid(self.layers, 0, self.virtual_size):
            if extent.kind is Kind.ZERO:
                continue
            if last is not None:
                if (last.end, last.layer) == (extent.start, layer):
                    joined = last.length + extent.length
                    last = last._replace(length=joined)
                    continue
                yield last
            last = ChainExtent(extent.start, extent.length, layer)
        if last is not None:
            yield last

    def data(self) -> Iterator[tuple[int, bytes]]:
        """Every piece of 64 KiB that is not all zeros, with its offset.

        Pieces begin at multiples of 64 KiB whatever the layers look like,
        so two chains yield the same exactly if guests read the same.

        :raises DamagedImage: an image is; possibly after some pieces
        """
        done = 0
        for extent in self._stored():
            first = max(done, extent.start - extent.start % PIECE)
            for offset in range(first, extent.end, PIECE):
                piece = self.read(offset, PIECE)
                if piece != bytes(len(piece)):
                    yield offset, piece
                done = offset + PIECE

    def _stored(self) -> Iterator[Extent]:
        for extent, layer in overlaid(self.layers, 0, self.virtual_size):
            if extent.kind is Kind.DATA:
                yield from self.layers[layer].stored(extent)

    def _load(self, index: int, extent: Extent, target: memoryview) -> None:
        layer = self.layers[index]
        if extent.packed is None:
            layer.load(extent, target)
            return
        key = (index, extent.packed)
        if self._unpacked[0] != key:
            self._unpacked = (key, layer.unpack(extent))
        content = self._unpacked[1]
        first = extent.start % len(content)
        target[:] = content[first : first + len(target)]


def check_bare(image: str, name: str) -> None:
    """Refuse a *name*, found in *image*, that may be more than a file name.

    QEMU takes whatever is before a colon for a protocol (``json:``,
    ``nbd:``).

    :raises ForeignBackingFile: it is not a plain name in a directory
    """
    if (
        name in {"", ".", ".."}
        or "/" in name
        or ":" in name
        or not name.isprintable()
        or len(name.encode()) > _MAX_FILE_NAME
    ):
        raise ForeignBackingFile(image, f"{name!r} is not a bare file name")


def _backing(layer: Layer, directory: StrPath) -> tuple[str, str] | None:
    """Bare name and format of the backing file, None if there is none.

    An absolute name in this directory counts as the bare one.
    """
    if layer.header is None or layer.header.backing_file is None:
        return None
    name = layer.header.backing_file
    if posixpath.dirname(name) == os.path.abspath(directory):
        name = posixpath.basename(name)
    check_bare(layer.name, name)
    format = layer.header.backing_format
    if format is None:
        raise UnsupportedImage(
            layer.name, f"no format recorded for its backing file {name!r}"
        )
    if format not in {"raw", "qcow2"}:
        raise UnsupportedImage(
            layer.name, f"its backing file {name!r} has format {format!r}"
        )
    return name, format


def _open_backing(above: Layer, name: str, format: str, dir_fd: int) -> Layer:
    try:
        return Layer.open(name, format, dir_fd=dir_fd)
    except FileNotFoundError as error:
        raise DamagedImage(
            above.name, f"its backing file {name!r} does not exist"
        ) from error


def _check_limits(layers: list[Layer], max_size: int | None) -> None:
    newest = layers[-1]
    if max_size is not None and newest.virtual_size > max_size:
        raise UnsupportedImage(
            newest.name,
            f"virtual size {newest.virtual_size}, limit {max_size}",
        )
    tables = sum(
        layer.header.l1_entries_used * 8 for layer in layers if layer.header
    )
    if tables > MAX_L1_BYTES:
        raise UnsupportedImage(
            newest.name,
            f"L1 tables of {tables} bytes down to it, limit {MAX_L1_BYTES}",
        )
