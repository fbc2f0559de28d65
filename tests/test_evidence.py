# SPDX-License-Identifier: Apache-2.0
"""A pytest session that proves less than it seems to says so."""

from __future__ import annotations

import pytest

from tests.test_anywhere import Repository
from tests.test_anywhere import repository as repository

TWO_RULES = (
    "--pyargs", "conformance.test_interface", "--assisted-driver",
    "drivers:Good", "--assisted-rule=SIG-001", "--assisted-rule=SIG-002",
)  # fmt: skip

BROKEN = tuple(word.replace(":Good", ":Broken") for word in TWO_RULES)

FIRST = "test_hooks_take_exactly_one_positional_argument"

REMOVES = """
def pytest_collection_modifyitems(items):
    del items[0]
"""

SKIPS = """
import pytest

def pytest_collection_modifyitems(items):
    items[0].add_marker(pytest.mark.skip(reason="not today"))
"""

EXPECTS_FAILURE = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xfail(reason="known"))
"""

REPLACES = """
from conformance.case import ConformanceTest

def claim(self, holds, expected, observed):
    self.assisted_evidence += 1

ConformanceTest.claim = claim
"""

REPLACES_FOR_A_TEST = """
import pytest

@pytest.fixture(autouse=True)
def replaced(monkeypatch):
    monkeypatch.setattr(
        "conformance.test_interface.interface_faults", lambda driver: []
    )
"""

REPEATS = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    pass
"""


def session(
    repository: Repository, conftest: str, *words: str
) -> tuple[int, str]:
    """A session with something of the vendor's in it."""
    (repository.path / "theirs.py").write_text(conftest)
    return repository.run(
        "pytest", "-p", "no:cacheprovider", "-p", "no:randomly",
        "-p", "theirs", *words,
    )  # fmt: skip


def test_selected_rules_that_pass_are_partial(repository: Repository) -> None:
    status, output = session(repository, REPEATS, *TWO_RULES)
    assert status == 0, output
    assert "assisted snapshots: drivers:Good" in output
    assert "\npartial: drivers:Good\n" in output
    assert "rules: 2 passed; claims evaluated: 2" in output
    assert "left out" not in output
    assert "not the suite's own" not in output


@pytest.mark.parametrize("option", ["-k", "--deselect"])
def test_deselected_tests_are_said(
    repository: Repository, option: str
) -> None:
    unwanted = "not bool"
    if option == "--deselect":
        _, listed = session(repository, "", *TWO_RULES, "--collect-only", "-q")
        [unwanted] = [x for x in listed.splitlines() if x.endswith("a_bool")]
    status, output = session(repository, "", *TWO_RULES, option, unwanted)
    assert status == 0, output
    assert "rules: 1 passed" in output
    assert "left out: deselected: 1 test of SIG-002" in output


@pytest.mark.parametrize("spread", [[], ["-n", "1"]])
def test_removed_test_is_not_exercised(
    repository: Repository, spread: list[str]
) -> None:
    if spread:
        pytest.importorskip("xdist")
    status, output = session(repository, REMOVES, *TWO_RULES, *spread)
    assert status == 1, output
    assert "SIG-001  MUST   not exercised" in output
    assert "removed by a plugin or a conftest: 1 test of SIG-001" in output


@pytest.mark.parametrize("spread", [[], ["-n", "1"]])
def test_skipped_test_is_not_exercised(
    repository: Repository, spread: list[str]
) -> None:
    if spread:
        pytest.importorskip("xdist")
    status, output = session(repository, SKIPS, *TWO_RULES, *spread)
    assert status == 1, output
    assert "SIG-001  MUST   not exercised" in output
    assert "skipped, and not by the suite: not today (SIG-001)" in output


def test_failure_that_is_expected_is_one(repository: Repository) -> None:
    status, output = session(repository, EXPECTS_FAILURE, *BROKEN)
    assert status == 1, output
    assert "not conformant: drivers:Broken" in output
    assert "SIG-002  MUST   failed" in output


@pytest.mark.parametrize("spread", [[], ["-n", "1"]])
@pytest.mark.parametrize(
    ("conftest", "what"),
    [
        (REPLACES, "conformance.case:ConformanceTest.claim"),
        (REPLACES_FOR_A_TEST, "conformance.test_interface:interface_faults"),
    ],
)
def test_replaced_function_is_named(
    repository: Repository, conftest: str, what: str, spread: list[str]
) -> None:
    if spread:
        pytest.importorskip("xdist")
    status, output = session(repository, conftest, *TWO_RULES, *spread)
    assert status == 1, output
    assert f"not the suite's own: {what} was replaced at run" in output
    assert "partial: drivers:Good" in output


OVERRIDES = """\
from assisted_kit.driver import interface_faults
from conformance import suite
from conformance.case import verifies

class TestMine(suite.DriverConformance):
    driver = "drivers:Broken"
    rules = ["SIG-001", "SIG-002"]

    @verifies("SIG-002")
    def test_support_is_declared_by_a_bool(self):
        self.claim(True, "", "")
"""


def test_overridden_test_is_named(repository: Repository) -> None:
    repository.write("test_mine.py", OVERRIDES)
    status, output = session(repository, "", "tests")
    assert status == 1, output
    assert "2 passed" in output
    assert "partial: drivers:Broken" in output
    assert (
        "not the suite's own: test_mine.TestMine."
        "test_support_is_declared_by_a_bool overrides that of "
        "conformance.test_interface.InterfaceTest" in " ".join(output.split())
    )


EMPTY = """\
from conformance import suite

class TestMine(suite.DriverConformance):
    driver = "drivers:Good"
    rules = ["SIG-001"]

    def claim(self, holds, expected, observed):
        pass
"""


@pytest.mark.parametrize(
    "runner", [["pytest", "-p", "no:cacheprovider"], ["unittest", "discover"]]
)
def test_claim_that_is_not_evaluated_is_no_success(
    repository: Repository, runner: list[str]
) -> None:
    repository.write("test_mine.py", EMPTY)
    status, output = repository.run(*runner, "tests")
    assert status == 1, output
    assert "SIG-001: the test ended without having evaluated" in output
    if runner[0] == "pytest":
        assert "SIG-001  MUST   not exercised" in output
        assert (
            "not the suite's own: test_mine.TestMine.claim overrides that of "
            "conformance.claims.ClaimingTest" in " ".join(output.split())
        )


MANY_ERRORS = """\
from conformance import suite

class Mine(suite.DriverConformance):
    driver = "drivers:Broken"
    rules = ["SIG-002"]

class TestCleanUp(Mine):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.fail, "the clean-up fails as well")

class TestSetUp(Mine):
    def setUp(self):
        raise RuntimeError("their own set-up fails")

class TestTearDown(Mine):
    def tearDown(self):
        super().tearDown()
        raise RuntimeError("their own tear-down fails")
"""


@pytest.mark.parametrize("spread", [[], ["-n", "1"]])
def test_errors_around_a_test_are_readable(
    repository: Repository, spread: list[str]
) -> None:
    if spread:
        pytest.importorskip("xdist")
    repository.write("test_mine.py", MANY_ERRORS)
    status, output = session(
        repository, "", "tests", "--junitxml=junit.xml", *spread
    )
    assert status == 1, output
    junit = (repository.path / "junit.xml").read_text()
    for text in (output, junit):
        assert "Incompatible Exception" not in text
        assert "RuntimeError: their own set-up fails" in text
        assert "AssertionError: the clean-up fails as well" in text
        assert "RuntimeError: their own tear-down fails" in text
    lines = sorted(
        line for line in output.splitlines() if line.startswith("FAILED ")
    )
    said = "SIG-002 MUST: supports_assisted_snapshots: 'yes'"
    assert [line.partition(" - ")[2] for line in lines] == [
        said,
        said,
        "RuntimeError: their own set-up fails",
        said,
    ]
