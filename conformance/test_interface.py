# SPDX-License-Identifier: Apache-2.0
"""The interface: what the manager finds when it looks at a driver."""

from __future__ import annotations

from assisted_kit.driver import interface_faults
from conformance.case import ConformanceTest
from conformance.case import verifies


class InterfaceTest(ConformanceTest):
    """Contract section 1."""

    @verifies("SIG-001")
    def test_hooks_take_exactly_one_positional_argument(self) -> None:
        faults = interface_faults(self.deploy().driver.unobserved)
        self.claim(
            not faults,
            "four hooks that take one positional argument",
            "; ".join(faults),
        )

    @verifies("SIG-002")
    def test_support_is_declared_by_a_bool(self) -> None:
        declared = self.deploy().driver.supports_assisted_snapshots
        self.claim(
            declared is True,
            "supports_assisted_snapshots: True",
            f"supports_assisted_snapshots: {declared!r}",
        )
