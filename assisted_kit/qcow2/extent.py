# SPDX-License-Identifier: Apache-2.0
"""A range of the guest's disk that an image file has something to say on."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from collections.abc import Iterator
from typing import NamedTuple


class Kind(enum.Enum):
    """What the guest reads there."""

    DATA = "data"
    ZERO = "zero"  # zeros, whatever the backing file holds


class Packed(NamedTuple):
    """Where the compressed bytes of one cluster are in the file."""

    offset: int
    length: int  # at most; the stream may end before


class Extent(NamedTuple):
    """An allocated range; all numbers are bytes.

    Only plain data has an *offset* in the file, only a compressed cluster
    is *packed*.
    """

    start: int
    length: int
    kind: Kind
    offset: int | None = None
    packed: Packed | None = None

    @property
    def end(self) -> int:
        """The first guest byte after it."""
        return self.start + self.length


def merged(extents: Iterable[Extent]) -> Iterator[Extent]:
    """Join neighbours that can be read as one.

    Data joins only where it is in one piece in the file too. Compressed
    clusters stay single.
    """
    last: Extent | None = None
    for extent in extents:
        if last is None:
            last = extent
        elif _continues(last, extent):
            last = last._replace(length=last.length + extent.length)
        else:
            yield last
            last = extent
    if last is not None:
        yield last


def _continues(one: Extent, other: Extent) -> bool:
    if other.start != one.end or other.kind is not one.kind:
        return False
    if one.kind is Kind.ZERO:
        return True
    if one.offset is None or other.offset is None:
        return False
    return other.offset == one.offset + one.length
