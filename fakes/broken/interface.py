# SPDX-License-Identifier: Apache-2.0
"""Defects of the interface itself."""

from __future__ import annotations

from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver.chain import Chain
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles


class TakesContext(RemoteFSAssistedDriver):
    """An override that kept a signature of long ago."""

    def delete_snapshot_assisted_begin(  # type: ignore[override]
        self, context: Any, snapshot_ref: Any
    ) -> dict[str, Any]:
        return super().delete_snapshot_assisted_begin(snapshot_ref)


class SaysYes(RemoteFSAssistedDriver):
    """A property that is true whatever it says."""

    @property
    def supports_assisted_snapshots(self) -> Any:
        return "yes"


class TakesNoForce(RemoteFSAssistedDriver):
    """An override that takes neither Cinder's keyword nor any other."""

    def terminate_connection(  # type: ignore[override]
        self, volume: Any, connector: Any
    ) -> None:
        return super().terminate_connection(volume, connector)


class WantsSize(RemoteFSAssistedDriver):
    """A copy whose signature changed, and whose caller did not."""

    def create_volume_from_snapshot(  # type: ignore[override]
        self, volume: Any, snapshot: Any, volume_size: int
    ) -> dict[str, Any]:
        return super().create_volume_from_snapshot(volume, snapshot)


class DriftedInside(RemoteFSAssistedDriver):
    """An override of an internal method, whose callers have changed."""

    def _copy(  # type: ignore[override]
        self, source: VolumeFiles, chain: Chain, volume: Any
    ) -> dict[str, Any]:
        return super()._copy(source, chain, chain.active.name, volume)


BROKEN = (
    BrokenDriver(TakesContext, ("SIG-001",), ("bug 2042102", "bug 1437290")),
    BrokenDriver(SaysYes, ("SIG-002",)),
    BrokenDriver(TakesNoForce, ("SIG-003",)),
    BrokenDriver(WantsSize, ("SIG-004",)),
    BrokenDriver(DriftedInside, ("ABL-001", "ABL-002"), ("LIVE-5",)),
)
