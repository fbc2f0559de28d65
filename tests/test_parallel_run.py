# SPDX-License-Identifier: Apache-2.0
"""A run spread over several processes is one run."""

from __future__ import annotations

import pytest

from assisted_kit.outcomes import Outcome
from assisted_kit.outcomes import TestResult
from assisted_kit.record import merged
from assisted_kit.record import Record
from tests.troublesome_run import Place
from tests.troublesome_run import place as place

# Four tests: two without a hook of create, two with one.
RULES = ("SIG-001", "SIG-002", "UPD-003")


def test_results_are_those_of_one_process(place: Place) -> None:
    place.configure("work_directory = kit")
    one, two = (
        place.run("Good", "-n", number, rules=RULES) for number in "12"
    )
    assert two.exit_status == 0, two.output
    assert two.result == one.result
    assert two.output == one.output
    assert place.left == []


def test_process_that_dies_takes_no_other_along(place: Place) -> None:
    done = place.run("KillsProcess", "-n", "2", rules=RULES)
    assert done.exit_status == 3
    assert done.statuses == {
        "SIG-001": "passed",
        "SIG-002": "passed",
        "UPD-003": "error",
    }
    assert done.result is not None
    # Each of them had one of the two tests that kill it.
    assert len(done.result["trouble"]) == 2
    assert place.left == []


def test_driver_that_cannot_be_set_up_is_said_once(place: Place) -> None:
    done = place.run("ConstructorRaises", "-n", "3", rules=RULES)
    assert done.exit_status == 3
    assert done.errors.count("cannot be constructed and set up") == 1


def test_database_is_shared(place: Place) -> None:
    file = place.directory / "cinder.sqlite"
    text = place.config_file.read_text()
    place.config_file.write_text(
        f"{text}\n[database]\nconnection = sqlite:///{file}\n"
    )
    done = place.run("Good", "-n", "2", rules=RULES)
    assert done.exit_status == 0, done.output + done.errors


@pytest.mark.parametrize("number", ["0", "-1", "two", "", "1.5"])
def test_wrong_number_of_processes(place: Place, number: str) -> None:
    done = place.run("Good", "-n", number, rules=RULES)
    assert done.exit_status == 2
    assert f"-n {number}: write a number" in done.errors


def test_as_many_processes_as_cores(place: Place) -> None:
    done = place.run("Good", "-n", "auto", rules=("SIG-001",))
    assert done.exit_status == 0


def part(*tests: str) -> Record:
    record = Record("vendor:Driver")
    record.collected(dict.fromkeys(tests, "MUS-001"))
    return record


def test_every_test_of_every_part_is_in_the_whole() -> None:
    one, other = part("a", "c"), part("b")
    one.found(TestResult("MUS-001", "a", Outcome.PASSED, 1))
    one.finished("a")
    one.started("c")
    one.died("killed by SIGKILL")
    other.was_interrupted = True
    whole = merged("vendor:Driver", [one, other])
    assert {r.name: r.outcome for r in whole.results()} == {
        "a": Outcome.PASSED,
        "b": Outcome.NOT_EXERCISED,
        "c": Outcome.ERROR,
    }
    assert whole.progress == (2, 3)
    assert whole.was_interrupted
    assert len(whole.troubles) == 1


@pytest.mark.parametrize(("by_another", "troubles"), [("ab", 0), ("a", 1)])
def test_death_by_what_is_not_claimed_costs_nothing(
    by_another: str, troubles: int
) -> None:
    rules = {"a": "MUS-001", "b": "MUS-001", "trial": ""}
    parts = [Record("vendor:Driver"), Record("vendor:Driver")]
    for each in parts:
        each.collected(rules)
    parts[0].started("trial")
    parts[0].died("killed by SIGKILL")
    for test in by_another:
        parts[1].started(test)
        parts[1].found(TestResult("MUS-001", test, Outcome.PASSED, 1))
        parts[1].finished(test)
    assert len(merged("vendor:Driver", parts).troubles) == troubles
