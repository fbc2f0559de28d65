# SPDX-License-Identifier: Apache-2.0
"""Thousands of snapshots that wait in one manager, and what they cost.

The snapshots are put into the database as a process that died left them, in
phase ``compute``; the manager under test takes them over, and they wait for
reports.  Statements are counted while virtual time passes until just before
the deadline.  Bytes are Python's allocations that stay, by ``tracemalloc``.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from assisted_kit.db import rows
from assisted_kit.db import snapshot_values
from assisted_kit.manager.database_errors import RETRY_AFTER
from assisted_kit.timeouts import Timeouts
from benchmarks.service import Service
from benchmarks.waiting_driver import WaitingDriver

NUMBERS = (1000, 10000)
SAMPLE = 200


def measure(
    numbers: tuple[int, ...] = NUMBERS, sample: int = SAMPLE
) -> list[dict[str, Any]]:
    """One entry for each number of snapshots in flight."""
    return [_entry(number, sample) for number in numbers]


def _entry(number: int, sample: int) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory() as directory,
        Service(Path(directory), WaitingDriver()) as service,
    ):
        deadline = service.clock.now() + Timeouts().create
        waiting = put_in_flight(service, number)
        threads = threading.active_count()
        gc.collect()
        tracemalloc.start()
        service.manager.recover()
        service.rest()
        # Whoever met a locked database tries again after a while.
        while len(service.database.claims.owners()) < number:
            service.clock.advance(RETRY_AFTER)
            service.rest()
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        threads = threading.active_count() - threads
        interval = deadline - service.clock.now() - 1
        with counted_statements(service.engine) as statements:
            service.clock.advance(interval)
            service.rest()
        sampled = waiting[:: max(1, number // sample)]
        taken = [_completion_ms(service, each) for each in sampled]
    return {
        "in_flight": number,
        "threads": threads,
        "queries_per_second": len(statements) / interval,
        "bytes_each": round(held / number),
        "completion_ms": round(statistics.median(taken), 2),
    }


def put_in_flight(service: Service, number: int) -> list[str]:
    """Snapshots, each of a volume of its own, that wait for a report.

    :returns: their ids.
    """
    volumes = [f"00000001-0000-4000-8000-{n:012d}" for n in range(number)]
    snapshots = [f"00000002-0000-4000-8000-{n:012d}" for n in range(number)]
    pairs = {
        snapshot_values.PHASE: "compute",
        snapshot_values.ATTEMPT: "1",
        snapshot_values.DEADLINE: repr(
            service.clock.now() + Timeouts().create
        ),
    }
    both = list(zip(snapshots, volumes, strict=True))
    with service.engine.begin() as connection:
        _insert(
            connection,
            rows.VOLUMES,
            [
                {
                    "id": volume_id,
                    "size": 1,
                    "status": "available",
                    "attach_status": "detached",
                    "host": service.manager.host,
                    "volume_type_id": "type",
                }
                for volume_id in volumes
            ],
        )
        _insert(
            connection,
            rows.SNAPSHOTS,
            [
                {
                    "id": snapshot_id,
                    "volume_id": volume_id,
                    "status": "creating",
                    "progress": "0%",
                    "volume_type_id": "type",
                }
                for snapshot_id, volume_id in both
            ],
        )
        _insert(
            connection,
            rows.SNAPSHOT_ADMIN_METADATA,
            [
                {
                    "snapshot_id": snapshot_id,
                    "volume_id": volume_id,
                    "key": key,
                    "value": value,
                }
                for snapshot_id, volume_id in both
                for key, value in pairs.items()
            ],
        )
    return snapshots


def _insert(
    connection: sa.Connection, table: sa.Table, values: list[dict[str, Any]]
) -> None:
    live = [{**row, "deleted": False} for row in values]
    connection.execute(sa.insert(table), live)


@contextmanager
def counted_statements(engine: sa.Engine) -> Iterator[list[str]]:
    """Every SQL statement that is executed meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def _completion_ms(service: Service, snapshot_id: str) -> float:
    start = time.perf_counter()
    service.report_done(snapshot_id)
    service.rest()
    taken = time.perf_counter() - start
    status = service.database.snapshots.status(snapshot_id)
    assert status == "available", status
    return taken * 1000
