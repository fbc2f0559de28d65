# SPDX-License-Identifier: Apache-2.0
"""Run the benchmarks, print their tables and write them as JSON.

python -m benchmarks [--only NAME]... [--json FILE] [--rst FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import drivers
from benchmarks import hooks_vs_floor
from benchmarks import in_flight
from benchmarks import manager_share
from benchmarks import report_to_complete
from benchmarks import suite
from benchmarks import tables

# The suite comes first: a host that lends its processors to others may be
# slower after ten minutes of the rest, which are ratios for the most part.
BENCHMARKS: Mapping[str, Callable[[], Any]] = {
    "suite": suite.measure,
    "hooks_vs_floor": hooks_vs_floor.measure,
    "manager_share": manager_share.measure,
    "drivers": drivers.measure,
    "drivers_report_ms": drivers.measure_reports,
    "drivers_waiting": drivers.measure_waiting,
    "report_to_complete_ms": report_to_complete.measure,
    "in_flight": in_flight.measure,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what was asked for, everything by default."""
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description="Measure the kit's speed, as ratios within one run.",
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        choices=list(BENCHMARKS),
        help="one of: %(choices)s; may be repeated",
    )
    parser.add_argument("--json", metavar="FILE", type=Path)
    parser.add_argument(
        "--rst", metavar="FILE", type=Path, help="tables for docs/speed.rst"
    )
    options = parser.parse_args(arguments)
    results = {}
    for name, measure in BENCHMARKS.items():
        if options.only and name not in options.only:
            continue
        results[name] = measure()
        sys.stdout.write(tables.as_text({name: results[name]}) + "\n\n")
        sys.stdout.flush()
    if options.json is not None:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    if options.rst is not None:
        options.rst.write_text(tables.as_rst(results))


if __name__ == "__main__":
    main()
