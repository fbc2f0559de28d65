# SPDX-License-Identifier: Apache-2.0
"""Which rule a test verifies, and of which drivers."""

from __future__ import annotations

import testtools

from assisted_kit import subject as subjects
from assisted_kit.capabilities import Capability
from assisted_kit.errors import AssistedKitError
from assisted_kit.rules import Rule
from assisted_kit.subject import Subject
from conformance.rows import REQUIRES


class UndeclaredUse(AssistedKitError):
    """A test uses an ability of the driver that it does not declare."""


class ApplicableTest(testtools.TestCase):
    """A test of a rule, or of none, that says what it requires."""

    subject: Subject
    """The driver, once the test has been set up."""

    assisted_skip = ""
    """Why it says nothing: ``capability``, ``profile``, ``environment`` (what
    this process may not do here), ``no evidence``."""

    assisted_crash_points = 0
    """At how many points a service was killed in the test."""

    assisted_works = ""
    """The capability that a test of no rule saw working, if it did."""

    @classmethod
    def assisted_subject(cls) -> Subject:
        """The driver that the class is about."""
        return subjects.from_environment()

    @property
    def assisted_rule(self) -> Rule:
        """The rule that the test verifies.

        :raises AttributeError: it is a test of no rule.
        """
        test = getattr(self, self._testMethodName)
        rule: Rule = test.assisted_rule
        return rule

    @property
    def assisted_probe(self) -> bool:
        """Whether the test is of no rule."""
        test = getattr(self, self._testMethodName)
        return getattr(test, "assisted_probe", False)

    @property
    def assisted_requires(self) -> frozenset[Capability]:
        """What the test uses, its arrangement and its row included."""
        test = getattr(self, self._testMethodName)
        # A vendor's class has tests of many classes.
        home = next(
            c for c in reversed(type(self).__mro__) if test.__name__ in vars(c)
        )
        marked = (test, *home.__mro__)
        return frozenset(self.assisted_rule.requires).union(
            *(vars(where).get(REQUIRES, ()) for where in marked)
        )

    def uses(self, capability: Capability) -> None:
        """See that the test says what it uses of the driver.

        :raises UndeclaredUse: it does not, so it would fail drivers that
            declare that they cannot do it.
        """
        if self.assisted_probe:
            return
        if capability not in self.assisted_requires:
            raise UndeclaredUse(
                f"{self.id()} uses {capability.name} and does not say so"
            )

    def _skip_unless_it_applies(self) -> None:
        adapter = self.subject.adapter
        profile = adapter.profile
        if profile not in self.assisted_rule.profiles:
            self.assisted_skip = "profile"
            self.skipTest(f"the rule is not for {profile} drivers")
        for capability in sorted(
            self.assisted_requires - adapter.capabilities,
            key=lambda c: c.name,
        ):
            self.assisted_skip = "capability"
            self.skipTest(
                f"the driver does not declare {capability.name}: "
                f"{capability.sentence}"
            )

    def skip_if_declared(self, capability: Capability) -> None:
        """Leave it to the rules that require it."""
        if capability in self.subject.adapter.capabilities:
            self.assisted_skip = "capability"
            self.skipTest(f"the driver declares {capability.name}")
