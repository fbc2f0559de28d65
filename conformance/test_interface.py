# SPDX-License-Identifier: Apache-2.0
"""The interface: what the manager finds when it looks at a driver."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import ddt

from assisted_kit.capabilities import Capability
from assisted_kit.driver import interface_faults
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import Row
from conformance.rows import row


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


def called(
    name: str,
    *positional: str,
    keywords: Mapping[str, object] | None = None,
    requires: tuple[Capability, ...] = (),
) -> Row:
    """A method with the arguments that Cinder's volume manager passes."""
    return row(name, positional, keywords or {}, name=name, requires=requires)


@expanded
class OrdinaryMethodsTest(ConformanceTest):
    """Contract section 1: the ordinary Cinder volume driver interface."""

    @ddt.data(
        called("create_volume", "volume"),
        called("delete_volume", "volume"),
        called("initialize_connection", "volume", "connector"),
        called(
            "terminate_connection",
            "volume",
            "connector",
            keywords={"force": False},
        ),
    )
    @ddt.unpack
    @verifies("SIG-003")
    def test_every_driver_has(
        self, name: str, positional: tuple[str, ...], keywords: dict[str, bool]
    ) -> None:
        self._claim_takes(name, positional, keywords)

    @ddt.data(
        called(
            "create_volume_from_snapshot",
            "volume",
            "snapshot",
            requires=(Capability.create_from_snapshot,),
        ),
        called(
            "create_cloned_volume",
            "volume",
            "src_vref",
            requires=(Capability.clone,),
        ),
        called(
            "extend_volume",
            "volume",
            "new_size",
            requires=(Capability.extend_with_snapshots,),
        ),
        called(
            "revert_to_snapshot",
            "context",
            "volume",
            "snapshot",
            requires=(Capability.revert,),
        ),
        called(
            "copy_volume_to_image",
            "context",
            "volume",
            "image_service",
            "image_meta",
            requires=(Capability.upload,),
        ),
    )
    @ddt.unpack
    @verifies("SIG-004")
    def test_driver_that_declares_it_has(
        self, name: str, positional: tuple[str, ...], keywords: dict[str, bool]
    ) -> None:
        self._claim_takes(name, positional, keywords)

    def _claim_takes(
        self, name: str, positional: tuple[str, ...], keywords: dict[str, bool]
    ) -> None:
        method = getattr(self.deploy().driver.unobserved, name, None)
        passed = ", ".join([*positional, *(f"{k}=" for k in keywords)])
        if not callable(method):
            self.claim(False, f"a method {name}({passed})", f"{method!r}")
            return
        signature = inspect.signature(method)
        try:
            signature.bind(*positional, **keywords)
            trouble = ""
        except TypeError as error:
            trouble = f": {error}"
        self.claim(
            not trouble,
            f"{name} can be called with ({passed})",
            f"{name}{signature}{trouble}",
        )
