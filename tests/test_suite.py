# SPDX-License-Identifier: Apache-2.0
"""The suite judges: good drivers pass, each broken one fails by its rules."""

from __future__ import annotations

import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path

import pytest

from assisted_kit.rules import Level
from conformance.catalogue import BY_ID
from conformance.catalogue import RULES
from fakes.broken import BROKEN
from fakes.broken import BrokenDriver
from tests.command_line import assisted_kit_run
from tests.test_readme import block_after


def each_test(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Every test of a suite, however deep."""
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from each_test(entry)
        else:
            yield entry


@pytest.fixture(scope="module")
def conformance_tests() -> list[unittest.TestCase]:
    """Every test that a plain unittest runner finds."""
    import conformance

    directory = Path(conformance.__file__).parent
    found = unittest.defaultTestLoader.discover(
        str(directory), top_level_dir=str(directory.parent)
    )
    return list(each_test(found))


def test_every_rule_has_a_test(
    conformance_tests: list[unittest.TestCase],
) -> None:
    verified = {
        test.assisted_rule.id
        for test in conformance_tests
        if not test.assisted_probe
    }
    assert verified == BY_ID.keys()


def test_every_rule_has_a_broken_driver() -> None:
    broken = {rule for driver in BROKEN for rule in driver.rules}
    assert broken == BY_ID.keys()


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(RULES)


def test_reference_driver_is_conformant(tmp_path: Path) -> None:
    done = assisted_kit_run(tmp_path)
    assert done.exit_status == 0, done.output
    assert done.result is not None
    assert done.result["verdict"] == "conformant"
    assert set(done.statuses) == set(BY_ID)
    # What is for drivers that cannot do what it can.
    others = {"ABL-011": "skipped"}
    assert done.statuses == {**dict.fromkeys(BY_ID, "passed"), **others}
    assert all(
        rule["evidence"] > 0
        for rule in done.result["rules"]
        if rule["id"] not in others
    )
    shown = block_after("``./kit run`` ends like this::\n")
    for line in shown.splitlines():
        assert line == "..." or line in done.output.splitlines()


def in_random_order(
    directory: Path, driver: str, *rules: str
) -> subprocess.CompletedProcess[str]:
    """The suite under pytest, its tests shuffled by pytest-randomly."""
    words = [sys.executable, "-m", "pytest", "--pyargs", "conformance"]
    words += ["-p", "randomly", "-q", "--assisted-driver", driver]
    for rule in rules:
        words += ["--assisted-rule", rule]
    return subprocess.run(
        words, cwd=directory, capture_output=True, text=True, check=False
    )


def test_reference_driver_passes_in_random_order(tmp_path: Path) -> None:
    done = in_random_order(
        tmp_path, "reference_driver.driver:RemoteFSAssistedDriver"
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(
            broken,
            id=broken.driver.__name__,
            # Every tenth by default; `./kit test --all` runs them all.
            marks=() if number % 10 == 0 else pytest.mark.slow,
        )
        for number, broken in enumerate(BROKEN)
    ],
)
def test_broken_driver_fails_in_random_order(
    broken: BrokenDriver, tmp_path: Path
) -> None:
    done = in_random_order(tmp_path, broken.name, *broken.rules)
    assert done.returncode == 1, done.stdout
    for rule in broken.rules:
        assert f"{rule} {BY_ID[rule].level}" in done.stdout


def enough_for_every_rule() -> set[BrokenDriver]:
    """As few broken drivers as a first fit finds that fail every rule."""
    missing = set(BY_ID)
    chosen = set()
    for broken in sorted(BROKEN, key=lambda each: -len(each.rules)):
        if missing.intersection(broken.rules):
            missing.difference_update(broken.rules)
            chosen.add(broken)
    return chosen


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(
            broken,
            id=broken.driver.__name__,
            # `./kit test --all` runs them all.
            marks=()
            if broken in enough_for_every_rule()
            else [pytest.mark.slow],
        )
        for broken in BROKEN
    ],
)
def test_broken_driver_fails_the_rules_it_names(
    broken: BrokenDriver, tmp_path: Path
) -> None:
    done = assisted_kit_run(
        tmp_path, "--driver", broken.name, rules=broken.rules
    )
    assert done.statuses == dict.fromkeys(broken.rules, "failed"), done.output
    levels = {BY_ID[rule].level for rule in broken.rules}
    assert done.exit_status == (1 if Level.MUST in levels else 0)
    assert done.result is not None
    for rule in done.result["rules"]:
        assert "expected" in rule["message"]
        assert "observed" in rule["message"]
