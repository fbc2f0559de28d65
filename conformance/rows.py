# SPDX-License-Identifier: Apache-2.0
"""Named rows of data for ddt, and what each of them requires."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from typing import TypeVar

import ddt

from assisted_kit.capabilities import Capability

BASES = ("raw", "qcow2")
GUESTS = ("detached", "attached")

REQUIRED_BY: dict[object, Capability] = {
    "raw": Capability.raw_base,
    "qcow2": Capability.qcow2_base,
}
"""Values in a row that only some drivers have a use for."""

REQUIRES = "required_capabilities"
"""The attribute that says what a class, a test or a row requires."""

Test = TypeVar("Test")


class Row(tuple[Any, ...]):
    """A row whose test is named by its values."""

    __name__: str
    requires: frozenset[Capability]
    one_of: int
    """Of how many a run may have; 0: it always has them all."""


class Combination(NamedTuple):
    """A row of a test of which a run may leave others out."""

    row: tuple[Any, ...]
    one_of: int
    """How many there are."""


def row(
    *values: object,
    name: str = "",
    requires: Iterable[Capability] = (),
    one_of: int = 0,
) -> Row:
    """One row, named by its values unless a name is given.

    :param requires: what it needs of the driver beyond its values.
    :param one_of: how many there are, of which a run may leave some out.
    """
    made = Row(values)
    made.__name__ = (name or "_".join(str(v) for v in values)).replace(
        " ", "_"
    )
    made.requires = frozenset(requires).union(*map(required_by, values))
    made.one_of = one_of
    return made


def crossed(*columns: Iterable[object]) -> list[Row]:
    """Every combination of the columns' values."""
    return [row(*values) for values in itertools.product(*columns)]


def paired(*columns: Sequence[object]) -> list[Row]:
    """Rows in which any two values of different columns meet once.

    As few as a first fit finds: for what goes wrong with two things
    together, and hardly ever with three.
    """
    missing = {
        pair
        for one, other in itertools.combinations(range(len(columns)), 2)
        for pair in itertools.product(
            ((one, value) for value in columns[one]),
            ((other, value) for value in columns[other]),
        )
    }
    chosen = []
    rows = list(itertools.product(*columns))
    while missing:
        best = max(rows, key=lambda values: len(_pairs(values) & missing))
        missing -= _pairs(best)
        chosen.append(best)
    return [row(*values) for values in rows if values in chosen]


def _pairs(values: tuple[object, ...]) -> set[tuple[Any, Any]]:
    return set(itertools.combinations(enumerate(values), 2))


def required_by(value: object) -> frozenset[Capability]:
    """What a row, or a single value of one, requires."""
    if isinstance(value, Row):
        return value.requires
    if isinstance(value, str) and value in REQUIRED_BY:
        return frozenset({REQUIRED_BY[value]})
    return frozenset()


def requires(*needed: Capability) -> Any:
    """Say what a class of tests, or a single test, requires."""

    def mark(test: Test) -> Test:
        before: frozenset[Capability] = getattr(test, REQUIRES, frozenset())
        setattr(test, REQUIRES, before.union(needed))
        return test

    return mark


def expanded(cls: type[Any]) -> type[Any]:
    """Make a test of each row, as ``ddt.ddt`` does, with its requirements.

    :param cls: a class of tests with ``ddt.data``.
    """
    rows = {
        name: getattr(test, ddt.DATA_ATTR)
        for name, test in vars(cls).items()
        if hasattr(test, ddt.DATA_ATTR)
    }
    ddt.ddt(cls)
    for name, values in rows.items():
        digits = len(str(len(values)))
        for index, value in enumerate(values):
            named = ddt.mk_test_name(
                name, getattr(value, "__name__", value), index, digits
            )
            test = requires(*required_by(value))(getattr(cls, named))
            if getattr(value, "one_of", 0):
                test.assisted_combination = Combination(value, value.one_of)
    return cls
