# SPDX-License-Identifier: Apache-2.0
"""The state machine searches, shrinks, saves, and says what it left out."""

from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path

import pytest

from assisted_kit import exploration
from assisted_kit import subject as subjects
from assisted_kit.settings import UsageError
from assisted_kit.subject import REFERENCE_DRIVER
from conformance import test_machine
from conformance.machine import known
from conformance.machine import saving
from conformance.machine import searching
from conformance.machine import Story
from conformance.machine.contradiction import Contradiction
from conformance.machine.machines import declared
from conformance.machine.machines import FailuresMachine
from conformance.machine.machines import OperationsMachine
from conformance.machine.machines import REQUIRED
from conformance.machine.machines import rules_of
from conformance.machine.program import Program
from conformance.machine.program import Step
from conformance.machine.program import WORDS
from conformance.machine.shrinking import shrunk
from conformance.violation import Violation
from fakes.good import GOOD
from tests.command_line import assisted_kit_run

BROKEN = "fakes.broken.sequences:RepeatsItsRequest"
SEEDS = range(5)


def run_pytest(directory: Path, *words: str) -> subprocess.CompletedProcess:
    """pytest in a directory, with nothing but what is installed."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *words],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_was_found_is_told_saved_and_repeated(tmp_path: Path) -> None:
    done = assisted_kit_run(tmp_path, "--driver", BROKEN, rules=("MCH-002",))
    assert done.exit_status == 1, done.output
    (file,) = (tmp_path / saving.DIRECTORY).iterdir()
    assert "program         new volumes are raw" in done.output
    assert " 4. delete s1; Nova refuses\n" in done.output
    assert f"pytest {saving.DIRECTORY}/{file.name}" in done.output
    assert not (tmp_path / ".hypothesis").exists()

    again = run_pytest(tmp_path, str(file))
    assert again.returncode == 1, again.stdout
    assert "an overlay is recorded for snapshot s2" in again.stdout
    assert "MCH-002 MUST" in again.stdout

    file.write_text(file.read_text().replace(BROKEN, REFERENCE_DRIVER))
    mended = run_pytest(tmp_path, str(file))
    assert mended.returncode == 0, mended.stdout


def test_saved_program_reads_like_a_story() -> None:
    program = Program("raw", "juno", known.FAILURES[0].steps)
    found = Contradiction("status", "snapshot id-1 is available", "error")
    told = saving.text(
        program, subjects.load(), "MCH-002", found, {"id-1": "s1"}
    )
    assert "# expected: snapshot s1 is available\n" in told
    assert "        # delete s1; Nova refuses\n" in told
    assert 'story.delete_snapshot(snapshot="s1", nova="refuses")\n' in told
    compile(told, "saved", "exec")


def test_what_cannot_be_saved_is_said(tmp_path: Path) -> None:
    directory = tmp_path / "failures"
    directory.write_text("a file is in the way")
    found = Contradiction("status", "one", "another")
    with pytest.raises(saving.NotSaved, match=r"failures.*cannot be written"):
        saving.save(
            known.FAILURES[0],
            subjects.load(),
            "MCH-002",
            found,
            {},
            directory,
        )


def test_story_ends_with_the_message_of_the_rule() -> None:
    with pytest.raises(Violation) as raised, Story(BROKEN) as story:
        for step in known.FAILURES[0].steps:
            story.do(step)
    message = str(raised.value)
    assert "MCH-001 MUST" in message
    assert "chain after     V.s2 (qcow2, active)" in message


# -- searching


def fired(seed: int) -> dict[str, int]:
    """How often each rule fires in a short search."""
    found = searching.search(
        FailuresMachine, subjects.load(), seed=seed, examples=2, steps=6
    )
    assert found.program is None
    return dict(found.fired)


def test_seed_decides_what_is_done() -> None:
    assert fired(1) == fired(1)
    assert fired(1) != fired(2)


def test_rule_that_never_fires_in_a_long_run_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(searching, "LONG", 3)
    with pytest.raises(searching.NeverFired) as raised:
        searching.search(
            OperationsMachine, subjects.load(), seed=0, examples=1, steps=4
        )
    _, _, said = str(raised.value).partition("never chosen: ")
    never = said.partition(";")[0].split(", ")
    rules = [name.replace("_", " ") for name in rules_of(OperationsMachine)]
    # One of the four steps begins the story, whichever the others are.
    assert len(rules) - 3 <= len(never) < len(rules)
    assert set(never) < set(rules)


def test_that_is_no_failure_of_the_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(searching, "LONG", 3)
    monkeypatch.setattr(exploration, "STEPS", 4)
    monkeypatch.setattr(exploration, "EXAMPLES", 1)
    case = test_machine.MachineTest("test_operations_in_any_order")
    result = unittest.TestResult()
    case.run(result)
    assert len(result.errors) == 1
    assert "has never chosen" in case.assisted_message
    assert case.assisted_evidence == 0


def test_what_is_not_declared_does_not_have_to_fire() -> None:
    everything = subjects.load().adapter.capabilities
    assert declared(FailuresMachine, everything) == rules_of(FailuresMachine)
    used = declared(FailuresMachine, frozenset())
    assert set(rules_of(FailuresMachine)) - set(used) == REQUIRED.keys()


def test_machine_has_a_rule_for_every_operation() -> None:
    assert WORDS.keys() <= set(rules_of(FailuresMachine))
    assert REQUIRED.keys() <= set(rules_of(FailuresMachine))


@pytest.mark.parametrize("program", [*known.OPERATIONS, *known.FAILURES])
def test_known_program_has_no_step_that_makes_no_sense(
    program: Program,
) -> None:
    story = searching.retold(subjects.load(), program)
    try:
        assert searching.replay(story, program) is None
    finally:
        story.close()
    assert story.program == program


@pytest.mark.slow
@pytest.mark.parametrize("machine", [OperationsMachine, FailuresMachine])
@pytest.mark.parametrize("seed", SEEDS)
def test_reference_driver_passes_2000_steps(
    seed: int, machine: type[OperationsMachine]
) -> None:
    found = searching.search(
        # Some programs end before their fifty steps.
        machine,
        subjects.load(),
        seed=seed,
        examples=56,
        steps=50,
    )
    assert found.program is None, f"{found.program}\n{found.contradiction}"
    assert found.fired.total() >= 2000


@pytest.mark.slow
@pytest.mark.parametrize(
    "driver",
    # A legacy driver is driven otherwise.
    [good.name for good in GOOD if "legacy" not in good.name],
)
def test_good_driver_passes_long_runs(driver: str) -> None:
    found = searching.search(
        FailuresMachine, subjects.load(driver), seed=0, examples=40, steps=50
    )
    assert found.program is None, f"{found.program}\n{found.contradiction}"


# -- shrinking


def step(volume: str, snapshot: str, **more: str) -> Step:
    """One that takes a snapshot."""
    named = {"volume": volume, "snapshot": snapshot}
    return Step("take_snapshot", {**named, **more})


def test_shrunk_program_has_what_it_takes() -> None:
    """It fails once a clone was extended after its origin, whatever else."""
    noise = [step("V2", f"s{n}", nova="refuses") for n in range(10, 15)]
    extend = Step("extend", {"volume": "V4"})
    clone = Step("clone", {"volume": "V4", "copy": "V7"})
    last = Step("extend", {"volume": "V7"})
    steps = (*noise, extend, *noise, clone, *noise, last)

    def fails(tried: Program) -> Program | None:
        told = [s for s in tried.steps if s.operation != "take_snapshot"]
        operations = [s.operation for s in told]
        if operations != ["extend", "clone", "extend"]:
            return None
        copy = told[1].arguments["copy"]
        return tried if told[2].arguments["volume"] == copy else None

    assert shrunk(Program("qcow2", "juno", steps), fails) == Program(
        "raw",
        "dual",
        (
            Step("extend", {"volume": "V"}),
            Step("clone", {"volume": "V", "copy": "V2"}),
            Step("extend", {"volume": "V2"}),
        ),
    )


def test_shrinking_comes_to_an_end() -> None:
    program = Program("raw", "dual", tuple(step("V", "s1") for _ in range(99)))
    tried = []

    def fails(candidate: Program) -> Program | None:
        tried.append(candidate)
        return candidate if len(candidate.steps) > 40 else None

    shrunk(program, fails, replays=5)
    assert len(tried) == 6


# -- what the user says


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seed", "x"], "--seed x: write a whole number, 0 or more"),
        (["--seed", "-1"], "--seed -1: write a whole number, 0 or more"),
        (["--examples", "0"], "--examples 0: write a whole number, 1 or more"),
    ],
)
def test_wrong_number_is_wrong_usage(
    words: list[str], said: str, tmp_path: Path
) -> None:
    done = assisted_kit_run(tmp_path, *words)
    assert (done.exit_status, done.errors) == (2, f"assisted-kit: {said}\n")


def test_wrong_number_is_wrong_usage_under_pytest(tmp_path: Path) -> None:
    done = run_pytest(
        tmp_path, "--pyargs", "conformance", "--assisted-examples=none"
    )
    assert done.returncode == 4
    assert "--assisted-examples none: write a whole number" in done.stderr


def test_variables_say_the_same() -> None:
    variables = {"ASSISTED_SEED": "7", "ASSISTED_EXAMPLES": ""}
    found = exploration.from_environment(variables)
    assert (found.seed, found.examples) == (7, exploration.EXAMPLES)
    assert found.options == ["--seed", "7"]
    with pytest.raises(UsageError, match="ASSISTED_EXAMPLES 0: write"):
        exploration.from_environment({"ASSISTED_EXAMPLES": "0"})


def test_options_reach_the_test(tmp_path: Path) -> None:
    done = assisted_kit_run(
        tmp_path,
        *("--seed", "3", "--examples", "1", "--driver", BROKEN),
        rules=("MCH-002",),
    )
    assert done.exit_status == 1, done.output
    assert (
        f"repeat          assisted-kit run --driver {BROKEN} --rule MCH-002 "
        f"--seed 3 --examples 1" in done.output
    )
