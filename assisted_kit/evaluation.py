# SPDX-License-Identifier: Apache-2.0
"""The result of a run, from what was heard of it and what it was to be."""

from __future__ import annotations

from collections.abc import Sequence

from assisted_kit import abilities
from assisted_kit.outcomes import Outcome
from assisted_kit.outcomes import TestResult
from assisted_kit.plan import DriverFacts
from assisted_kit.plan import Plan
from assisted_kit.record import Record
from assisted_kit.results import by_rule
from assisted_kit.results import RunResult
from assisted_kit.rules import Rule

SKIPPED_OUTSIDE = "skipped, and not by the suite: "
"""How the message of such a test begins."""


def evaluate(
    record: Record,
    rules: Sequence[Rule],
    *,
    selected: bool = False,
    key: str = "",
) -> RunResult:
    """What a run found out about one driver.

    :param rules: those that had to run; where only tests were selected,
        those that have one.
    :param selected: whether somebody named rules.
    :param key: of the driver in the plan.
    """
    plan = record.plan or Plan()
    facts = plan.drivers.get(key) or DriverFacts(record.driver)
    tests = [test for test in plan.tests if test.subject == key]
    order = {test.name: number for number, test in enumerate(tests)}
    results = sorted(
        (r for r in _complete(record, plan) if not order or r.name in order),
        key=lambda result: order.get(result.name, 0),
    )
    if facts.selected and not selected:
        planned = {test.rule_id for test in tests}
        rules = [rule for rule in rules if rule.id in planned]
    works = {name for test, name in record.works if test in order}
    return RunResult(
        facts.name,
        by_rule(rules, results),
        selected=selected or facts.selected,
        interrupted=record.was_interrupted,
        trouble=tuple(record.troubles),
        profile=facts.profile,
        abilities=abilities.account(facts, tests, results, works)
        if record.plan
        else (),
        left_out=(*facts.left_out, *_skipped_outside(results)),
        tampered=tuple(record.tampered),
        combinations=facts.combinations,
    )


def _complete(record: Record, plan: Plan) -> list[TestResult]:
    """Every result, and one for each planned test that has none."""
    results = record.results()
    there = {result.name for result in results}
    return results + [
        TestResult(test.rule_id, test.name, Outcome.NOT_EXERCISED)
        for test in plan.tests
        if test.name not in there
    ]


def _skipped_outside(results: Sequence[TestResult]) -> list[str]:
    concerned: dict[str, list[str]] = {}
    for result in results:
        if result.message.startswith(SKIPPED_OUTSIDE):
            concerned.setdefault(result.message, []).append(result.rule_id)
    return [
        f"{message} ({', '.join(dict.fromkeys(rule_ids))})"
        for message, rule_ids in concerned.items()
    ]
