# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's own NfsDriver at the operations that the hooks are measured at.

It keeps its configuration, locks and database per process, so it runs in one
of its own, where its turns alternate with the floor's.  Measured are the
driver's ``create_snapshot`` and ``delete_snapshot``, without any manager.
The set-up is that of the kit's tests, which spares it two costs of a real
service: no rootwrap, and no Python interpreter before each ``qemu-img info``
to set limits.  The base image is raw.

``python -m benchmarks.cinder_driver`` prints the entries as JSON.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.floor import FloorVolume
from benchmarks.hooks_vs_floor import seconds
from benchmarks.service import Service

DEPTHS = (1, 10, 50)
ROUNDS = 3

ROOT = Path(__file__).resolve().parent.parent


def is_installed() -> bool:
    """Whether there is a Cinder to measure."""
    return importlib.util.find_spec("cinder") is not None


def measure(
    depths: tuple[int, ...] = DEPTHS, rounds: int = ROUNDS
) -> list[dict[str, Any]]:
    """One entry for each operation and depth; none without Cinder."""
    if not is_installed():
        return []
    words = [",".join(map(str, depths)), str(rounds)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cinder_driver", *words],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


class Measured:
    """What the driver's calls take, and the processes that they start."""

    def __init__(self, driver: Any) -> None:
        self.seconds = 0.0
        self.processes = 0
        self._inside = False
        for name in ("create_snapshot", "delete_snapshot"):
            setattr(driver, name, self._measuring(getattr(driver, name)))
        sys.addaudithook(self._count)

    def reset(self) -> None:
        """Begin anew."""
        self.seconds, self.processes = 0.0, 0

    def _count(self, event: str, _arguments: tuple[object, ...]) -> None:
        if self._inside and event == "subprocess.Popen":
            self.processes += 1

    def _measuring(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*arguments: Any) -> Any:
            self._inside = True
            start = time.perf_counter()
            try:
                return work(*arguments)
            finally:
                self.seconds += time.perf_counter() - start
                self._inside = False

        return measured


def _entries(
    adapter: Any, database: str, depth: int, rounds: int
) -> Iterator[dict[str, Any]]:
    found: dict[str, list[tuple[float, float, int]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        share = Path(directory, "share")
        share.mkdir()
        driver = adapter.construct(share)
        measured = Measured(driver)
        with Service(Path(directory), driver, database=database) as service:
            floor = FloorVolume(Path(directory), "raw", depth)
            for operation, turn in _turns(
                service, measured, floor, depth, rounds
            ):
                found.setdefault(operation, []).append(turn)
    for operation, turns in found.items():
        yield {
            "operation": operation,
            "depth": depth,
            "base": "raw",
            "ratio": round(statistics.median(t[0] / t[1] for t in turns), 1),
            "processes": max(turn[2] for turn in turns),
            "driver_ms": round(
                statistics.median(turn[0] for turn in turns) * 1000, 1
            ),
        }


def _turns(
    service: Service,
    measured: Measured,
    floor: FloorVolume,
    depth: int,
    rounds: int,
) -> Iterator[tuple[str, tuple[float, float, int]]]:
    volume_id = service.manager.volumes.create(1).id
    taken = [service.create(volume_id) for _ in range(depth)]
    operations: dict[str, tuple[Callable[[], object], Callable[[], None]]] = {
        "create": (
            lambda: taken.append(service.create(volume_id)),
            floor.create,
        ),
        "delete newest": (
            lambda: service.delete(taken.pop()),
            floor.delete_newest,
        ),
        "delete oldest": (
            lambda: service.delete(taken.pop(0)),
            floor.delete_oldest,
        ),
    }
    for _ in range(rounds):
        for operation, (by_driver, by_hand) in operations.items():
            measured.reset()
            by_driver()
            turn = measured.seconds, seconds(by_hand), measured.processes
            yield operation, turn
        taken.append(service.create(volume_id))
        floor.create()


def _main(depths: str, rounds: str) -> None:
    warnings.simplefilter("ignore")
    # The driver warns of every file that it makes.
    logging.disable(logging.WARNING)
    # Only here: it is Cinder's process from then on.
    from assisted_kit.cinder.nfs import NfsAdapter
    from tests import cinder_nfs

    with tempfile.TemporaryDirectory() as directory:
        database = cinder_nfs.set_up(Path(directory))
        adapter = NfsAdapter()
        found = [
            entry
            for depth in depths.split(",")
            for entry in _entries(adapter, database, int(depth), int(rounds))
        ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _main(*sys.argv[1:])
