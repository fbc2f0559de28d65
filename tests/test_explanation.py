# SPDX-License-Identifier: Apache-2.0
"""What stops a test on its way to its claim is blamed on whose it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import assisted_kit_run


@pytest.mark.parametrize(
    ("driver", "expected", "observed"),
    [
        (
            "creates:OneSectorShort",
            "the guest can use its volume",
            "qemu-io failed with exit status 1: write failed",
        ),
        (
            "connections:AnswersWithPath",
            "attaching the volume ends in success",
            "it ended in NoConnectionInfo: what initialize_connection of",
        ),
    ],
)
def test_what_the_driver_causes_is_a_failure(
    tmp_path: Path, driver: str, expected: str, observed: str
) -> None:
    done = assisted_kit_run(
        tmp_path, "--driver", f"fakes.broken.{driver}", rules=("DEL-002",)
    )
    assert done.statuses == {"DEL-002": "failed"}
    assert f"expected        {expected}\n" in done.output
    assert f"observed        {observed}" in done.output
