# SPDX-License-Identifier: Apache-2.0
"""The suite judges: good drivers pass, each broken one fails by its rules."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path

import pytest

from assisted_kit import suite
from assisted_kit import supervisor
from assisted_kit.capabilities import Capability
from assisted_kit.outcomes import Outcome
from assisted_kit.record import Record
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from conformance.catalogue import BY_ID
from conformance.catalogue import RULES
from conformance.kill_matrix.matrix import Matrix
from conformance.kill_matrix.matrix import UNREMARKABLE
from conformance.watch import secrets
from fakes.broken import BROKEN
from fakes.broken import BrokenDriver
from fakes.good import GOOD
from tests.command_line import assisted_kit_run
from tests.test_readme import block_after
from tests.warm_runs import WarmRuns

ENCRYPTION = tuple(
    rule.id for rule in RULES if Capability.encryption in rule.requires
)
"""What the reference driver is spared that has no key manager."""


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


def test_modules_of_a_rule_have_all_of_its_tests(
    conformance_tests: list[unittest.TestCase],
) -> None:
    found: dict[str, set[str]] = {rule_id: set() for rule_id in BY_ID}
    for test in conformance_tests:
        if not test.assisted_probe:
            found[test.assisted_rule.id].add(type(test).__module__)
    for rule_id, modules in found.items():
        assert suite.modules([rule_id]) == sorted(modules)
    assert suite.modules([]) == ["conformance"]
    assert suite.modules(["CRE-003", "NEW-001"]) == ["conformance"]


def test_whole_run_has_what_is_of_no_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Attempts at abilities that are not declared, that is."""
    asked = []

    def supervise(
        driver: str, settings: object, rules: list[str], *rest: object
    ) -> Record:
        asked.append(rules)
        return Record(driver)

    monkeypatch.setattr(supervisor, "supervise", supervise)
    suite.run(REFERENCE, None, [], lambda over, there: None)
    suite.run(REFERENCE, None, ["cre-003"], lambda over, there: None)
    assert asked == [[], ["CRE-003"]]


def test_every_rule_has_a_broken_driver() -> None:
    broken = {rule for driver in BROKEN for rule in driver.rules}
    assert broken == BY_ID.keys()


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(RULES)


@pytest.mark.long
def test_reference_driver_is_conformant(tmp_path: Path) -> None:
    # In one process it takes so long that the other tests' ones run idle.
    done = assisted_kit_run(tmp_path, "-n", "2")
    assert done.exit_status == 0, done.output
    assert done.result is not None
    assert done.result["verdict"] == "conformant"
    encryption = set(ENCRYPTION)
    assert done.statuses == {
        rule: "skipped" if rule in encryption else "passed" for rule in BY_ID
    }
    assert all(
        (rule["evidence"] > 0) == (rule["status"] == "passed")
        for rule in done.result["rules"]
    )
    shown = block_after("``./kit run`` ends like this::\n")
    printed = [uncounted(line) for line in done.output.splitlines()]
    for line in shown.splitlines():
        assert line == "..." or uncounted(line) in printed


def uncounted(line: str) -> str:
    """A line without the numbers of claims and crash points.

    A crash sweep kills a hook in as many states of the share as it sees, and
    how many a command passes through is up to QEMU and the file system.
    """
    return re.sub(r"(claims evaluated: |CRH-\d+ |points: )\d+", r"\1N", line)


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(ENCRYPTION, id="encryption"),
        pytest.param((), id="all", marks=pytest.mark.slow),
    ],
)
def test_encrypting_driver_passes(
    rules: tuple[str, ...], tmp_path: Path
) -> None:
    done = assisted_kit_run(
        tmp_path,
        "--driver",
        "reference_driver.driver:RemoteFSEncryptingDriver",
        rules=rules,
    )
    assert done.exit_status == 0, done.output
    assert done.statuses == {
        # That one is for drivers that cannot encrypt.
        rule: "skipped" if rule == "ABL-011" else "passed"
        for rule in rules or BY_ID
    }


AT_ONCE_OR_LONG = (
    *("CAL-", "CCY-", "CRH-", "FLT-", "MCH-", "RAC-"),
    # Of long chains.
    *("DAT-002", "DAT-003", "DAT-006"),
)
MATRIX = Matrix.load()

REFERENCE = "reference_driver.driver:RemoteFSAssistedDriver"
SEEDS = range(5)


def in_random_order(
    directory: Path, driver: str, *rules: str, seed: int | None = None
) -> subprocess.CompletedProcess[str]:
    """The suite under pytest, its tests shuffled by pytest-randomly.

    :param seed: repeats one order, over two processes.
    """
    words = [sys.executable, "-m", "pytest", "--pyargs", "conformance"]
    words += ["-p", "randomly", "-q", "--assisted-driver", driver]
    for rule in rules:
        words += ["--assisted-rule", rule]
    if seed is not None:
        words += ["-p", "xdist", "-n", "2", f"--randomly-seed={seed}"]
    return subprocess.run(
        words, cwd=directory, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("driver", [REFERENCE, *(good.name for good in GOOD)])
def test_good_driver_passes_in_any_order_over_processes(
    driver: str, seed: int, tmp_path: Path
) -> None:
    done = in_random_order(tmp_path, driver, seed=seed)
    assert done.returncode == 0, done.stdout
    assert "\nconformant" in done.stdout


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(
            broken,
            id=broken.driver.__name__,
            # A few by default; `./kit test --all` runs them all.
            marks=() if number % 50 == 0 else pytest.mark.slow,
        )
        for number, broken in enumerate(BROKEN)
    ],
)
def test_broken_driver_fails_in_random_order(
    broken: BrokenDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSISTED_CONFIG", impatient(tmp_path))
    done = in_random_order(tmp_path, broken.name, *broken.rules)
    assert done.returncode == 1, done.stdout
    for rule in broken.rules:
        assert f"{rule} {BY_ID[rule].level}" in done.stdout


def impatient(directory: Path) -> str:
    """A configuration for drivers that never return, or keep others."""
    config = directory / "kit.conf"
    config.write_text("[assisted_kit]\npatience = 30\n")
    return str(config)


def one_that_it_passes(broken: BrokenDriver) -> tuple[str, ...]:
    """A rule that a broken driver passed, always the same.

    None of a driver that passes it most of the time only.
    Not one that it may have been spared: nothing that was selected may be
    left out.  Nor one of several operations at a time, which a driver with a
    race fails once in a while, or of a sweep or a long chain, which take long.
    """
    if broken.races:
        return ()
    for_all = [r.id for r in RULES if r.profiles == EVERY_DRIVER]
    known = [
        rule
        for rule in MATRIX.passed(broken.name, for_all)
        if not BY_ID[rule].requires and not rule.startswith(AT_ONCE_OR_LONG)
    ]
    chosen = random.Random(broken.name).sample(known, min(1, len(known)))
    return tuple(chosen)


@pytest.mark.parametrize(
    "broken",
    [pytest.param(broken, id=broken.driver.__name__) for broken in BROKEN],
)
def test_broken_driver_fails_the_rules_it_names_and_no_other(
    broken: BrokenDriver, tmp_path: Path, warm_runs: WarmRuns
) -> None:
    others = one_that_it_passes(broken)
    done = warm_runs.run(
        tmp_path,
        *("--driver", broken.name, "--config", impatient(tmp_path)),
        rules=broken.rules + others,
    )
    statuses = done.statuses
    passed = [statuses.pop(rule) for rule in others]
    assert statuses == dict.fromkeys(broken.rules, "failed"), done.output
    assert done.result is not None
    as_usual = {*UNREMARKABLE}
    if "trouble" in done.result:  # a call that never returned ended the run
        as_usual.add(Outcome.NOT_EXERCISED)
    assert as_usual.issuperset(passed), done.output
    levels = {BY_ID[rule].level for rule in broken.rules}
    assert done.exit_status == (1 if Level.MUST in levels else 0)
    for rule in done.result["rules"]:
        if rule["id"] in broken.rules:
            assert "expected" in rule["message"]
            assert "observed" in rule["message"]
    assert not any(secret in done.output for secret in secrets.WHAT)
