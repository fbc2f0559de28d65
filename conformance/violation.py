# SPDX-License-Identifier: Apache-2.0
"""The message of a rule that a driver violates.

Written for the vendor's engineer who has never seen this kit: the rule and
why it exists, what was expected and observed, the chain before and after,
what the hooks returned, what Nova was told, what the driver started and
logged, and how to repeat it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from assisted_kit.rules import Rule
from conformance import timeline
from conformance.timeline import Moment

WIDTH = 16
"""Columns of the titles."""

COLUMNS = 88
"""Columns of what is wrapped; names and commands are not."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was going on when a claim was evaluated."""

    program: str = ""
    """The steps, where a machine has chosen them."""
    chain_before: str = ""
    chain_after: str = ""
    hooks: Sequence[str] = ()
    nova: Sequence[str] = ()
    commands: Sequence[str] = ()
    log: Sequence[str] = ()
    traceback: str = ""
    timeline: Sequence[Moment] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """Long names to the short ones that stand for them."""


class Violation(AssertionError):
    """A claim about the driver does not hold."""


class OperationFailed(AssertionError):
    """An operation ended in another status than it should have."""

    def __init__(self, operation: str, expected: str, observed: str) -> None:
        super().__init__(f"{operation}: {observed} instead of {expected}")
        self.expected = f"{operation} ends in {expected}"
        self.observed = f"it ended in {observed}"


class NotArranged(AssertionError):
    """What a test begins with did not come about; its rule is not judged."""

    def __init__(self, expected: str, observed: str) -> None:
        super().__init__(f"to begin with, {expected}: {observed}")
        self.expected = f"to begin with, {expected}"
        self.observed = observed


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim that does not hold, and everything about it."""

    rule: Rule
    expected: str
    observed: str
    evidence: Evidence
    repeat: str
    """The command that repeats it."""


def describe(finding: Finding, dossier: str = "") -> str:
    """The whole message.

    :param dossier: the folder in which there is more.
    """
    evidence = finding.evidence
    return _assembled(
        finding,
        _entry("hooks", evidence.hooks),
        _entry("Nova", evidence.nova),
        _entry("commands", evidence.commands),
        _entry("log", evidence.log),
        _entry("traceback", [evidence.traceback]),
        dossier=_entry("dossier", [dossier]),
    )


def retell(finding: Finding, causes: Sequence[str]) -> str:
    """The message of a dossier: all that happened in one order.

    :param causes: the lines that tell what may be wrong with the driver,
        the likeliest first.
    """
    evidence = finding.evidence
    return _assembled(
        finding,
        _entry("likely cause", causes),
        "",
        _entry("timeline", ["ms from the start, who, and what", ""]),
        *timeline.drawn(evidence.timeline),
        "",
        _entry("traceback", [evidence.traceback]),
    )


def in_short(
    finding: Finding, redacted: Callable[[str], str]
) -> dict[str, str]:
    """What a program is told of it: ``expected`` and ``observed``.

    And what the first hook that raised in the last operation has
    ``raised``, if one did: what came after is mostly its consequence.

    :param redacted: takes the secrets out of a text.
    """
    evidence = finding.evidence
    raised = [call for call in evidence.hooks if ") raised " in call]
    said = {"expected": finding.expected, "observed": finding.observed}
    if raised:
        said["raised"] = raised[0]
    return {
        key: redacted(_shortened(text, evidence.names))
        for key, text in said.items()
    }


def _assembled(
    finding: Finding, *middle: str | None, dossier: str | None = None
) -> str:
    rule, evidence = finding.rule, finding.evidence
    sources = "; ".join((f"contract {rule.section}", *rule.sources))
    sections = [
        _entry(f"{rule.id} {rule.level}", [_wrapped(rule.sentence)]),
        _entry("why", [_wrapped(rule.reason)]),
        _entry("source", [_wrapped(sources)]),
        "",
        _entry("expected", [finding.expected]),
        _entry("observed", [finding.observed]),
        "",
        _entry("program", [evidence.program]),
        _entry("chain before", [evidence.chain_before]),
        _entry("chain after", [evidence.chain_after]),
        *middle,
    ]
    text = _shortened(
        "\n".join(s for s in sections if s is not None), evidence.names
    )
    legend = [
        f"{short} = {long}"
        for long, short in evidence.names.items()
        if short in text
    ]
    tail = [
        _entry("names", legend),
        dossier,
        _entry("repeat", [finding.repeat]),
    ]
    return "\n".join([text, *(s for s in tail if s is not None)])


def _shortened(text: str, names: Mapping[str, str]) -> str:
    for long, short in names.items():
        text = text.replace(long, short)
    return text


def _wrapped(text: str) -> str:
    return textwrap.fill(text, COLUMNS - WIDTH, break_on_hyphens=False)


def _entry(title: str, lines: Sequence[str]) -> str | None:
    lines = [line for line in lines if line]
    if not lines:
        return None
    body = "\n".join(lines)
    indented = textwrap.indent(body, " " * WIDTH)
    return f"{title:<{WIDTH}}{indented.lstrip()}"
