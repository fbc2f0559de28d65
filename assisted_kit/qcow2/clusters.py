# SPDX-License-Identifier: Apache-2.0
"""The cluster tables of a qcow2 image: which guest cluster is where.

The L1 table names L2 tables, whose entries name clusters. L2 tables are
read when asked for, in slices of at most 64 KiB of which one is kept, so a
sparse image costs what it holds and not what its virtual size is.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterator
from itertools import compress
from typing import BinaryIO
from typing import Final

from assisted_kit.qcow2.errors import DamagedImage
from assisted_kit.qcow2.extent import Extent
from assisted_kit.qcow2.extent import Kind
from assisted_kit.qcow2.extent import Packed
from assisted_kit.qcow2.header import Header
from assisted_kit.qcow2.header import SECTOR
from assisted_kit.qcow2.opening import read_up_to
from assisted_kit.qcow2.opening import size_of

_ENTRY: Final = 8  # bytes
_SLICE_ENTRIES: Final = 8192
_OFFSET: Final = 0x00FF_FFFF_FFFF_FE00
_COPIED: Final = 1 << 63
_COMPRESSED: Final = 1 << 62
_ZERO: Final = 1 << 0
_L1_RESERVED: Final = ~(_OFFSET | _COPIED)
_L2_RESERVED: Final = {
    2: ~(_OFFSET | _COPIED),
    3: ~(_OFFSET | _COPIED | _ZERO),
}
_WINDOW_BITS: Final = -12  # raw deflate, a window of 4 KiB


class Clusters:
    """The tables of one open file; not for use by two threads at once.

    :raises DamagedImage: from every method, when a table contradicts the
        format or leads out of the file
    """

    def __init__(self, file: BinaryIO, header: Header, name: str) -> None:
        self._file = file
        self._name = name
        self._cluster_size = header.cluster_size
        self._bits = header.cluster_bits
        self._reserved = _L2_RESERVED[header.version]
        self._file_size = size_of(file)
        # Width of the offset in a compressed cluster's entry.
        self._packed_bits = 62 - (self._bits - 8)
        self._slice_at = -1
        self._slice: array[int] | None = None
        self._l1 = self._read_l1(header)

    def allocated(self, start: int, end: int) -> Iterator[Extent]:
        """What is allocated of guest bytes *start* to *end*, in order.

        One extent per cluster, the first and last cut to the range.
        """
        per_table = self._cluster_size // _ENTRY
        index = start >> self._bits
        stop = -(-end >> self._bits)
        while index < stop:
            table, first = divmod(index, per_table)
            last = min(per_table, first + stop - index)
            if self._l1[table]:
                for extent in self._in_table(table, first, last):
                    yield _cut(extent, start, end)
            index += last - first

    def unpack(self, packed: Packed) -> bytes:
        """The content of a compressed cluster, all of it."""
        stream = zlib.decompressobj(_WINDOW_BITS)
        data = read_up_to(self._file.fileno(), packed.length, packed.offset)
        try:
            content = stream.decompress(data, self._cluster_size)
        except zlib.error as error:
            raise DamagedImage(
                self._name,
                f"compressed cluster at {packed.offset}: {error}",
            ) from error
        if len(content) != self._cluster_size:
            raise DamagedImage(
                self._name,
                f"compressed cluster at {packed.offset} holds"
                f" {len(content)} bytes, not {self._cluster_size}",
            )
        return content

    def _in_table(self, table: int, first: int, last: int) -> Iterator[Extent]:
        """The extents of entries *first* to *last* of one L2 table."""
        start = table << (2 * self._bits - 3)
        while first < last:
            base = first - first % _SLICE_ENTRIES
            stop = min(last, base + _SLICE_ENTRIES)
            entries = self._l2_slice(self._l1[table], base)
            if entries is not None:
                part = entries[first - base : stop - base]
                # Most of them are 0.
                for index in compress(range(first, stop), part):
                    guest = start + (index << self._bits)
                    extent = self._extent(entries[index - base], guest)
                    if extent is not None:
                        yield extent
            first = stop

    def _extent(self, entry: int, start: int) -> Extent | None:
        """What an L2 entry says about the cluster at guest byte *start*."""
        size = self._cluster_size
        if entry & _COMPRESSED:
            packed = self._packed(entry, start)
            return Extent(start, size, Kind.DATA, None, packed)
        offset = entry & _OFFSET
        if entry & self._reserved or offset & (size - 1):
            raise self._damaged(entry, start)
        if entry & _ZERO:
            return Extent(start, size, Kind.ZERO)
        if not offset:
            return None
        if not self._grown_to(offset + 1):
            raise self._damaged(entry, start)
        return Extent(start, size, Kind.DATA, offset)

    def _packed(self, entry: int, start: int) -> Packed:
        descriptor = entry & ~_COMPRESSED
        offset = descriptor & ((1 << self._packed_bits) - 1)
        sectors = (descriptor >> self._packed_bits) + 1
        if entry & _COPIED or not self._grown_to(offset + 1):
            raise self._damaged(entry, start)
        return Packed(offset, sectors * SECTOR - offset % SECTOR)

    def _damaged(self, entry: int, start: int) -> DamagedImage:
        return DamagedImage(
            self._name, f"L2 entry {entry:#018x} for guest byte {start}"
        )

    def _grown_to(self, end: int) -> bool:
        """Whether the file has *end* bytes; one in use may have grown."""
        if end > self._file_size:
            self._file_size = size_of(self._file)
        return end <= self._file_size

    def _l2_slice(self, table: int, base: int) -> array[int] | None:
        """Entries of the L2 table at *table* from *base*; None: all empty."""
        at = table + base * _ENTRY
        if at != self._slice_at:
            length = min(self._cluster_size, _SLICE_ENTRIES * _ENTRY)
            self._slice = self._entries(at, length)
            self._slice_at = at
        return self._slice

    def _entries(self, offset: int, length: int) -> array[int] | None:
        raw = read_up_to(self._file.fileno(), length, offset)
        if len(raw) < length:
            raise DamagedImage(
                self._name, f"ends inside the table at {offset}"
            )
        if raw == bytes(length):
            return None
        entries = array("Q", raw)
        if sys.byteorder == "little":
            entries.byteswap()
        return entries

    def _read_l1(self, header: Header) -> array[int]:
        """The offsets of the L2 tables, 0 where there is none.

        Two entries never share a table. A crafted image whose entries do
        would be as good as endless.
        """
        length = header.l1_entries_used * _ENTRY
        l1 = self._entries(header.l1_table_offset, length)
        if l1 is None:
            return array("Q", bytes(length))
        seen = set()
        for index, entry in enumerate(l1):
            if not entry:
                continue
            offset = entry & _OFFSET
            if (
                entry & _L1_RESERVED
                or offset & (self._cluster_size - 1)
                or not self._grown_to(offset + self._cluster_size)
                or offset in seen
            ):
                raise DamagedImage(
                    self._name, f"L1 entry {index} is {entry:#018x}"
                )
            if offset:
                seen.add(offset)
            l1[index] = offset
        return l1


def _cut(extent: Extent, start: int, end: int) -> Extent:
    """The part of one cluster's extent that is within *start* to *end*."""
    if extent.start >= start and extent.end <= end:
        return extent
    skipped = max(0, start - extent.start)
    return extent._replace(
        start=extent.start + skipped,
        length=min(extent.end, end) - extent.start - skipped,
        offset=None if extent.offset is None else extent.offset + skipped,
    )
