# SPDX-License-Identifier: Apache-2.0
"""From a report to *complete*: what Cinder's poll loop takes seconds for.

From entry to the status API's logic to entry of the hook: the report is
parsed, checked and stored with the change of phase in one transaction, the
manager is told, and one of its threads reads the snapshot and calls the
driver.  The database is an SQLite file with its default synchronous setting.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.service import Service
from benchmarks.waiting_driver import WaitingDriver

SAMPLES = 300


def measure(samples: int = SAMPLES) -> dict[str, Any]:
    """Milliseconds: median, the slowest of ten, and of a hundred."""
    driver = WaitingDriver()
    with (
        tempfile.TemporaryDirectory() as directory,
        Service(Path(directory), driver) as service,
    ):
        taken = [_once(service, driver) * 1000 for _ in range(samples)]
    hundredths = statistics.quantiles(taken, n=100, method="inclusive")
    return {
        "median": round(statistics.median(taken), 2),
        "p90": round(hundredths[89], 2),
        "p99": round(hundredths[98], 2),
        "samples": samples,
    }


def _once(service: Service, driver: WaitingDriver) -> float:
    volume_id = service.manager.volumes.create(1).id
    snapshot_id = service.create(volume_id, expect="creating")
    start = time.perf_counter()
    service.report_done(snapshot_id)
    service.rest()
    return driver.completed - start
