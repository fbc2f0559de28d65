# SPDX-License-Identifier: Apache-2.0
"""Run the programs of findings, in a process of their own: it imports Cinder.

``python -m conformance.cinder_report.programs [NAME ...]`` prints as JSON what
each of them saw go wrong with each driver that it is about.
"""

from __future__ import annotations

import json
import sys
import traceback
import warnings
from typing import TYPE_CHECKING

import tenacity

if TYPE_CHECKING:
    from conformance.cinder_report.finding import Finding

_MISMEASURED = "Unable to get accurate CPU usage"
"""What QEMU says, now and then on a busy host, when it makes a LUKS image."""


def run(names: list[str]) -> dict[str, dict[str, str | None]]:
    """Run programs; what each saw go wrong by driver, None for nothing.

    :param names: of findings; all of them if there is none.
    :raises KeyError: there is no such finding.
    """
    from conformance.cinder_report.bench import Bench
    from conformance.cinder_report.findings import ALL

    def seen_by(finding: Finding, driver: str) -> str | None:
        bench = Bench(driver)
        try:
            return finding.program(bench)
        except Exception as error:
            if _MISMEASURED in str(error):
                raise
            return f"it does not run: {traceback.format_exc()}"
        finally:
            bench.close()

    by_name = {finding.name: finding for finding in ALL}
    again = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(5), reraise=True
    )
    return {
        name: {
            driver: again(seen_by, by_name[name], driver)
            for driver in by_name[name].drivers
        }
        for name in names or by_name
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    json.dump(run(sys.argv[1:]), sys.stdout, indent=1)
