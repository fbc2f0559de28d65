# SPDX-License-Identifier: Apache-2.0
"""The reference driver's hooks against the fewest ``qemu-img`` commands.

Hooks alone: begin and complete, their fsyncs and resource limits included,
without manager and database.  Hooks and floor work on a volume each, of the
same depth on the same directory, in turns, so that they share the machine's
moods; the ratio is the median of the turns'.  Before each, all is on disk: the
floor syncs nothing, and the next sync would pay for what it has left.  Garbage
is not collected in between: the heap is full of what the measurement needs.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from typing import NamedTuple

from benchmarks.floor import FloorVolume
from tests.hooks_alone import DetachedVolume

DEPTHS = (1, 10, 50, 200)
BASES = ("raw", "qcow2")
ROUNDS = 25


class Turn(NamedTuple):
    """One operation, once by the hooks and once by hand."""

    hooks: float
    """Seconds."""
    floor: float
    """Seconds."""
    processes: int
    """Started by the hooks."""

    @property
    def ratio(self) -> float:
        """How many times the floor's time the hooks take."""
        return self.hooks / self.floor


class HooksVolume(DetachedVolume):
    """A volume that the hooks work on, and how long they take for it."""

    def __init__(self, share: Path, base: str, depth: int) -> None:
        super().__init__(share, qcow2=base == "qcow2")
        self.taken = [self.take() for _ in range(depth)]

    def create(self) -> None:
        """Take a snapshot."""
        self.taken.append(self.take())

    def delete_newest(self) -> None:
        """Delete the snapshot taken last."""
        self.delete(self.taken.pop())

    def delete_oldest(self) -> None:
        """Delete the snapshot taken first."""
        self.delete(self.taken.pop(0))

    def measured(self, work: Callable[[], None]) -> tuple[float, int]:
        """The seconds that hooks take for ``work``, and the processes."""
        self.hook_seconds = 0.0
        self.commands.clear()
        os.sync()
        # As timeit does: what else is on the heap is not the driver's.
        gc.disable()
        try:
            work()
        finally:
            gc.enable()
        return self.hook_seconds, len(self.commands)


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes."""
    os.sync()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def turns(
    hooks: HooksVolume, floor: FloorVolume, rounds: int
) -> Iterator[tuple[str, Turn]]:
    """Each operation ``rounds`` times; the depth is the same again after."""
    operations = {
        "create": (hooks.create, floor.create),
        "delete newest": (hooks.delete_newest, floor.delete_newest),
        "delete oldest": (hooks.delete_oldest, floor.delete_oldest),
    }
    for number in range(rounds):
        for operation, (by_hooks, by_hand) in operations.items():
            # Whoever comes second finds the machine as the first left it.
            if number % 2:
                by_hand_took = seconds(by_hand)
                took, processes = hooks.measured(by_hooks)
            else:
                took, processes = hooks.measured(by_hooks)
                by_hand_took = seconds(by_hand)
            yield operation, Turn(took, by_hand_took, processes)
        hooks.create()
        floor.create()


def measure(
    depths: tuple[int, ...] = DEPTHS,
    bases: tuple[str, ...] = BASES,
    rounds: int = ROUNDS,
) -> list[dict[str, Any]]:
    """One entry for each operation, depth and format of the base image."""
    return [
        entry
        for base in bases
        for depth in depths
        for entry in _entries(base, depth, rounds)
    ]


def _entries(base: str, depth: int, rounds: int) -> Iterator[dict[str, Any]]:
    found: dict[str, list[Turn]] = {}
    with tempfile.TemporaryDirectory() as directory:
        share = Path(directory)
        hooks = HooksVolume(share, base, depth)
        floor = FloorVolume(share, base, depth)
        for operation, turn in turns(hooks, floor, rounds):
            found.setdefault(operation, []).append(turn)
    for operation, taken in found.items():
        yield {
            "operation": operation,
            "depth": depth,
            "base": base,
            "ratio": round(statistics.median(t.ratio for t in taken), 2),
            "processes": max(turn.processes for turn in taken),
            "hooks_ms": _median_ms(turn.hooks for turn in taken),
            "floor_ms": _median_ms(turn.floor for turn in taken),
        }


def _median_ms(values: Iterator[float]) -> float:
    return round(statistics.median(values) * 1000, 2)
