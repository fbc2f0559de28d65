# SPDX-License-Identifier: Apache-2.0
"""Run the programs of findings, in a process of their own: it imports Cinder.

``python -m conformance.cinder_report.programs [NAME ...]`` prints as JSON what
each of them saw go wrong.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings


def run(names: list[str]) -> dict[str, str | None]:
    """Run programs; what each of them saw go wrong, None for nothing.

    :param names: of findings; all of them if there is none.
    :raises KeyError: there is no such finding.
    """
    from conformance.cinder_report.bench import Bench
    from conformance.cinder_report.findings import ALL

    by_name = {finding.name: finding for finding in ALL}
    seen: dict[str, str | None] = {}
    for name in names or by_name:
        finding = by_name[name]
        bench = Bench(finding.drivers[0])
        try:
            seen[name] = finding.program(bench)
        except Exception:
            seen[name] = f"it does not run: {traceback.format_exc()}"
        finally:
            bench.close()
    return seen


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    json.dump(run(sys.argv[1:]), sys.stdout, indent=1)
