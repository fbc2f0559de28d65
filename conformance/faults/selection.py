# SPDX-License-Identifier: Apache-2.0
"""Which rows of the fault matrix a run has, and what each of them claims.

Every rule is verified with everything that goes wrong.  By default a row is
of one rule, so that a run is short; an exhaustive one has them all.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping

from assisted_kit.exhaustive import is_wanted
from conformance.faults import matrix
from conformance.faults.matrix import Combination
from conformance.faults.pairing import pairwise
from conformance.rows import Row
from conformance.rows import row

RULES = ("FLT-001", "FLT-002", "FLT-003", "FLT-004")


def rows(rule: str) -> list[Row]:
    """The rows that verify a rule in this run, each named by its values."""
    return [
        row(*found, name=str(found), one_of=len(_all()))
        for found in selected(exhaustive=is_wanted())[rule]
    ]


@functools.cache
def selected(*, exhaustive: bool) -> Mapping[str, list[Combination]]:
    """The combinations by the rule that they verify."""
    if exhaustive:
        return dict.fromkeys(RULES, _all())
    return spread(pairwise(_all()))


def spread(rows: list[Combination]) -> dict[str, list[Combination]]:
    """A rule for each row: the one that has seen the least of its values.

    What goes wrong counts first, so that every rule sees all of it.
    """
    seen: Counter[tuple[object, str]] = Counter()
    found: dict[str, list[Combination]] = {rule: [] for rule in RULES}
    for each in rows:
        rule = min(
            RULES,
            key=lambda rule: (
                seen[each.wrong, rule],
                sum(seen[value, rule] for value in each),
            ),
        )
        seen.update((value, rule) for value in each)
        found[rule].append(each)
    return found


@functools.cache
def _all() -> list[Combination]:
    return matrix.combinations()
