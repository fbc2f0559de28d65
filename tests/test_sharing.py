# SPDX-License-Identifier: Apache-2.0
"""Tests are taken in turn, so that all processes end at one time."""

from __future__ import annotations

import dataclasses
import fcntl
import itertools
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

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


def test_long_tests_come_first_and_order_is_kept() -> None:
    numbers = [item.number for item in sharing.in_order(ITEMS)]
    others = [n for n in range(100) if n not in (3, 40)]
    assert numbers == [3, 40, *others]


def test_each_turn_is_one_process_own(tmp_path: Path) -> None:
    file = tmp_path / "turns"
    with ProcessPoolExecutor(4) as pool:
        taken = [*pool.map(take, [file] * 4, [50] * 4)]
    assert sorted(itertools.chain(*taken)) == list(range(200))


def take(file: Path, number: int) -> list[int]:
    turns = sharing.Turns(file)
    return [turns.take() for _ in range(number)]


def test_who_dies_holds_nobody_up(tmp_path: Path) -> None:
    file = tmp_path / "turns"
    pid = os.fork()
    if pid == 0:
        turns = sharing.Turns(file)
        fcntl.flock(turns._file, fcntl.LOCK_EX)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert sharing.Turns(file).take() == 0


def test_tests_of_others_are_left_where_they_are() -> None:
    assert sharing.length(Item(1, MachineTest)) == 1
    assert sharing.length(Item(1, OF_THE_SUITE)) > 1


def test_the_long_ones_are_tests_of_the_suite() -> None:
    names = {cls.__name__ for cls in suite.classes()}
    assert sharing._LENGTHS.keys() <= names
