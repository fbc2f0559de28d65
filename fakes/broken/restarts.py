# SPDX-License-Identifier: Apache-2.0
"""Defects of whatever is kept in memory, or done only once."""

from __future__ import annotations

from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.driver import RemoteFSAssistedDriver


class RemembersOverlays(RemoteFSAssistedDriver):
    """Keeps in memory which overlay it has made for which snapshot."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._overlays_made: set[str] = set()

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._overlays_made.add(snapshot_ref.id)
        return super().create_snapshot_assisted_begin(snapshot_ref)

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._overlays_made.remove(snapshot_ref.id)
        return super().create_snapshot_assisted_complete(snapshot_ref)


class RemembersPlans(RemoteFSAssistedDriver):
    """Keeps in memory what complete will have to remove."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._planned: set[str] = set()

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._planned.add(snapshot_ref.id)
        return super().delete_snapshot_assisted_begin(snapshot_ref)

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._planned.remove(snapshot_ref.id)
        return super().delete_snapshot_assisted_complete(snapshot_ref)


class RecordsOnce(RemoteFSAssistedDriver):
    """Fails on a record that is there already."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        info = info_file.read(self._files(snapshot_ref.volume))
        if snapshot_ref.id in info.overlays:
            raise FileExistsError(info.overlays[snapshot_ref.id])
        return super().create_snapshot_assisted_complete(snapshot_ref)


BROKEN = (
    BrokenDriver(RemembersOverlays, ("RST-001",), ("bug 1310526",)),
    BrokenDriver(RemembersPlans, ("RST-002",), ("bug 1586604",)),
    BrokenDriver(RecordsOnce, ("RST-003",)),
)
