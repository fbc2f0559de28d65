# SPDX-License-Identifier: Apache-2.0
"""What stops a test on its way to its claim is blamed on whose it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.warm_runs import WarmRuns

NOT_A_WRITE = "qemu-io failed: write failed"
NO_ANSWER = "it ended in NoConnectionInfo: what initialize_connection of"


@pytest.mark.parametrize(
    ("driver", "rule", "expected", "observed"),
    [
        (
            "creates:OneSectorShort",
            "CRE-003",
            "the guest can use its volume",
            NOT_A_WRITE,
        ),
        (
            "connections:StaleConnection",
            "REC-001",
            "taking the volume's snapshots ends in a chain of 2 images or "
            "more",
            "it ended in one of 1\n",
        ),
        (
            "encryption:PlainImages",
            "ENC-006",
            "initialize_connection raises",
            "it names 'V.s1' as 'qcow2'\n",
        ),
    ],
)
def test_what_the_driver_causes_is_a_failure(
    tmp_path: Path,
    warm_runs: WarmRuns,
    driver: str,
    rule: str,
    expected: str,
    observed: str,
) -> None:
    done = warm_runs.run(
        tmp_path, "--driver", f"fakes.broken.{driver}", rules=(rule,)
    )
    assert done.statuses == {rule: "failed"}
    assert f"expected        {expected}\n" in done.output
    assert f"observed        {observed}" in done.output


@pytest.mark.parametrize(
    ("driver", "expected", "observed"),
    [
        (
            "creates:OneSectorShort",
            "the guest can use its volume",
            NOT_A_WRITE,
        ),
        (
            "connections:AnswersWithPath",
            "attaching the volume ends in success",
            NO_ANSWER,
        ),
        (
            "requests:SetsStatus",
            "taking a snapshot s1 ends in available",
            "it ended in error",
        ),
    ],
)
def test_what_a_rule_says_nothing_of_is_no_failure_of_it(
    tmp_path: Path,
    warm_runs: WarmRuns,
    driver: str,
    expected: str,
    observed: str,
) -> None:
    done = warm_runs.run(
        tmp_path, "--driver", f"fakes.broken.{driver}", rules=("DEL-002",)
    )
    assert done.statuses == {"DEL-002": "not arranged"}
    assert done.exit_status == 3
    assert f"expected        to begin with, {expected}\n" in done.output
    assert f"observed        {observed}" in done.output


def test_rules_that_were_not_arranged_are_said_in_a_line(
    tmp_path: Path, warm_runs: WarmRuns
) -> None:
    done = warm_runs.run(
        tmp_path,
        *("--driver", "fakes.broken.requests:SetsStatus"),
        rules=("UPD-001", "DEL-001", "DEL-002"),
    )
    assert done.exit_status == 1
    said = " ".join(done.output.split())
    assert "mend what failed first (DEL-001, DEL-002)" in said
    assert "to begin with" not in done.output
