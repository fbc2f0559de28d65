# SPDX-License-Identifier: Apache-2.0
"""A run that is forked is like one that a shell starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import assisted_kit_run
from tests.telling import RULE
from tests.telling import seen
from tests.warm_runs import WarmRuns


def test_a_driver_sees_no_difference(
    tmp_path: Path, warm_runs: WarmRuns
) -> None:
    as_by_a_shell = seen(assisted_kit_run, tmp_path)
    assert seen(warm_runs.run, tmp_path) == as_by_a_shell


def test_each_run_draws_random_numbers_of_its_own(
    tmp_path: Path, warm_runs: WarmRuns
) -> None:
    drawn = set()
    for _ in range(2):
        seen(warm_runs.run, tmp_path)
        drawn.add((tmp_path / "drawn").read_text())
    assert len(drawn) == 2


@pytest.mark.parametrize("driver", ["EndsProcess", "KillsProcess", "Prints"])
def test_it_ends_alike(
    driver: str, tmp_path: Path, warm_runs: WarmRuns
) -> None:
    source = Path(__file__).parent / "drivers" / "troublesome.py"
    (tmp_path / source.name).write_text(source.read_text())
    words = ("--driver", f"troublesome:{driver}")
    done = warm_runs.run(tmp_path, *words, rules=RULE)
    by_a_shell = assisted_kit_run(tmp_path, *words, rules=RULE)
    assert done.exit_status == by_a_shell.exit_status
    assert done.errors == by_a_shell.errors
    assert done.statuses == by_a_shell.statuses
    assert done.result is not None and by_a_shell.result is not None
    assert done.result.get("trouble") == by_a_shell.result.get("trouble")


def test_wrong_usage_is_said(tmp_path: Path, warm_runs: WarmRuns) -> None:
    done = warm_runs.run(tmp_path, "--backend", "one")
    assert done == assisted_kit_run(tmp_path, "--backend", "one")
    assert done.exit_status == 2
