# SPDX-License-Identifier: Apache-2.0
"""What stops a test on its way to its claim is blamed on whose it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import assisted_kit_run


@pytest.mark.parametrize(
    ("driver", "rule", "expected", "observed"),
    [
        (
            "creates:OneSectorShort",
            "DEL-002",
            "the guest can use its volume",
            "qemu-io failed with exit status 1: write failed",
        ),
        (
            "connections:AnswersWithPath",
            "DEL-002",
            "attaching the volume ends in success",
            "it ended in NoConnectionInfo: what initialize_connection of",
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
    tmp_path: Path, driver: str, rule: str, expected: str, observed: str
) -> None:
    done = assisted_kit_run(
        tmp_path, "--driver", f"fakes.broken.{driver}", rules=(rule,)
    )
    assert done.statuses == {rule: "failed"}
    assert f"expected        {expected}\n" in done.output
    assert f"observed        {observed}" in done.output
