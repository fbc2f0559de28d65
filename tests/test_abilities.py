# SPDX-License-Identifier: Apache-2.0
"""Capabilities: declared and seen, declared and not seen, or neither."""

from __future__ import annotations

import pytest

from assisted_kit.abilities import AbilityStatus
from assisted_kit.abilities import account
from assisted_kit.capabilities import Capability
from assisted_kit.outcomes import Outcome
from assisted_kit.outcomes import TestResult
from assisted_kit.plan import DriverFacts
from assisted_kit.plan import PlannedTest
from conformance import probes
from conformance import suite
from tests.test_anywhere import Repository
from tests.test_anywhere import repository as repository

TESTS = [
    PlannedTest("a", "MUS-001", ("clone", "raw_base")),
    PlannedTest("b", "MUS-001", ("clone",)),
]


def status(
    *outcomes: Outcome,
    evidence: int = 1,
    declared: tuple[str, ...] = ("clone",),
    works: tuple[str, ...] = (),
) -> AbilityStatus:
    """What is said of cloning after these outcomes of its tests."""
    results = [
        TestResult("MUS-001", test.name, outcome, evidence)
        for test, outcome in zip(TESTS, outcomes, strict=False)
    ]
    facts = DriverFacts("vendor:Driver", "assisted", declared)
    found = account(facts, TESTS[: len(outcomes)], results, works)
    (clone,) = (ability for ability in found if ability.name == "clone")
    return clone.status


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([Outcome.PASSED], AbilityStatus.EXERCISED),
        ([Outcome.SKIPPED, Outcome.FAILED], AbilityStatus.EXERCISED),
        ([Outcome.SKIPPED, Outcome.SKIPPED], AbilityStatus.NOT_EXERCISED),
        ([Outcome.ERROR], AbilityStatus.NOT_EXERCISED),
        ([], AbilityStatus.NO_TESTS),
        ([Outcome.NOT_APPLICABLE], AbilityStatus.NO_TESTS),
    ],
)
def test_declared_ability_has_to_be_seen(
    outcomes: list[Outcome], expected: AbilityStatus
) -> None:
    assert status(*outcomes) is expected


def test_passing_without_evidence_is_not_seeing() -> None:
    found = status(Outcome.PASSED, evidence=0)
    assert found is AbilityStatus.NOT_EXERCISED


def test_ability_that_is_not_declared() -> None:
    found = status(Outcome.SKIPPED, declared=())
    assert found is AbilityStatus.NOT_DECLARED
    found = status(Outcome.SKIPPED, declared=(), works=("clone",))
    assert found is AbilityStatus.WORKS


MODEST = """\
from reference_driver.driver import RemoteFSAssistedDriver
from conformance import suite


class Modest(RemoteFSAssistedDriver):
    assisted_capabilities = frozenset({"raw_base"})

    def extend_volume(self, volume, new_size):
        raise NotImplementedError

    def create_cloned_volume(self, volume, source):
        # Says that it did.
        self.create_volume(volume)

    def create_volume_from_snapshot(self, volume, snapshot):
        # Of the wrong image.
        return super().create_cloned_volume(volume, snapshot.volume)


class TestModest(suite.DriverConformance):
    driver_class = Modest
"""


def test_what_works_and_is_not_declared_is_reported(
    repository: Repository,
) -> None:
    repository.write("test_mine.py", MODEST)
    _, output = repository.run(
        "pytest", "-p", "no:cacheprovider", "tests", "-k", "test_ability"
    )
    works = {
        line.split(": ")[1]
        for line in output.splitlines()
        if line.startswith("works, and is not declared: ")
    }
    assert works == {
        "cascade",
        "cinder_share_layout",
        "overlay_files",
        "qcow2_base",
        "revert",
        "upload",
    }


SKIPS = """\
import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.skip(reason="not today"))
"""


def test_declared_ability_whose_tests_are_skipped_fails(
    repository: Repository,
) -> None:
    (repository.path / "theirs.py").write_text(SKIPS)
    status, output = repository.run(
        "pytest", "-p", "no:cacheprovider", "-p", "theirs",
        "--pyargs", "conformance", "--assisted-driver=drivers:Good",
    )  # fmt: skip
    assert status == 1, output
    assert "declared, not exercised: cascade: The snapshots of a" in output


def test_every_ability_is_attempted_and_used_by_tests() -> None:
    assert probes.PROBES.keys() == set(Capability)
    used = {
        capability
        for name, home in suite.tests().items()
        if not home(name).assisted_probe
        for capability in home(name).assisted_requires
    }
    assert used == set(Capability)


def test_names_of_tests_do_not_collide() -> None:
    """Else a vendor's class, which has them all, would lose some."""
    assert len(suite.tests()) > 100
