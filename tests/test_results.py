# SPDX-License-Identifier: Apache-2.0
"""Verdicts and exit statuses, from the results of tests."""

from __future__ import annotations

import json

import pytest

from assisted_kit.abilities import Ability
from assisted_kit.abilities import AbilityStatus
from assisted_kit.results import as_json
from assisted_kit.results import by_rule
from assisted_kit.results import ExitStatus
from assisted_kit.results import Outcome
from assisted_kit.results import RunResult
from assisted_kit.results import TestResult
from assisted_kit.results import Verdict
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Rule("MUS-001", Level.MUST, "It must.", "Else.", "section 1")
SHOULD = Rule("SHO-001", Level.SHOULD, "It should.", "Else.", "section 2")


def result_of(rule: Rule, outcome: Outcome, evidence: int = 1) -> TestResult:
    message = "" if outcome is Outcome.PASSED else f"{rule.id} {outcome}"
    found = {"expected": "this", "observed": "that"} if message else {}
    return TestResult(
        rule.id, "test", outcome, evidence, message, finding=found
    )


PASSED = (
    result_of(MUST, Outcome.PASSED),
    result_of(SHOULD, Outcome.PASSED),
)


UNPROVEN = Ability("clone", AbilityStatus.NOT_EXERCISED)


def run(*tests: TestResult, **others: object) -> RunResult:
    rules = by_rule([MUST, SHOULD], tests)
    return RunResult("vendor:Driver", rules, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("result", "verdict", "status"),
    [
        (run(*PASSED), Verdict.CONFORMANT, 0),
        (run(*PASSED, selected=True), Verdict.PARTIAL, 0),
        (run(*PASSED, interrupted=True), Verdict.PARTIAL, 130),
        (run(*PASSED, trouble=("x",)), Verdict.PARTIAL, 3),
        (
            run(*PASSED, result_of(MUST, Outcome.FAILED)),
            Verdict.NOT_CONFORMANT,
            1,
        ),
        (
            run(*PASSED, result_of(MUST, Outcome.FAILED), selected=True),
            Verdict.NOT_CONFORMANT,
            1,
        ),
        (
            run(*PASSED, result_of(MUST, Outcome.FAILED), interrupted=True),
            Verdict.NOT_CONFORMANT,
            130,
        ),
        (
            run(*PASSED, result_of(MUST, Outcome.FAILED), trouble=("x",)),
            Verdict.NOT_CONFORMANT,
            1,
        ),
        (
            run(*PASSED, result_of(SHOULD, Outcome.FAILED)),
            Verdict.CONFORMANT,
            0,
        ),
        (run(*PASSED, result_of(MUST, Outcome.ERROR, 0)), Verdict.PARTIAL, 3),
        (
            run(*PASSED, result_of(SHOULD, Outcome.ERROR)),
            Verdict.CONFORMANT,
            0,
        ),
        (run(), Verdict.PARTIAL, 3),
        (run(result_of(MUST, Outcome.PASSED, 0)), Verdict.PARTIAL, 3),
        (
            run(result_of(MUST, Outcome.SKIPPED, 0), PASSED[1]),
            Verdict.CONFORMANT,
            0,
        ),
        (
            run(result_of(MUST, Outcome.NOT_APPLICABLE, 0), PASSED[1]),
            Verdict.CONFORMANT,
            0,
        ),
        # To skip everything is no way to conform.
        (run(result_of(MUST, Outcome.SKIPPED, 0)), Verdict.PARTIAL, 3),
        (
            run(result_of(MUST, Outcome.NOT_APPLICABLE, 0), selected=True),
            Verdict.PARTIAL,
            3,
        ),
        (run(*PASSED, tampered=("x",)), Verdict.PARTIAL, 3),
        (run(*PASSED, abilities=(UNPROVEN,)), Verdict.PARTIAL, 3),
        (
            run(*PASSED, abilities=(UNPROVEN,), selected=True),
            Verdict.PARTIAL,
            0,
        ),
        (
            run(result_of(MUST, Outcome.SKIPPED, 0), selected=True),
            Verdict.PARTIAL,
            3,
        ),
    ],
)
def test_verdict_and_exit_status(
    result: RunResult, verdict: Verdict, status: int
) -> None:
    assert (result.verdict, result.exit_status) == (verdict, status)


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([], Outcome.NOT_EXERCISED),
        ([Outcome.PASSED], Outcome.PASSED),
        ([Outcome.SKIPPED], Outcome.SKIPPED),
        ([Outcome.NOT_APPLICABLE], Outcome.NOT_APPLICABLE),
        ([Outcome.PASSED, Outcome.SKIPPED], Outcome.PASSED),
        ([Outcome.PASSED, Outcome.NOT_EXERCISED], Outcome.NOT_EXERCISED),
        ([Outcome.SKIPPED, Outcome.NOT_EXERCISED], Outcome.NOT_EXERCISED),
        ([Outcome.PASSED, Outcome.ERROR], Outcome.ERROR),
        ([Outcome.ERROR, Outcome.FAILED], Outcome.FAILED),
        ([Outcome.NOT_ARRANGED, Outcome.PASSED], Outcome.NOT_ARRANGED),
        ([Outcome.NOT_ARRANGED, Outcome.FAILED], Outcome.FAILED),
        ([Outcome.NOT_EXERCISED, Outcome.FAILED], Outcome.FAILED),
    ],
)
def test_status_of_a_rule_is_the_worst_of_its_tests(
    outcomes: list[Outcome], status: Outcome
) -> None:
    (rule,) = by_rule([MUST], [result_of(MUST, o) for o in outcomes])
    assert rule.status is status


def test_passing_without_evidence_is_not_exercised() -> None:
    (rule,) = by_rule([MUST], [result_of(MUST, Outcome.PASSED, 0)])
    assert rule.status is Outcome.NOT_EXERCISED


def test_json_result() -> None:
    failed = run(
        result_of(MUST, Outcome.PASSED, 3),
        result_of(MUST, Outcome.FAILED, 2),
        result_of(MUST, Outcome.FAILED, 2),
        result_of(SHOULD, Outcome.SKIPPED, 0),
        selected=True,
        profile="legacy",
        abilities=[UNPROVEN],
        left_out=["deselected: 1 test of MUS-001"],
        tampered=["x was replaced at run time"],
    )
    assert json.loads(as_json({None: failed})) == {
        "verdict": "not conformant",
        "driver": "vendor:Driver",
        "profile": "legacy",
        "contract": 1,
        "rules": [
            {
                "id": "MUS-001",
                "level": "MUST",
                "status": "failed",
                "evidence": 7,
                "message": "MUS-001 failed",
                "failures": [
                    {"test": "test", "expected": "this", "observed": "that"},
                    {"test": "test", "expected": "this", "observed": "that"},
                ],
            },
            {
                "id": "SHO-001",
                "level": "SHOULD",
                "status": "skipped",
                "evidence": 0,
                "skipped": ["SHO-001 skipped"],
            },
        ],
        "capabilities": {"clone": "not exercised"},
        "left_out": ["deselected: 1 test of MUS-001"],
        "tampered": ["x was replaced at run time"],
    }


def test_json_result_of_a_run_that_did_not_begin() -> None:
    refused = run(interrupted=True, trouble=("no driver",))
    assert not refused.began
    entry = refused.as_dict()
    assert entry["interrupted"] is True
    assert entry["trouble"] == ["no driver"]
    assert {rule["status"] for rule in entry["rules"]} == {"not exercised"}


def test_exit_statuses_are_those_of_the_documentation() -> None:
    assert {s.name: int(s) for s in ExitStatus} == {
        "PASSED": 0,
        "FAILED": 1,
        "USAGE": 2,
        "NOT_RUN": 3,
        "INTERRUPTED": 130,
    }


def test_what_failed_is_said_first() -> None:
    outcomes = (Outcome.NOT_ARRANGED, Outcome.PASSED, Outcome.FAILED)
    (rule,) = by_rule([MUST], [result_of(MUST, o) for o in outcomes])
    assert rule.messages == [f"{MUST.id} failed", f"{MUST.id} not arranged"]
