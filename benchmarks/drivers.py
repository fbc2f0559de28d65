# SPDX-License-Identifier: Apache-2.0
"""NfsDriver as it is, NfsDriver migrated, and the reference driver, at work.

Cinder keeps its configuration, locks and database per process, so all three
run in one of Cinder's, by turns, each with a volume of its own of the same
depth, and with the floor's volume beside them.  Measured is the time in the
driver: ``create_snapshot`` and ``delete_snapshot``, or the hooks, without any
manager and without what Nova does meanwhile.  Nova reports at once, so that
nobody waits for it; how long it takes until a report is acted on is measured
by itself.  The base image is raw.

The set-up is that of the kit's tests, which spares Cinder's driver two costs
of a real service: no rootwrap, and no Python interpreter before each
``qemu-img info`` to set limits.

``python -m benchmarks.drivers`` prints the results as JSON.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import warnings
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assisted_kit.adapter import DriverAdapter
from assisted_kit.driver import Hook
from assisted_kit.notifier import Settled
from assisted_kit.process import execute
from benchmarks.floor import FloorVolume
from benchmarks.floor import qemu_img
from benchmarks.hooks_vs_floor import seconds
from benchmarks.in_flight import counted_statements
from benchmarks.service import Service

DEPTHS = (1, 10, 50)
ROUNDS = 3
REPORTS = 5
"""How many reports are measured of each driver."""

NUMBERS = (64, 1000)
"""How many snapshots are to wait; a Cinder answers 64 requests at a time."""
CONTENDERS = ("NfsDriver", "MigratedNfsDriver", "RemoteFSAssistedDriver")
"""What the drivers are called."""
WINDOW = 5.0
"""Seconds in which the statements of those that wait are counted."""
NOVAS_WORK = 0.25
"""Seconds until Nova reports, where the time after that is measured."""
PATIENCE = 60.0

REFERENCE = "RemoteFSAssistedDriver"

METHODS = ("create_snapshot", "delete_snapshot", *Hook)
ROOT = Path(__file__).resolve().parent.parent


def is_installed() -> bool:
    """Whether there is a Cinder to measure."""
    return importlib.util.find_spec("cinder") is not None


def measure(
    depths: tuple[int, ...] = DEPTHS, rounds: int = ROUNDS
) -> list[dict[str, Any]]:
    """One entry for each operation, depth and driver; none without Cinder."""
    if not is_installed():
        return []
    found: list[dict[str, Any]] = _in_cinders_process(
        "operations", ",".join(map(str, depths)), str(rounds)
    )
    return found


def measure_reports(samples: int = REPORTS) -> list[dict[str, Any]]:
    """Milliseconds from a report to the end of the operation, by driver."""
    if not is_installed():
        return []
    found: list[dict[str, Any]] = _in_cinders_process("reports", str(samples))
    return found


def measure_waiting(
    numbers: tuple[int, ...] = NUMBERS, window: float = WINDOW
) -> list[dict[str, Any]]:
    """What snapshots cost that wait for Nova, by number and driver.

    Of memory it is what the process has more, divided by those that wait; of
    threads and statements what there are while nothing happens.  Each has a
    process of its own: what others have freed would be used again.

    :param window: seconds in which statements are counted.
    """
    if not is_installed():
        return []
    return [
        _in_cinders_process("waiting", driver, str(number), str(window))
        for number in numbers
        for driver in CONTENDERS
    ]


def _in_cinders_process(*words: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.drivers", *words],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout)


class Stopwatch:
    """The seconds in a driver's methods, and the processes they start."""

    def __init__(self, driver: Any) -> None:
        self.seconds = 0.0
        self.processes = 0
        self._inside = False
        for name in METHODS:
            if hasattr(driver, name):
                setattr(driver, name, self._measured(getattr(driver, name)))
        sys.addaudithook(self._count)

    def reset(self) -> None:
        """Begin anew."""
        self.seconds, self.processes = 0.0, 0

    def paused(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """``work``, which does not count when a driver calls it."""

        def run(*arguments: Any) -> Any:
            was, self._inside = self._inside, False
            start = time.perf_counter()
            try:
                return work(*arguments)
            finally:
                if was:
                    self.seconds -= time.perf_counter() - start
                self._inside = was

        return run

    def _count(self, event: str, _arguments: tuple[object, ...]) -> None:
        if self._inside and event == "subprocess.Popen":
            self.processes += 1

    def _measured(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*arguments: Any) -> Any:
            self._inside = True
            start = time.perf_counter()
            try:
                return work(*arguments)
            finally:
                self.seconds += time.perf_counter() - start
                self._inside = False

        return measured


class WorkingNova:
    """Merges files by ``qemu-img``, and reports a Juno-era Nova's ``90%``."""

    def __init__(self, share: Path) -> None:
        self._share = share
        self.send: Callable[[Callable[[], None]], object] = _at_once
        """What sends a report; at once, unless something is put here."""
        self.service: Service | None = None

    def create_volume_snapshot(
        self, context: Any, volume_id: str, info: Mapping[str, Any]
    ) -> None:
        """The overlay is on the active image: no guest is to be switched."""
        self._done(info["snapshot_id"], "creating")

    def delete_volume_snapshot(
        self, context: Any, snapshot_id: str, info: Mapping[str, Any]
    ) -> None:
        """Commit an overlay into what is below it."""
        merged, target = info["file_to_merge"], info["merge_target_file"]
        above = next(
            image
            for image in self._share.glob(f"volume-{info['volume_id']}.*-*")
            if f'"{merged}"' in _info(image)
        )
        qemu_img("commit", "-q", "-f", "qcow2", "-d", self._share / merged)
        format_ = "qcow2" if "." in target else "raw"
        words = ("rebase", "-u", "-f", "qcow2", "-b", target, "-F", format_)
        qemu_img(*words, above)
        self._done(snapshot_id, "deleting")

    def _done(self, snapshot_id: str, status: str) -> None:
        service = self.service
        assert service is not None
        report = {"status": status, "progress": "90%"}
        self.send(
            lambda: service.status_api.update_snapshot_status(
                service.context,
                snapshot_id,
                {"os-update_snapshot_status": report},
            )
        )


def _at_once(report: Callable[[], None]) -> None:
    report()


def _info(image: Path) -> str:
    return qemu_img("info", "-U", "-f", "qcow2", "--output=json", image)


class Contender:
    """A driver with its share, its Nova and its manager."""

    def __init__(
        self, directory: Path, adapter: DriverAdapter, database: str
    ) -> None:
        self.name = adapter.driver_class.__name__
        share = directory / self.name
        share.mkdir()
        given = adapter.construct(share, execute=execute)
        driver = getattr(given, "_driver", given)
        self.nova = WorkingNova(adapter.mount_point(given, share).resolve())
        self.watch = Stopwatch(driver)
        for name in ("create_volume_snapshot", "delete_volume_snapshot"):
            pausing = self.watch.paused(getattr(self.nova, name))
            setattr(self.nova, name, pausing)
        if hasattr(driver, "_nova"):
            driver._nova = self.nova
        self.service = Service(
            share, given, database=database, compute=self.nova
        )
        self.nova.service = self.service

    def volume(self, depth: int, *, attached: bool) -> VolumeAtWork:
        """A volume with snapshots."""
        return VolumeAtWork(self, depth, attached)


class VolumeAtWork:
    """A volume that is worked on."""

    def __init__(
        self, contender: Contender, depth: int, attached: bool
    ) -> None:
        self._contender = contender
        self._service = contender.service
        volumes = self._service.manager.volumes
        self._id = volumes.create(1).id
        if attached:
            volumes.attach(
                self._id,
                instance_uuid=str(uuid.uuid4()),
                connector={"host": "compute"},
            )
        self.taken = [self._service.create(self._id) for _ in range(depth)]

    def start(self) -> None:
        """Begin to take a snapshot."""
        self._service.manager.create_snapshot(self._id)

    def create(self) -> None:
        """Take a snapshot."""
        self.taken.append(self._service.create(self._id))

    def delete_newest(self) -> None:
        """Delete the snapshot taken last."""
        self._delete(self.taken.pop())

    def delete_oldest(self) -> None:
        """Delete the snapshot taken first."""
        self._delete(self.taken.pop(0))

    def _delete(self, snapshot_id: str) -> None:
        self._service.delete(snapshot_id)
        status = self._service.database.snapshots.status(snapshot_id)
        assert status == "deleted", status

    def measured(self, operation: str) -> tuple[float, int]:
        """The seconds in the driver for an operation, and its processes."""
        watch = self._contender.watch
        watch.reset()
        seconds(getattr(self, operation.replace(" ", "_")))
        return watch.seconds, watch.processes


DETACHED = ("create", "delete newest", "delete oldest")
# What is pulled into the active image Nova does alone.
ATTACHED = ("create", "delete oldest")


def _operations(
    contenders: Mapping[str, Contender],
    floor_at: Path,
    depth: int,
    rounds: int,
    *,
    attached: bool,
) -> Iterator[dict[str, Any]]:
    volumes = {
        name: contender.volume(depth, attached=attached)
        for name, contender in contenders.items()
    }
    floor = FloorVolume(floor_at, "raw", depth)
    turns: dict[tuple[str, str], list[tuple[float, int, float]]] = {}
    operations = ATTACHED if attached else DETACHED
    for _ in range(rounds):
        for operation in operations:
            took = seconds(getattr(floor, operation.replace(" ", "_")))
            for name, volume in volumes.items():
                turns.setdefault((operation, name), []).append(
                    (*volume.measured(operation), took)
                )
        if not attached:
            # Two were deleted, and one was made.
            floor.create()
            for volume in volumes.values():
                volume.create()
    for operation in operations:
        compared = turns[operation, REFERENCE]
        for name in volumes:
            found = turns[operation, name]
            yield {
                "driver": name,
                "attached": attached,
                "operation": operation,
                "depth": depth,
                "driver_ms": _ms(turn[0] for turn in found),
                "vs_reference": _ratio(
                    (mine[0], theirs[0])
                    for mine, theirs in zip(found, compared, strict=True)
                ),
                # Of an attached volume Nova does the floor's work.
                "vs_floor": None
                if attached
                else _ratio((turn[0], turn[2]) for turn in found),
                "processes": max(turn[1] for turn in found),
            }


def _ms(values: Iterable[float]) -> float:
    return round(statistics.median(values) * 1000, 1)


def _ratio(pairs: Iterable[tuple[float, float]]) -> float:
    return round(statistics.median(one / other for one, other in pairs), 1)


def _reports(contender: Contender, samples: int) -> list[float]:
    """Seconds from a report until the operation is over."""
    sent: list[float] = []
    settled = threading.Event()

    def later(report: Callable[[], None]) -> None:
        def send() -> None:
            sent.append(time.perf_counter())
            report()

        threading.Timer(NOVAS_WORK, send).start()

    def hear(notification: object) -> None:
        if isinstance(notification, Settled):
            settled.set()

    service = contender.service
    volume = contender.volume(0, attached=True)
    contender.nova.send = later
    unsubscribe = service.notifier.subscribe(hear)
    found = []
    for _ in range(samples):
        settled.clear()
        volume.start()
        settled.wait(PATIENCE)
        found.append(time.perf_counter() - sent[-1])
        service.rest()
    unsubscribe()
    contender.nova.send = _at_once
    return found


def _waiting(
    contender: Contender, number: int, window: float
) -> dict[str, Any]:
    """What it costs that snapshots of so many volumes wait for Nova."""
    # Whatever the first one loads is not what it costs to wait.
    contender.volume(0, attached=True).create()
    volumes = [contender.volume(0, attached=True) for _ in range(number)]
    reports: list[Callable[[], None]] = []
    contender.nova.send = reports.append
    service = contender.service
    threads = threading.active_count()
    resident = _resident_kib()
    for volume in volumes:
        volume.start()
    asked = -1
    while asked != len(reports):
        asked = len(reports)
        time.sleep(window)
    with (
        counted_statements(service.engine) as ours,
        _counted_by_cinder() as cinders,
    ):
        time.sleep(window)
    found = {
        "driver": contender.name,
        "requested": number,
        "in_flight": asked,
        "threads": threading.active_count() - threads,
        "queries_per_second": round((len(ours) + len(cinders)) / window, 1),
        "kib_each": round((_resident_kib() - resident) / asked, 1),
    }
    contender.nova.send = _at_once
    for report in reports:
        report()
    service.rest()
    return found


@contextlib.contextmanager
def _counted_by_cinder() -> Iterator[list[str]]:
    from cinder.db import api

    with counted_statements(api.get_engine()) as statements:
        yield statements


def _resident_kib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


@contextlib.contextmanager
def _contenders() -> Iterator[tuple[dict[str, Contender], Path]]:
    """The three drivers, in this process, which is Cinder's from now on."""
    warnings.simplefilter("ignore")
    # Cinder's driver warns of every file that it makes.
    logging.disable(logging.WARNING)
    from assisted_kit.cinder import service
    from assisted_kit.cinder.nfs import NfsAdapter
    from reference_driver.driver import RemoteFSAssistedDriver
    from reference_driver.migrated.drivers import MigratedNfsDriver

    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        state = directory / "cinder"
        state.mkdir()
        database = service.set_up(state)
        adapters = (
            NfsAdapter(),
            NfsAdapter(MigratedNfsDriver),
            DriverAdapter(RemoteFSAssistedDriver),
        )
        found = {}
        for adapter in adapters:
            contender = Contender(directory, adapter, database)
            stack.enter_context(contender.service)
            found[contender.name] = contender
        yield found, directory


def _main(what: str, *words: str) -> None:
    with _contenders() as (contenders, directory):
        found: Any
        match what:
            case "operations":
                depths, rounds = words
                found = [
                    entry
                    for attached in (False, True)
                    for depth in map(int, depths.split(","))
                    for entry in _operations(
                        contenders,
                        directory,
                        depth,
                        int(rounds),
                        attached=attached,
                    )
                ]
            case "reports":
                found = [
                    {
                        "driver": name,
                        "median": _ms(_reports(contender, int(words[0]))),
                        "samples": int(words[0]),
                    }
                    for name, contender in contenders.items()
                ]
            case _:
                name, number, window = words
                found = _waiting(contenders[name], int(number), float(window))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _main(*sys.argv[1:])
