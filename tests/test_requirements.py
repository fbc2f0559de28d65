# SPDX-License-Identifier: Apache-2.0
"""What a conformance test requires of the driver, and says that it does."""

from __future__ import annotations

import itertools
from unittest.mock import Mock
from unittest.mock import patch

import ddt
import pytest
from testtools.testresult.doubles import ExtendedTestResult

from assisted_kit.adapter import DriverAdapter
from assisted_kit.capabilities import Capability
from assisted_kit.rules import Profile
from conformance.applicability import UndeclaredUse
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import BASES
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import paired
from conformance.rows import requires
from conformance.rows import row
from reference_driver.driver import RemoteFSAssistedDriver


@requires(Capability.clone)
@expanded
class Rows(ConformanceTest):
    """One test with rows, and one without."""

    __test__ = False

    @ddt.data(
        *crossed(BASES, (1, 2)),
        row("x", "y", name="by name", requires=[Capability.revert]),
    )
    @ddt.unpack
    @requires(Capability.upload)
    @verifies("DAT-005")
    def test_rows(self, one: object, other: object) -> None:
        pass

    @verifies("SIG-001")
    def test_plain(self) -> None:
        self.uses(Capability.clone)
        self.uses(Capability.revert)


CLASS = {Capability.clone}
TEST = CLASS | {Capability.upload, Capability.create_from_snapshot}


@pytest.mark.parametrize(
    ("test", "required"),
    [
        ("test_plain", CLASS),
        ("test_rows_1_raw_1", TEST | {Capability.raw_base}),
        ("test_rows_4_qcow2_2", TEST | {Capability.qcow2_base}),
        ("test_rows_5_by_name", TEST | {Capability.revert}),
    ],
)
def test_requirements_of_class_test_rule_and_row_add_up(
    test: str, required: set[Capability]
) -> None:
    assert Rows(test).assisted_requires == required


def test_use_that_is_not_declared_is_an_error() -> None:
    with pytest.raises(UndeclaredUse, match="uses revert and does not say"):
        Rows("test_plain").test_plain()


def test_any_two_values_of_different_columns_meet() -> None:
    columns = (("a", "b"), (1, 2), ("x", "y", "z"))
    rows = paired(*columns)
    assert len(rows) == 6
    for one, other in itertools.combinations(range(3), 2):
        met = {(values[one], values[other]) for values in rows}
        assert met == set(itertools.product(columns[one], columns[other]))


def skip_reason(adapter: DriverAdapter, test: str) -> str:
    """Why a test is skipped for this adapter's driver."""

    test_case = Rows(test)
    subject = Mock(adapter=adapter)
    result = ExtendedTestResult()
    with patch("assisted_kit.subject.from_environment", lambda: subject):
        test_case.run(result)
    [skip] = [event for event in result._events if event[0] == "addSkip"]
    return skip[2]["reason"].as_text()


def test_capability_that_the_driver_lacks_skips_the_row() -> None:
    adapter = DriverAdapter(
        RemoteFSAssistedDriver,
        declared=frozenset(Capability) - {Capability.qcow2_base},
    )
    reason = skip_reason(adapter, "test_rows_4_qcow2_2")
    assert reason.startswith("the driver does not declare qcow2_base: ")


def test_rule_of_the_hooks_is_not_for_legacy_drivers() -> None:
    adapter = DriverAdapter(object, declared=frozenset(Capability))
    assert adapter.profile is Profile.LEGACY
    reason = skip_reason(adapter, "test_plain")
    assert reason == "the rule is not for legacy drivers"
