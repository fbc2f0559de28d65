# SPDX-License-Identifier: Apache-2.0
"""One open image file of a chain, raw or qcow2, without its backing file."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO
from typing import Self

from assisted_kit.qcow2.clusters import Clusters
from assisted_kit.qcow2.errors import DamagedImage
from assisted_kit.qcow2.errors import UnsupportedImage
from assisted_kit.qcow2.extent import Extent
from assisted_kit.qcow2.extent import Kind
from assisted_kit.qcow2.extent import merged
from assisted_kit.qcow2.header import Header
from assisted_kit.qcow2.header import read_header
from assisted_kit.qcow2.opening import open_regular
from assisted_kit.qcow2.opening import size_of
from assisted_kit.qcow2.opening import StrPath


class Layer:
    """An image file and what it holds itself.

    The format is what the caller recorded; it is never probed. Of a raw
    file, what is not a hole counts as allocated. A file that a guest
    writes to is read as it is on disk, which may be behind the guest.

    Of an encrypted image only what is allocated is told, and no content.

    :ivar name: what messages call it; in a chain its bare file name
    :ivar format: ``raw`` or ``qcow2``
    :ivar header: None for raw
    :ivar virtual_size: bytes the guest sees
    :ivar luks: whether it is encrypted
    """

    def __init__(
        self, file: BinaryIO, name: str, format: str, *, luks: bool = False
    ) -> None:
        self.name = name
        self.format = format
        self.luks = luks
        self.header: Header | None = None
        self._file = file
        self._clusters: Clusters | None = None
        if format == "qcow2":
            self.header = read_header(file, name, luks=luks)
            self.virtual_size = self.header.virtual_size
        elif luks:
            raise UnsupportedImage(name, f"format {format!r}, not LUKS")
        elif format == "raw":
            self.virtual_size = size_of(file)
        else:
            raise UnsupportedImage(name, f"format {format!r}")

    @classmethod
    def open(
        cls,
        path: StrPath,
        format: str,
        *,
        dir_fd: int | None = None,
        luks: bool = False,
    ) -> Self:
        """Open a regular file, without following a link.

        :param luks: it is to be encrypted with LUKS, and refused otherwise
        :raises ImageError: not a regular file, or its header is refused
        :raises OSError: the file cannot be opened or read
        """
        file = open_regular(path, dir_fd=dir_fd)
        try:
            return cls(file, os.fspath(path), format, luks=luks)
        except BaseException:
            file.close()
            raise

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
        """Close the file; a second time does nothing."""
        self._file.close()

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode: the same for two names of one file."""
        status = os.fstat(self._file.fileno())
        return status.st_dev, status.st_ino

    def extents(
        self, start: int = 0, end: int | None = None
    ) -> Iterator[Extent]:
        """What is allocated from guest byte *start* to *end*, in order.

        Neighbours are merged, the outer ones cut to the range, and nothing
        lies beyond the virtual size.

        :raises DamagedImage: a table is; possibly after some extents
        """
        return merged(self._allocated(start, end))

    def is_empty(self) -> bool:
        """Whether nothing at all is allocated, not even zeros."""
        return next(self._allocated(0, None), None) is None

    def stored(self, extent: Extent) -> Iterator[Extent]:
        """The parts of data *extent* that are no holes of the file.

        Preallocated clusters are, until a guest writes to them. What the
        file does not reach is a part: reading it finds the damage.
        """
        if extent.offset is None:
            yield extent
            return
        end = extent.offset + extent.length
        beyond = max(extent.offset, size_of(self._file)), end
        for start, stop in itertools.chain(
            self._not_holes(extent.offset, end), (beyond,)
        ):
            if start < stop:
                first = extent.start + start - extent.offset
                yield Extent(first, stop - start, Kind.DATA, start)

    def load(self, extent: Extent, target: memoryview) -> None:
        """Fill *target* with plain data, from the beginning of *extent*.

        A last cluster that the file holds in part reads on as zeros.

        :raises DamagedImage: the file no longer reaches that far
        :raises UnsupportedImage: the image is encrypted
        """
        if self.luks:
            raise UnsupportedImage(self.name, "encrypted, and not decrypted")
        assert extent.offset is not None
        done = 0
        while done < len(target):
            read = os.preadv(
                self._file.fileno(), [target[done:]], extent.offset + done
            )
            if read == 0:
                break
            done += read
        if done == 0:
            self._check_begun(extent.offset)
        target[done:] = bytes(len(target) - done)

    def unpack(self, extent: Extent) -> bytes:
        """The whole cluster, however little of it *extent* is.

        :raises DamagedImage: it does not decompress to one cluster
        :raises UnsupportedImage: the image is encrypted
        """
        if self.luks:
            raise UnsupportedImage(self.name, "encrypted, and not decrypted")
        assert extent.packed is not None
        return self._tables().unpack(extent.packed)

    def _allocated(self, start: int, end: int | None) -> Iterator[Extent]:
        if start < 0:
            raise ValueError(f"negative guest offset {start}")
        if end is None or end > self.virtual_size:
            end = self.virtual_size
        if start >= end:
            return iter(())
        if self.header is None:
            return (
                Extent(first, stop - first, Kind.DATA, first)
                for first, stop in self._not_holes(start, end)
            )
        return self._tables().allocated(start, end)

    def _check_begun(self, offset: int) -> None:
        """Refuse an *offset* in a cluster that the file does not begin."""
        unit = 1 if self.header is None else self.header.cluster_size
        if size_of(self._file) <= offset - offset % unit:
            raise DamagedImage(self.name, f"ends before its data at {offset}")

    def _tables(self) -> Clusters:
        if self._clusters is None:
            assert self.header is not None
            self._clusters = Clusters(self._file, self.header, self.name)
        return self._clusters

    def _not_holes(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Begin and end of what the file holds within a range of it."""
        fd = self._file.fileno()
        while start < end:
            try:
                start = os.lseek(fd, start, os.SEEK_DATA)
                stop = min(os.lseek(fd, start, os.SEEK_HOLE), end)
            except OSError as error:
                if error.errno == errno.ENXIO:  # a hole up to the end
                    return
                raise
            if start < stop:
                yield start, stop
            start = stop
