# SPDX-License-Identifier: Apache-2.0
"""Defects that are on no list are caught, and the text points at the cause."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command_line import assisted_kit_run

DRIVERS = Path(__file__).parent / "drivers"


@pytest.mark.parametrize(
    ("driver", "rule", "hint"),
    [
        pytest.param(
            "WrongFileAtDepthThree",
            "DAT-002",
            "qemu-img commit -f qcow2 -d -b ",
            id="wrong-file-at-depth-three",
        ),
        pytest.param(
            "SecondOverlayOneSectorShort",
            "CRE-001",
            "its virtual size: 1073741312",
            id="one-sector-short",
        ),
        pytest.param(
            "LosesTheOldestRecord",
            "DAT-002",
            "an overlay recorded for snapshot",
            id="lost-record",
        ),
        pytest.param(
            "AttachesTheBaseAgain",
            "DAT-001",
            "chain after     V (raw, active)",
            id="base-attached-again",
        ),
    ],
)
def test_unlisted_defect_is_caught(
    driver: str,
    rule: str,
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(DRIVERS))
    done = assisted_kit_run(
        tmp_path, "--driver", f"unlisted:{driver}", rules=(rule,)
    )
    assert done.exit_status == 1, done.output
    assert done.statuses == {rule: "failed"}
    assert hint in done.output
