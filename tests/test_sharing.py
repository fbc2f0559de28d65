# SPDX-License-Identifier: Apache-2.0
"""Tests are shared out so that all processes end at one time."""

from __future__ import annotations

import dataclasses

from assisted_kit import sharing
from conformance import suite


@dataclasses.dataclass(frozen=True)
class Item:
    number: int
    cls: type | None


class MachineTest:
    """Is named as one that takes long, and is none of the suite's."""


OF_THE_SUITE = type("MachineTest", (), {"__module__": "conformance.of_it"})

ITEMS = [Item(n, OF_THE_SUITE if n in (3, 40) else None) for n in range(100)]


def test_each_test_has_one_place() -> None:
    shares = sharing.shares(ITEMS, 3)
    assert len(shares) == 3
    together = [item for share in shares for item in share]
    assert sorted(together, key=lambda item: item.number) == ITEMS


def test_order_is_kept() -> None:
    for share in sharing.shares(ITEMS, 3):
        assert share == sorted(share, key=lambda item: item.number)


def test_long_tests_are_far_apart_and_weigh() -> None:
    shares = sharing.shares(ITEMS, 3)
    loads = [sum(map(sharing.length, share)) for share in shares]
    assert max(loads) - min(loads) <= 1
    assert sorted(map(len, shares)) == [18, 18, 64]


def test_tests_of_others_are_left_where_they_are() -> None:
    assert sharing.length(Item(1, MachineTest)) == 1
    assert sharing.length(Item(1, OF_THE_SUITE)) > 1


def test_one_process_has_everything() -> None:
    assert sharing.shares(ITEMS, 1) == [ITEMS]


def test_the_long_ones_are_tests_of_the_suite() -> None:
    names = {cls.__name__ for cls in suite.classes()}
    assert sharing._LENGTHS.keys() <= names
