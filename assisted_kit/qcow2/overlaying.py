# SPDX-License-Identifier: Apache-2.0
"""Which image of a chain answers for which part of the disk."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from assisted_kit.qcow2.extent import Extent
from assisted_kit.qcow2.layer import Layer


class _Search:
    """The look for guest bytes *at* to *end* in one layer and those below."""

    __slots__ = ("at", "end", "extents", "found", "layer")

    def __init__(
        self, layers: Sequence[Layer], layer: int, at: int, end: int
    ) -> None:
        self.layer = layer
        self.at = at
        self.end = end
        self.extents = layers[layer].extents(at, end)
        self.found: Extent | None = None


def overlaid(
    layers: Sequence[Layer], start: int, end: int
) -> Iterator[tuple[Extent, int]]:
    """What the guest sees from *start* to *end*, each with its layer's index.

    In guest order and without overlap. What is missing is allocated
    nowhere. What a layer leaves out is looked for in the next one, but not
    beyond that one's virtual size: there it reads as zeros, even if a still
    lower layer is longer.

    The depth of the chain is a matter of the share, hence no recursion.
    """
    searches = [_Search(layers, 0, start, end)]
    while searches:
        search = searches[-1]
        if search.found is not None:
            yield search.found, search.layer
            search.at = search.found.end
        search.found = next(search.extents, None)
        gap = search.at, search.end
        if search.found is None:
            searches.pop()
        else:
            gap = search.at, search.found.start
        below = search.layer + 1
        if below < len(layers):
            stop = min(gap[1], layers[below].virtual_size)
            if gap[0] < stop:
                searches.append(_Search(layers, below, gap[0], stop))
