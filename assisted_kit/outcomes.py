# SPDX-License-Identifier: Apache-2.0
"""How a single test of a rule ended."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field


class Outcome(enum.StrEnum):
    """How a rule, or one test of it, ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    """The claim could not be evaluated."""
    NOT_ARRANGED = "not arranged"
    """What the test begins with, the driver did not do: the claim was not
    evaluated, and another rule says what is wrong."""
    SKIPPED = "skipped"
    """It is for an ability that the driver does not declare."""
    NOT_APPLICABLE = "not applicable"
    """It is not for drivers of this profile."""
    NOT_EXERCISED = "not exercised"
    """No claim was evaluated, though one should have been."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test of one rule."""

    __test__ = False

    rule_id: str
    name: str
    outcome: Outcome
    evidence: int = 0
    """How many times the claim was evaluated."""
    message: str = ""
    crash_points: int = 0
    """At how many points a service was killed, in a crash sweep."""
    seconds: float = 0.0
    """How long it took; 0 where that is not known."""
    finding: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What was expected and observed, where it did not go well."""

    @property
    def is_evidence(self) -> bool:
        """Whether the test found something out about the driver."""
        judged = self.outcome in (Outcome.PASSED, Outcome.FAILED)
        return judged and self.evidence > 0
