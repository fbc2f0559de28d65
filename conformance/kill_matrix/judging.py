# SPDX-License-Identifier: Apache-2.0
"""Putting a broken driver before rules of the suite."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection
from concurrent import futures
from pathlib import Path

from assisted_kit.outcomes import Outcome
from assisted_kit.results import ExitStatus
from conformance import ways
from conformance.kill_matrix.matrix import Ended

_AT_ONCE = 8
"""How many runs of one rule there are at a time: they mostly wait."""

_PATIENCE = 10
"""Seconds, for drivers that never return, or keep others."""

_UNDECIDED = (Outcome.NOT_EXERCISED, Outcome.ERROR)


class NotJudged(Exception):
    """The suite did not run on a driver."""


def judge(
    driver: str,
    rules: Collection[str],
    processes: str,
    patience: int = _PATIENCE,
) -> dict[str, Ended]:
    """How each of these rules ended on a driver, by the rules' ids.

    :param driver: ``module:Class``.
    :param processes: as the command line's ``-n``.
    :param patience: in seconds; what takes longer than that has failed.
    :raises NotJudged: the suite did not run.
    """
    found = _run(driver, sorted(rules), processes, patience)
    left = [rule for rule in sorted(rules) if found[rule].status in _UNDECIDED]
    # Where a hook never returns, that is the end of a run: so that each rule
    # comes to its own end, each has a run of its own.
    with futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        for alone in pool.map(
            lambda rule: _run(driver, [rule], "1", patience), left
        ):
            found |= alone
    return found


def _run(
    driver: str, rules: list[str], processes: str, patience: int
) -> dict[str, Ended]:
    with tempfile.TemporaryDirectory(prefix="assisted-kit.") as directory:
        config = Path(directory, "kit.conf")
        config.write_text(f"[assisted_kit]\npatience = {patience}\n")
        file = Path(directory, "result.json")
        words = [sys.executable, "-P", "-m", "assisted_kit", "run"]
        words += ["--driver", driver, "--config", str(config)]
        words += ["-n", processes, "--json", str(file)]
        words += [word for rule in rules for word in ("--rule", rule)]
        done = subprocess.run(
            words,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (
            ExitStatus.PASSED,
            ExitStatus.FAILED,
            ExitStatus.NOT_RUN,
        ):
            raise NotJudged(f"{driver}: {done.stderr.strip()}")
        result = json.loads(file.read_text())
    return {
        rule["id"]: Ended(
            rule["status"], ways.ways_of(rule.get("failures", ()))
        )
        for rule in result["rules"]
    }
