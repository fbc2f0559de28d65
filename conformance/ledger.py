# SPDX-License-Identifier: Apache-2.0
"""The ledger: what the guest wrote, byte for byte.

Every sector that is written says where it belongs and in which generation
it was written, so what is read back tells who wrote it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

SECTOR = 512
PIECE = 64 * 1024
MIB = 1024 * 1024

_ZEROS = bytes(PIECE)
_TAG = struct.Struct("<QQ")


def pattern(offset: int, length: int, generation: int) -> bytes:
    """What the guest writes at ``offset`` in a generation."""
    first = offset // SECTOR
    return b"".join(
        _TAG.pack(sector, generation) * (SECTOR // _TAG.size)
        for sector in range(first, first + length // SECTOR)
    )


class Ledger:
    """The content of a volume as its guest knows it.

    Kept in pieces of 64 KiB, of which those that were never written are
    missing and read as zeros.

    :param size: bytes.
    """

    def __init__(
        self, size: int, pieces: dict[int, bytes] | None = None
    ) -> None:
        self.size = size
        self._pieces = dict(pieces or {})

    def copy(self, *, at_least: int = 0) -> Ledger:
        """The content as it is now, to compare a snapshot with.

        :param at_least: bytes that it has, the last of them zeros.
        """
        return Ledger(max(self.size, at_least), self._pieces)

    def write(self, offset: int, data: bytes) -> None:
        """The guest wrote ``data`` at ``offset``."""
        while data:
            index, start = divmod(offset, PIECE)
            part, data = data[: PIECE - start], data[PIECE - start :]
            piece = bytearray(self._pieces.get(index, _ZEROS))
            piece[start : start + len(part)] = part
            self._pieces[index] = bytes(piece)
            offset += len(part)

    def read(self, offset: int, length: int) -> bytes:
        """What is to be read within one piece of 64 KiB."""
        index, start = divmod(offset, PIECE)
        return self._pieces.get(index, _ZEROS)[start : start + length]

    def data(self) -> Iterator[tuple[int, bytes]]:
        """Offset and content of every piece that is not all zeros."""
        for index, piece in sorted(self._pieces.items()):
            if piece != _ZEROS:
                yield index * PIECE, piece

    def write_image(self, path: Path) -> None:
        """Write the content to a sparse raw image."""
        with path.open("wb") as file:
            for offset, piece in self.data():
                file.seek(offset)
                file.write(piece)
            file.truncate(self.size)


def generation_writes(size: int, generation: int) -> list[tuple[int, bytes]]:
    """The writes of one generation: offsets and data.

    A piece that every generation overwrites, one that is its own, one of
    4 KiB amid a cluster that others write to, and the last sectors of the
    volume, which an image that is a little too short does not have.
    """
    places = (
        (MIB, PIECE),
        ((1 + generation) * MIB, PIECE),
        (512 * MIB + generation * 4096, 4096),
        (size - 4096, 4096),
    )
    return [
        (offset, pattern(offset, length, generation))
        for offset, length in places
    ]


def author(sector: bytes, offset: int) -> str:
    """Who wrote a sector, as far as it tells.

    :param offset: where it was read.
    """
    if not any(sector):
        return "zeros"
    number, generation = _TAG.unpack_from(sector)
    if sector != _TAG.pack(number, generation) * (SECTOR // _TAG.size):
        return f"bytes that the guest never wrote ({sector[:8].hex()}...)"
    written = f"what the guest wrote in generation {generation}"
    if number != offset // SECTOR:
        written += f", but at offset {number * SECTOR}"
    return written
