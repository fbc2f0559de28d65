# SPDX-License-Identifier: Apache-2.0
"""The manager's share: a whole operation, minus what the driver took.

A detached volume of the reference driver, under the volume manager on an
SQLite file with its default synchronous setting.  The share is from the call
that starts the operation until nothing works any more, without the time in
the hooks: rows, claim, two transactions and the threads' changes.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assisted_kit.adapter import DriverConfiguration
from assisted_kit.driver import Hook
from benchmarks.service import Service
from reference_driver.driver import RemoteFSAssistedDriver

DEPTHS = (1, 10, 50, 200)
ROUNDS = 7


class TimedDriver(RemoteFSAssistedDriver):
    """The reference driver, and how long its hooks have taken."""

    seconds = 0.0

    def timed(self) -> TimedDriver:
        """Measure every call of a hook from now on."""
        for hook in Hook:
            setattr(self, hook, self._measuring(getattr(self, hook)))
        return self

    def _measuring(self, work: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def measured(snapshot_ref: Any) -> Any:
            start = time.perf_counter()
            try:
                return work(snapshot_ref)
            finally:
                self.seconds += time.perf_counter() - start

        return measured


def measure(
    depths: tuple[int, ...] = DEPTHS, rounds: int = ROUNDS
) -> list[dict[str, Any]]:
    """One entry for each operation and depth, milliseconds."""
    return [entry for depth in depths for entry in _entries(depth, rounds)]


def _entries(depth: int, rounds: int) -> Iterator[dict[str, Any]]:
    found: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        share = Path(directory, "share")
        share.mkdir()
        driver = TimedDriver(
            DriverConfiguration({"share_directory": share})
        ).timed()
        with Service(Path(directory), driver) as service:
            for operation, *seconds in _turns(service, driver, depth, rounds):
                found.setdefault(operation, []).append(tuple(seconds))
    for operation, taken in found.items():
        yield {
            "operation": operation,
            "depth": depth,
            "manager_ms": _median_ms(whole - hooks for whole, hooks in taken),
            "hooks_ms": _median_ms(hooks for _, hooks in taken),
        }


def _turns(
    service: Service, driver: TimedDriver, depth: int, rounds: int
) -> Iterator[tuple[str, float, float]]:
    """Operations, with the seconds of the whole and of the hooks."""
    volume_id = service.manager.volumes.create(1).id
    taken = [service.create(volume_id) for _ in range(depth)]
    operations: dict[str, Callable[[], object]] = {
        "create": lambda: taken.append(service.create(volume_id)),
        "delete newest": lambda: service.delete(taken.pop()),
        "delete oldest": lambda: service.delete(taken.pop(0)),
    }
    for _ in range(rounds):
        for operation, work in operations.items():
            driver.seconds = 0.0
            start = time.perf_counter()
            work()
            yield operation, time.perf_counter() - start, driver.seconds
        taken.append(service.create(volume_id))


def _median_ms(values: Iterator[float]) -> float:
    return round(statistics.median(values) * 1000, 2)
