# SPDX-License-Identifier: Apache-2.0
"""What a run of the suite found out, rule by rule."""

from __future__ import annotations

import enum
import json
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from assisted_kit.abilities import Ability
from assisted_kit.abilities import AbilityStatus
from assisted_kit.driver import CONTRACT_VERSION
from assisted_kit.outcomes import Outcome as Outcome
from assisted_kit.outcomes import TestResult as TestResult
from assisted_kit.rules import Level
from assisted_kit.rules import Rule


class Verdict(enum.StrEnum):
    """What is said of the driver."""

    CONFORMANT = "conformant"
    NOT_CONFORMANT = "not conformant"
    PARTIAL = "partial"


class ExitStatus(enum.IntEnum):
    """The exit status of ``assisted-kit run``."""

    PASSED = 0
    """Conformant, or everything that was selected passed."""
    FAILED = 1
    """A MUST rule failed."""
    USAGE = 2
    """Wrong usage, an unknown rule or a missing configuration file."""
    NOT_RUN = 3
    """The kit could not run, or something selected did not run."""
    INTERRUPTED = 130


_EXPLAINED = (Outcome.FAILED, Outcome.ERROR, Outcome.NOT_ARRANGED)
_WORST_FIRST = (*_EXPLAINED, Outcome.NOT_EXERCISED)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule, from all of its tests."""

    rule: Rule
    tests: tuple[TestResult, ...]

    @property
    def evidence(self) -> int:
        """How many times the claim was evaluated."""
        return sum(test.evidence for test in self.tests)

    @property
    def status(self) -> Outcome:
        """The worst that happened; passed only with evidence."""
        outcomes = {test.outcome for test in self.tests}
        for worst in _WORST_FIRST:
            if worst in outcomes:
                return worst
        if Outcome.PASSED in outcomes and self.evidence:
            return Outcome.PASSED
        if outcomes == {Outcome.NOT_APPLICABLE}:
            return Outcome.NOT_APPLICABLE
        if outcomes == {Outcome.SKIPPED}:
            return Outcome.SKIPPED
        return Outcome.NOT_EXERCISED

    @property
    def is_spared(self) -> bool:
        """Whether it is not for this driver."""
        return self.status in (Outcome.SKIPPED, Outcome.NOT_APPLICABLE)

    @property
    def crash_points(self) -> int:
        """At how many points a service was killed."""
        return sum(test.crash_points for test in self.tests)

    @property
    def messages(self) -> list[str]:
        """What tests that went wrong say, each once, the worst ones first."""
        said = (
            test.message
            for outcome in _EXPLAINED
            for test in self.tests
            if test.outcome is outcome and test.message
        )
        return list(dict.fromkeys(said))

    @property
    def failures(self) -> list[dict[str, str]]:
        """Each test that failed: what was expected and observed in it."""
        return [
            {"test": test.name, **test.finding}
            for test in self.tests
            if test.outcome is Outcome.FAILED
        ]

    @property
    def skips(self) -> list[str]:
        """Why tests were skipped, each reason once.

        A rule that passed may still have rows that did not run.
        """
        return sorted(
            {
                test.message
                for test in self.tests
                if test.outcome is Outcome.SKIPPED
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """The rule's entry in the JSON result."""
        entry: dict[str, Any] = {
            "id": self.rule.id,
            "level": str(self.rule.level),
            "status": str(self.status),
            "evidence": self.evidence,
        }
        if self.crash_points:
            entry["crash_points"] = self.crash_points
        if self.messages:
            entry["message"] = "\n\n".join(self.messages)
        if self.failures:
            entry["failures"] = self.failures
        if self.skips:
            entry["skipped"] = self.skips
        return entry


@dataclass(frozen=True, slots=True)
class RunResult:
    """A whole run."""

    driver: str
    rules: tuple[RuleResult, ...]
    """Those that were selected, in the catalogue's order."""
    selected: bool = False
    """Whether only some rules or tests were asked for."""
    interrupted: bool = False
    trouble: Sequence[str] = field(default_factory=tuple)
    """What kept the kit from running, apart from any rule."""
    profile: str | None = None
    """How the manager drives the driver; None if that was never known."""
    abilities: Sequence[Ability] = field(default_factory=tuple)
    """What became of each capability."""
    left_out: Sequence[str] = field(default_factory=tuple)
    """Tests of the suite that did not run, and who said so."""
    tampered: Sequence[str] = field(default_factory=tuple)
    """What of the kit was overridden or replaced."""
    combinations: Sequence[int] = ()
    """Those of the fault matrix that were to run, and how many there are;
    empty if none was."""

    @property
    def crash_points(self) -> dict[str, int]:
        """At how many points each rule's sweeps killed a service."""
        return {
            rule.rule.id: rule.crash_points
            for rule in self.rules
            if rule.crash_points
        }

    @property
    def began(self) -> bool:
        """Whether there is anything to say of any rule."""
        return any(rule.tests for rule in self.rules)

    def with_status(self, *statuses: Outcome) -> list[RuleResult]:
        """The rules that ended in one of these ways."""
        return [rule for rule in self.rules if rule.status in statuses]

    @property
    def violated(self) -> list[RuleResult]:
        """MUST rules that failed."""
        return [
            rule
            for rule in self.with_status(Outcome.FAILED)
            if rule.rule.level is Level.MUST
        ]

    @property
    def did_not_run(self) -> list[RuleResult]:
        """MUST rules that left the question open.

        A skipped rule does, when it was asked for by name; otherwise it
        is for an optional ability that the driver does not have.
        """
        open_ = [
            Outcome.ERROR,
            Outcome.NOT_ARRANGED,
            Outcome.NOT_EXERCISED,
        ]
        if self.selected:
            open_ += [Outcome.SKIPPED, Outcome.NOT_APPLICABLE]
        return [
            rule
            for rule in self.with_status(*open_)
            if self.selected or rule.rule.level is Level.MUST
        ]

    @property
    def unproven(self) -> list[Ability]:
        """Declared abilities of which no test evaluated a claim.

        A selection of tests may leave them out.
        """
        if self.selected:
            return []
        return [
            ability
            for ability in self.abilities
            if ability.status is AbilityStatus.NOT_EXERCISED
        ]

    @property
    def is_unreliable(self) -> bool:
        """Whether something kept the run from deciding its question."""
        return bool(
            self.trouble
            or self.did_not_run
            or self.unproven
            or self.tampered
            # Skipping everything is no way to conform.
            or not self.with_status(Outcome.PASSED, Outcome.FAILED)
        )

    @property
    def verdict(self) -> Verdict:
        """What can be said of the driver."""
        if self.violated:
            return Verdict.NOT_CONFORMANT
        if self.selected or self.interrupted or self.is_unreliable:
            return Verdict.PARTIAL
        return Verdict.CONFORMANT

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status of ``assisted-kit run``."""
        if self.interrupted:
            return ExitStatus.INTERRUPTED
        if self.violated:
            return ExitStatus.FAILED
        if self.is_unreliable:
            return ExitStatus.NOT_RUN
        return ExitStatus.PASSED

    def as_dict(self) -> dict[str, Any]:
        """The JSON result."""
        result: dict[str, Any] = {
            "verdict": str(self.verdict),
            "driver": self.driver,
            "profile": self.profile,
            "contract": CONTRACT_VERSION,
            "rules": [rule.as_dict() for rule in self.rules],
            "capabilities": {a.name: str(a.status) for a in self.abilities},
        }
        if self.combinations:
            selected, there = self.combinations
            result["fault_matrix"] = {"selected": selected, "of": there}
        if self.interrupted:
            result["interrupted"] = True
        for name in ("left_out", "tampered", "trouble"):
            said = getattr(self, name)
            if said:
                result[name] = list(said)
        return result


def as_json(results: Mapping[str | None, RunResult]) -> str:
    """The JSON result as text, of a driver or of the back ends by name.

    :param results: of a driver that is no back end, under None.
    """
    content = {name: result.as_dict() for name, result in results.items()}
    said = content.get(None, {"backends": content})
    return json.dumps(said, indent=2) + "\n"


def by_rule(
    rules: Iterable[Rule], tests: Iterable[TestResult]
) -> tuple[RuleResult, ...]:
    """Put the results of tests under their rules."""
    rules = list(rules)
    found: dict[str, list[TestResult]] = {rule.id: [] for rule in rules}
    for test in tests:
        if test.rule_id in found:
            found[test.rule_id].append(test)
    return tuple(RuleResult(rule, tuple(found[rule.id])) for rule in rules)
