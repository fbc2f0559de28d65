# SPDX-License-Identifier: Apache-2.0
"""What works and is not declared: reported, and of no rule."""

from __future__ import annotations

import contextlib

import ddt

from assisted_kit.capabilities import Capability
from conformance import probes
from conformance.case import ConformanceTest
from conformance.case import reports
from conformance.rows import expanded
from conformance.rows import row


@expanded
class UndeclaredAbilityTest(ConformanceTest):
    """An attempt at each ability that the driver does not declare."""

    @ddt.data(*(row(c, name=c.name) for c in probes.PROBES))
    @ddt.unpack
    @reports
    def test_ability(self, capability: Capability) -> None:
        self.skip_if_declared(capability)
        # The driver has not said that it can, so it may fail as it likes.
        with contextlib.suppress(Exception):
            if probes.works(self, capability):
                self.assisted_works = capability.name
