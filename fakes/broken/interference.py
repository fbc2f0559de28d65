# SPDX-License-Identifier: Apache-2.0
"""Defects that show when others are at work in the middle of an operation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fakes.broken.registry import BrokenDriver
from fakes.good.extents import ExtentAdapter
from fakes.good.extents import ExtentDriver
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import InvalidVolume


class TidiesUpForStatistics(RemoteFSAssistedDriver):
    """Counts what is free after removing what nobody seems to need."""

    def get_volume_stats(self, refresh: bool = False) -> dict[str, Any]:
        for unfinished in Path(self._directory).glob("*.new"):
            unfinished.unlink(missing_ok=True)
        return super().get_volume_stats(refresh)


class BusyForConnections(RemoteFSAssistedDriver):
    """Names no image while it is at work on one."""

    _busy = False

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._busy = True
        try:
            return super().create_snapshot_assisted_begin(snapshot_ref)
        finally:
            self._busy = False

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        if self._busy:
            raise InvalidVolume(f"volume {volume.id} is being worked on")
        return super().initialize_connection(volume, connector)


class FreesCopiesDriver(ExtentDriver):
    """Has copies share the data of their snapshot, and frees it with that."""

    def __init__(self, configuration: Any) -> None:
        super().__init__(configuration)
        self._copies: dict[str, list[Path]] = {}

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        super().create_volume_from_snapshot(volume, snapshot)
        copies = self._copies.setdefault(snapshot.id, [])
        copies.append(self._device(volume))

    def delete_snapshot_assisted_complete(self, snapshot_ref: Any) -> None:
        super().delete_snapshot_assisted_complete(snapshot_ref)
        for copy in self._copies.pop(snapshot_ref.id, ()):
            if copy.exists():
                with copy.open("r+b") as device:
                    size = device.seek(0, 2)
                    device.truncate(0)
                    device.truncate(size)


class FreesCopies(ExtentAdapter):
    """Constructs the driver."""

    driver_class = FreesCopiesDriver


BROKEN = (
    BrokenDriver(TidiesUpForStatistics, ("RAC-001",)),
    BrokenDriver(BusyForConnections, ("RAC-001", "RAC-002"), ("bug 1860913",)),
    BrokenDriver(FreesCopies, ("RAC-003",)),
)
