# SPDX-License-Identifier: Apache-2.0
"""Few rows of many in which all the same pairs of values meet.

What goes wrong with two things together is found that way, and hardly
anything goes wrong with three only.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Hashable
from collections.abc import Sequence
from typing import TypeVar

Row = TypeVar("Row", bound=tuple[Hashable, ...])


def pairs(row: tuple[Hashable, ...]) -> list[tuple[Hashable, ...]]:
    """Any two values of a row, with the numbers of their columns."""
    return list(itertools.combinations(enumerate(row), 2))


def pairwise(rows: Sequence[Row]) -> list[Row]:
    """Some of the rows that have every pair of values that all of them have.

    As few as a first fit finds, in their order, and the same ones each time.

    :param rows: every possible one, each of so many values.
    """
    having: dict[tuple[Hashable, ...], list[int]] = {}
    missing: Counter[int] = Counter()
    for number, row in enumerate(rows):
        found = pairs(row)
        missing[number] = len(found)
        for pair in found:
            having.setdefault(pair, []).append(number)
    chosen = []
    while having:
        best = max(range(len(rows)), key=missing.__getitem__)
        chosen.append(best)
        for pair in pairs(rows[best]):
            # Whoever else has it is worth that much less from now on.
            missing.subtract(having.pop(pair, ()))
    return [rows[number] for number in sorted(chosen)]
