# SPDX-License-Identifier: Apache-2.0
"""What became of each capability in a run: declared, exercised, or neither.

What a driver declares has to be seen working, as a rule has; what works
without being declared is worth a line, since none of its rules ran.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass

from assisted_kit.capabilities import Capability
from assisted_kit.outcomes import Outcome
from assisted_kit.outcomes import TestResult
from assisted_kit.plan import DriverFacts
from assisted_kit.plan import PlannedTest


class AbilityStatus(enum.StrEnum):
    """What a run can say of a capability."""

    EXERCISED = "exercised"
    """Declared, and a test that uses it evaluated its claim."""
    NOT_EXERCISED = "not exercised"
    """Declared, and no test that uses it evaluated its claim."""
    NO_TESTS = "no tests"
    """Declared, and the run has no test that uses it."""
    NOT_DECLARED = "not declared"
    WORKS = "works, not declared"


@dataclass(frozen=True, slots=True)
class Ability:
    """A capability, and what became of it."""

    name: str
    status: AbilityStatus


def account(
    facts: DriverFacts,
    tests: Iterable[PlannedTest],
    results: Iterable[TestResult],
    works: Collection[str],
) -> tuple[Ability, ...]:
    """What became of every capability, in the order of their list.

    :param works: those that a probe found to work.
    """
    found: dict[str, list[TestResult]] = {}
    for result in results:
        found.setdefault(result.name, []).append(result)
    tests = list(tests)
    return tuple(
        Ability(c.name, _status(c.name, facts, tests, found, works))
        for c in Capability
    )


def _status(
    name: str,
    facts: DriverFacts,
    tests: list[PlannedTest],
    found: Mapping[str, list[TestResult]],
    works: Collection[str],
) -> AbilityStatus:
    if name not in facts.declared:
        if name in works:
            return AbilityStatus.WORKS
        return AbilityStatus.NOT_DECLARED
    using = [
        results
        for test in tests
        if name in test.requires
        and not _is_not_applicable(results := found.get(test.name, []))
    ]
    if not using:
        return AbilityStatus.NO_TESTS
    if any(result.is_evidence for results in using for result in results):
        return AbilityStatus.EXERCISED
    return AbilityStatus.NOT_EXERCISED


def _is_not_applicable(results: list[TestResult]) -> bool:
    return any(r.outcome is Outcome.NOT_APPLICABLE for r in results)
