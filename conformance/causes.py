# SPDX-License-Identifier: Apache-2.0
"""What may be wrong with a driver: defects that fail in the same way.

The broken drivers that prove the suite are a list of the field's defects,
each with the rules that it names; the kill matrix has what they fail besides,
and in which ways.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assisted_kit.rules import Rule
from conformance.ways import Likeness
from conformance.ways import likeness

if TYPE_CHECKING:
    from conformance.kill_matrix.matrix import Matrix
    from fakes.broken import BrokenDriver

MOST = 5
"""Defects that are named at most."""

_FAILING = {
    Likeness.RAISED: "in the same way",
    Likeness.OBSERVED: "in the same way, though the hooks raise otherwise",
    Likeness.CLAIM: "in the same test, with something else observed",
    Likeness.ELSEWHERE: "in the same way in another test of the rule",
    Likeness.TEST: "in the same test, by another claim",
    Likeness.RULE: "only the same rule, in other tests: a mere hint",
}
"""How a driver fails that is so much like another one."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A defect that may be the cause of a failure."""

    defect: str
    """A sentence with its sources."""
    likeness: Likeness
    """Of how the driver fails that has this defect."""
    shared: int
    """How many broken drivers fail as much like this one."""

    @property
    def failing(self) -> str:
        """How the driver fails that has this defect, and how many do so.

        What many fail alike says little of any of them.
        """
        drivers = "driver fails" if self.shared == 1 else "drivers fail"
        return f"{self.shared} broken {drivers} {_FAILING[self.likeness]}"


def likely(
    rule: Rule, way: str = "", matrix: Matrix | None = None
) -> list[Cause]:
    """Defects that fail a rule, those first that fail it most alike.

    Of these, those that name it, and of those the ones that fail few other
    rules: where this rule is all that fails, they are what it is for.

    :param way: in which it has failed; where that is not known, it is like
        no other.
    :param matrix: which has the ways of the broken drivers; the kit's own
        unless it is given.
    """
    # Only a driver that fails has need of all these classes.
    from conformance.kill_matrix.matrix import Matrix
    from conformance.kill_matrix.matrix import Row
    from fakes.broken import BROKEN

    rows = (matrix or Matrix.load()).rows

    def row(broken: BrokenDriver) -> Row:
        return rows.get(broken.name, Row())

    def failed(broken: BrokenDriver) -> set[str]:
        return {*broken.rules, *row(broken).failed}

    alike = {
        broken: likeness(way, row(broken).ways.get(rule.id, ()))
        for broken in BROKEN
        if rule.id in failed(broken)
    }
    known = sorted(
        alike,
        key=lambda b: (-alike[b], rule.id not in b.rules, len(failed(b))),
    )
    shared = list(alike.values())
    return [
        Cause(_sentence(broken), alike[broken], shared.count(alike[broken]))
        for broken in known[:MOST]
    ]


def listed(causes: Sequence[Cause]) -> list[str]:
    """The lines that tell of causes, under how their drivers fail."""
    return [
        line
        for failing, some in itertools.groupby(causes, lambda c: c.failing)
        for line in (f"{failing}:", *(f"  {c.defect}" for c in some))
    ]


def _sentence(broken: BrokenDriver) -> str:
    where = ", ".join((_name(broken.driver), *broken.sources))
    return f"{defect_of(broken.driver)} ({where})"


def defect_of(driver: type) -> str:
    """What is wrong with a broken driver, as a sentence without its dot."""
    first, *_ = (inspect.getdoc(driver) or "").split("\n\n")
    return " ".join(first.split()).rstrip(".")


def _name(driver: type) -> str:
    return f"{driver.__module__.rpartition('.')[2]}.{driver.__name__}"
