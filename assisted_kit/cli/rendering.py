# SPDX-License-Identifier: Apache-2.0
"""A run's result as a person reads it in a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator
from collections.abc import Mapping

import click

from assisted_kit.abilities import Ability
from assisted_kit.abilities import AbilityStatus
from assisted_kit.capabilities import Capability
from assisted_kit.results import Outcome
from assisted_kit.results import RuleResult
from assisted_kit.results import RunResult
from assisted_kit.results import Verdict
from assisted_kit.rules import Profile
from assisted_kit.rules import Rule

_COLOURS = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "red",
    Outcome.ERROR: "red",
    Outcome.NOT_ARRANGED: "yellow",
    Outcome.SKIPPED: "yellow",
    Outcome.NOT_APPLICABLE: "yellow",
    Outcome.NOT_EXERCISED: "red",
}

_VERDICT_COLOURS = {
    Verdict.CONFORMANT: "green",
    Verdict.NOT_CONFORMANT: "red",
    Verdict.PARTIAL: "yellow",
}


WIDEST = 100
"""Columns beyond which text is hard to read."""

NARROWEST = 40

_INDENT = 37
"""Columns in front of a rule's sentence."""


def width() -> int:
    """The columns to fill: the terminal's, as far as that is sensible."""
    if not sys.stdout.isatty():
        return WIDEST
    columns = shutil.get_terminal_size((WIDEST, 24)).columns
    return max(NARROWEST, min(WIDEST, columns))


def render(result: RunResult, columns: int = WIDEST) -> str:
    """The verdict first, then every rule, then what failed and why."""
    rule_off = "-" * min(72, columns)
    lines = [*_head(result, columns), ""]
    lines += [_line(rule, columns) for rule in result.rules]
    lines += _notes(result, columns)
    for rule in _explained(result):
        # One message tells what is wrong; the JSON result has them all.
        lines += ["", rule_off, rule.messages[0] if rule.messages else ""]
        more = len(rule.messages) - 1
        if more > 0:
            lines.append(f"{'':16}and {more} more like it, see --json")
    said = {message for rule in result.rules for message in rule.messages}
    for trouble in result.trouble:
        if trouble in said:
            continue
        lines += ["", rule_off, trouble]
    return "\n".join(lines)


def _explained(result: RunResult) -> list[RuleResult]:
    """The rules whose messages are shown."""
    # A driver that cannot do what most tests begin with has as many rules
    # that say so, and what it is about in those that failed.
    not_arranged = result.with_status(Outcome.NOT_ARRANGED)[:1]
    return result.with_status(Outcome.FAILED, Outcome.ERROR) or not_arranged


def summary(result: RunResult, columns: int = WIDEST) -> str:
    """What is to be said where the failures have been shown already."""
    columns = max(NARROWEST, min(WIDEST, columns))
    lines = [*_head(result, columns)]
    open_ = result.with_status(
        Outcome.FAILED,
        Outcome.ERROR,
        Outcome.NOT_ARRANGED,
        Outcome.NOT_EXERCISED,
    )
    if open_:
        lines += ["", *(_line(rule, columns) for rule in open_)]
    return "\n".join([*lines, *_notes(result, columns)])


def render_rule(rule: Rule, columns: int = WIDEST) -> str:
    """Everything about one rule."""
    columns = min(72, columns)
    lines = [
        f"{rule.id} ({rule.level})",
        *textwrap.wrap(rule.sentence, columns),
        "",
        *textwrap.wrap(f"Why: {rule.reason}", columns),
        "",
        f"Contract: {rule.section}",
    ]
    if rule.sources:
        lines.append(f"Sources: {', '.join(rule.sources)}")
    for capability in rule.requires:
        lines.append(f"Requires: {capability.name}: {capability.sentence}")
    return "\n".join(lines)


def _notes(result: RunResult, columns: int) -> Iterator[str]:
    """What the rules alone do not tell, a paragraph each."""
    for colour, note in _said(result):
        first, *more = textwrap.wrap(note, columns, subsequent_indent=" " * 10)
        yield ""
        yield click.style(first, fg=colour)
        yield from more


def _said(result: RunResult) -> Iterator[tuple[str | None, str]]:
    for ability in result.unproven:
        yield "red", f"declared, not exercised: {_sentence(ability)}"
    for what in result.tampered:
        yield "red", f"not the suite's own: {what}"
    not_arranged = result.with_status(Outcome.NOT_ARRANGED)
    if not_arranged:
        ids = ", ".join(rule.rule.id for rule in not_arranged)
        yield (
            None,
            f"not arranged: the driver did not do what the tests of these "
            f"rules begin with, so mend what failed first ({ids})",
        )
    # The reason once for all rules that it concerns.
    concerned: dict[str, list[str]] = {}
    for rule in result.rules:
        for reason in rule.skips:
            concerned.setdefault(reason, []).append(rule.rule.id)
    for reason, rule_ids in concerned.items():
        yield None, f"left out: {reason} ({', '.join(rule_ids)})"
    for what in result.left_out:
        yield None, f"left out: {what}"
    for ability in result.abilities:
        if ability.status is AbilityStatus.WORKS:
            yield None, f"works, and is not declared: {_sentence(ability)}"


def _sentence(ability: Ability) -> str:
    return f"{ability.name}: {Capability[ability.name].sentence}"


def _head(result: RunResult, columns: int) -> Iterator[str]:
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
    said = [f"rules: {counts}; claims evaluated: {evidence}"]
    if result.combinations:
        said.append(_combinations(*result.combinations))
    if result.crash_points:
        said.append(_crash_points(result.crash_points))
    if result.profile not in (None, Profile.ASSISTED):
        said.insert(0, f"profile: {result.profile}")
    if result.verdict is Verdict.PARTIAL and result.selected:
        said.append(
            "Only some of the suite was selected, so conformance is not "
            "decided."
        )
        if spared := [rule for rule in result.did_not_run if rule.is_spared]:
            ids = ", ".join(rule.rule.id for rule in spared)
            said.append(
                f"{ids} was selected and is not for this driver, so the exit "
                f"status is not 0."
            )
    for sentence in said:
        yield from textwrap.wrap(sentence, columns)


def _combinations(selected: int, there: int) -> str:
    """How much of the fault matrix the run has."""
    if selected == there:
        return f"fault matrix: all {there:,} combinations"
    return (
        f"fault matrix: {selected:,} of {there:,} combinations (pairwise; "
        f"--exhaustive runs all)"
    )


def _crash_points(swept: Mapping[str, int]) -> str:
    """At how many points services were killed."""
    by_rule = ", ".join(f"{rule} {count}" for rule, count in swept.items())
    return f"crash points: {sum(swept.values())} ({by_rule})"


def _line(result: RuleResult, columns: int) -> str:
    status = click.style(f"{result.status!s:<13}", fg=_COLOURS[result.status])
    rule = result.rule
    head = f"{rule.id:<8} {rule.level!s:<7}{status} {result.evidence:>4} x"
    if columns < 2 * _INDENT:
        indent = " " * 9
        below = textwrap.fill(
            rule.sentence,
            columns,
            initial_indent=indent,
            subsequent_indent=indent,
        )
        return f"{head}\n{below}"
    indent = " " * _INDENT
    sentence = textwrap.fill(
        rule.sentence,
        columns,
        initial_indent=indent,
        subsequent_indent=indent,
    ).lstrip()
    return f"{head} {sentence}"
