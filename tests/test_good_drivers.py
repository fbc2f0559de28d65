# SPDX-License-Identifier: Apache-2.0
"""The suite is fair: drivers that do it differently pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from assisted_kit import subject
from assisted_kit.adapter import DriverAdapter
from assisted_kit.rules import Rule
from conformance import suite
from conformance.catalogue import RULES
from fakes.good import GOOD
from fakes.good import GoodDriver
from tests.command_line import assisted_kit_run


@pytest.mark.long
@pytest.mark.parametrize(
    "good", GOOD, ids=[good.driver.__name__ for good in GOOD]
)
def test_good_driver_is_conformant(good: GoodDriver, tmp_path: Path) -> None:
    # In one process it takes so long that the other tests' ones run idle.
    done = assisted_kit_run(tmp_path, "--driver", good.name, "-n", "2")
    assert done.exit_status == 0, done.output
    assert done.result is not None
    assert done.result["verdict"] == "conformant"
    adapter = subject.load(good.name).adapter
    assert done.result["profile"] == adapter.profile
    assert done.statuses == {r.id: expected(r, adapter) for r in RULES}


def expected(rule: Rule, adapter: DriverAdapter) -> str:
    """The status of a rule for a good driver."""
    if adapter.profile not in rule.profiles:
        return "not applicable"
    required = [
        home(test).assisted_requires
        for test, home in suite.tests().items()
        if getattr(getattr(home, test), "assisted_rule", None) is rule
    ]
    able = any(needed <= adapter.capabilities for needed in required)
    return "passed" if able else "skipped"
