# SPDX-License-Identifier: Apache-2.0
"""The base of every conformance test, and the marks of its tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import TypeVar

from conformance import catalogue
from conformance.claims import ClaimingTest

Test = TypeVar("Test", bound=Callable[..., Any])


def verifies(rule_id: str) -> Callable[[Test], Test]:
    """Name the rule that a test verifies.

    :raises KeyError: there is no such rule.
    """
    rule = catalogue.BY_ID[rule_id]

    def name(test: Test) -> Test:
        test.assisted_rule = rule  # type: ignore[attr-defined]
        return test

    return name


def reports(test: Test) -> Test:
    """Mark a test of no rule, which finds something out and judges nothing."""
    test.assisted_probe = True  # type: ignore[attr-defined]
    return test


class ConformanceTest(ClaimingTest):
    """A test whose claims about the driver are counted and explained.

    It is skipped where its rule does not apply (``applicability``).  It
    arranges a volume (``arrangement``) and claims something of it
    (``claims``); if that does not hold, it says why (``explanation``).
    """

    def setUp(self) -> None:
        super().setUp()
        self.addOnException(self._explain)
        # Clean-up is last in, first out, so this is the last word.
        self.addCleanup(self._see_evidence)
        self.subject = self.assisted_subject()
        if not self.assisted_probe:
            self._skip_unless_it_applies()
