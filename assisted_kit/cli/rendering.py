# SPDX-License-Identifier: Apache-2.0
"""A run's result as a person reads it in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import click

from assisted_kit.results import Outcome
from assisted_kit.results import RuleResult
from assisted_kit.results import RunResult
from assisted_kit.results import Verdict
from assisted_kit.rules import Rule

_COLOURS = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "red",
    Outcome.ERROR: "red",
    Outcome.SKIPPED: "yellow",
    Outcome.NOT_EXERCISED: "red",
}

_VERDICT_COLOURS = {
    Verdict.CONFORMANT: "green",
    Verdict.NOT_CONFORMANT: "red",
    Verdict.PARTIAL: "yellow",
}


def render(result: RunResult) -> str:
    """The verdict first, then every rule, then what failed and why."""
    lines = [*_head(result), ""]
    lines += [_line(rule) for rule in result.rules]
    for rule in result.with_status(Outcome.FAILED, Outcome.ERROR):
        # One message tells what is wrong; the JSON result has them all.
        lines += ["", "-" * 72, rule.messages[0] if rule.messages else ""]
        more = len(rule.messages) - 1
        if more > 0:
            lines.append(f"{'':16}and {more} more like it, see --json")
    for trouble in result.trouble:
        lines += ["", "-" * 72, trouble]
    return "\n".join(lines)


def render_rule(rule: Rule) -> str:
    """Everything about one rule."""
    lines = [
        f"{rule.id} ({rule.level})",
        *textwrap.wrap(rule.sentence, 72),
        "",
        *textwrap.wrap(f"Why: {rule.reason}", 72),
        "",
        f"Contract: {rule.section}",
    ]
    if rule.sources:
        lines.append(f"Sources: {', '.join(rule.sources)}")
    for capability in rule.requires:
        lines.append(f"Requires: {capability.name}: {capability.sentence}")
    return "\n".join(lines)


def _head(result: RunResult) -> Iterator[str]:
    verdict = click.style(
        str(result.verdict),
        fg=_VERDICT_COLOURS[result.verdict],
        bold=True,
    )
    counts = ", ".join(
        f"{len(rules)} {outcome}"
        for outcome in Outcome
        if (rules := result.with_status(outcome))
    )
    evidence = sum(rule.evidence for rule in result.rules)
    if result.interrupted:
        yield "interrupted: what follows is not the whole result"
    yield f"{verdict}: {result.driver}"
    yield f"rules: {counts}; claims evaluated: {evidence}"
    if result.verdict is Verdict.PARTIAL and result.selected:
        yield "Only some rules were selected, so conformance is not decided."


def _line(result: RuleResult) -> str:
    status = click.style(f"{result.status!s:<13}", fg=_COLOURS[result.status])
    rule = result.rule
    indent = " " * 37
    sentence = textwrap.fill(
        rule.sentence, 100, initial_indent=indent, subsequent_indent=indent
    ).lstrip()
    return (
        f"{rule.id:<8} {rule.level!s:<7}{status} {result.evidence:>4} x "
        f" {sentence}"
    )
