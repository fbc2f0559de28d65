# SPDX-License-Identifier: Apache-2.0
"""The suite is fair: drivers that do it differently pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.good import GOOD
from fakes.good import GoodDriver
from tests.command_line import assisted_kit_run


@pytest.mark.parametrize(
    "good", GOOD, ids=[good.driver.__name__ for good in GOOD]
)
def test_good_driver_is_conformant(good: GoodDriver, tmp_path: Path) -> None:
    done = assisted_kit_run(tmp_path, "--driver", good.name)
    assert done.exit_status == 0, done.output
    assert done.result is not None
    assert done.result["verdict"] == "conformant"
    assert set(done.statuses.values()) <= {"passed", "skipped"}
