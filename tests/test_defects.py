# SPDX-License-Identifier: Apache-2.0
"""No defect is forgotten: the table of them, the rules and the tests."""

from __future__ import annotations

import re
from pathlib import Path

from conformance.catalogue import BY_ID
from conformance.catalogue import RULES
from conformance.defects import DEFECTS
from fakes.broken import BROKEN

TESTS = Path(__file__).parent

KNOWN = {source for defect in DEFECTS for source in defect.sources}


def test_every_defect_has_rules_or_a_reason() -> None:
    assert all(defect.rules or defect.reason for defect in DEFECTS)


def test_every_defect_can_be_looked_up_and_is_described() -> None:
    assert all(defect.sources and defect.sentence for defect in DEFECTS)
    assert len({defect.sentence for defect in DEFECTS}) == len(DEFECTS)


def test_every_rule_exists_and_cites_what_it_is_there_for() -> None:
    for defect in DEFECTS:
        for rule in defect.rules:
            cited = set(BY_ID[rule].sources)
            assert cited.intersection(defect.sources), (rule, defect)


def test_whatever_is_cited_is_in_the_table() -> None:
    cited = {source for rule in RULES for source in rule.sources}
    cited.update(source for driver in BROKEN for source in driver.sources)
    assert cited <= KNOWN


def test_every_test_of_the_kit_exists() -> None:
    for defect in DEFECTS:
        for test in defect.tests:
            module, _, function = test.partition("::")
            source = (TESTS / f"{module}.py").read_text()
            assert re.search(rf"\bdef {re.escape(function)}\(", source), test


def test_live_defects_are_counted_through() -> None:
    """Twelve turned out to be none."""
    live = {s for s in KNOWN if s.startswith("LIVE-")}
    assert live == {f"LIVE-{n}" for n in range(1, 19) if n != 12}
