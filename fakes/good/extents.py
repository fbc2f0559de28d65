# SPDX-License-Identifier: Apache-2.0
"""A driver that is not file-based: the storage takes the snapshots.

A guest's disk is a raw device, here a file that the connection information
names by its path, and stays that device whatever is snapshotted: the chain
of an attached volume never changes, so there is nothing to ask the compute
service for (contract section 2).  What a snapshot holds is in a pool of
extents and read through a volume that is created from it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assisted_kit.adapter import DriverAdapter
from assisted_kit.image import Image
from fakes.good.pool import Pool

GIB = 1024**3


class Refused(Exception):
    """The operation cannot be carried out; nothing was changed."""


class ExtentDriver:
    """Snapshots by the storage, under a guest that notices nothing."""

    assisted_capabilities = (
        "raw_base",
        "create_from_snapshot",
        "clone",
        "cascade",
        "extend_with_snapshots",
        "revert",
    )

    supports_assisted_snapshots = True

    def __init__(self, configuration: Any) -> None:
        self._share = Path(configuration.share_directory)
        self._devices = self._share / "devices"
        self._pool = Pool(self._share)

    def check_for_setup_error(self) -> None:
        self._devices.mkdir(exist_ok=True)

    # -- volumes

    def create_volume(self, volume: Any) -> None:
        if volume.encryption_key_id:
            raise Refused(f"volume {volume.id} is encrypted")
        with self._device(volume).open("xb") as file:
            file.truncate(volume.size * GIB)

    def delete_volume(self, volume: Any) -> None:
        self._device(volume).unlink(missing_ok=True)

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> None:
        if not self._pool.has(snapshot.id):
            raise Refused(f"there is no snapshot {snapshot.id}")
        self.create_volume(volume)
        self._thaw(snapshot, volume)

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> None:
        self.create_volume(volume)
        source, copy = self._device(src_vref), self._device(volume)
        command = ["cp", "--sparse=always", str(source), str(copy)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        self.extend_volume(volume, volume.size)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        with self._device(volume).open("r+b") as file:
            file.truncate(new_size * GIB)

    def revert_to_snapshot(
        self, context: Any, volume: Any, snapshot: Any
    ) -> None:
        if volume.attach_status == "attached":
            raise Refused(f"volume {volume.id} is attached")
        self._thaw(snapshot, volume)

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        path = str(self._device(volume))
        return {
            "driver_volume_type": "local",
            "data": {"device_path": path, "format": "raw"},
        }

    def terminate_connection(
        self, volume: Any, connector: Mapping[str, Any], **_others: Any
    ) -> None:
        """Nothing was done to connect."""

    # -- the hooks

    def create_snapshot_assisted_begin(self, snapshot_ref: Any) -> None:
        _check_attachments(snapshot_ref.volume)

    def create_snapshot_assisted_complete(self, snapshot_ref: Any) -> None:
        # Taken once: a guest may have written since.
        if not self._pool.has(snapshot_ref.id):
            device = self._device(snapshot_ref.volume)
            self._pool.freeze(snapshot_ref.id, device)

    def delete_snapshot_assisted_begin(self, snapshot_ref: Any) -> None:
        _check_attachments(snapshot_ref.volume)

    def delete_snapshot_assisted_complete(self, snapshot_ref: Any) -> None:
        self._pool.forget(snapshot_ref.id)

    def _thaw(self, snapshot: Any, volume: Any) -> None:
        device = self._device(volume)
        new = device.with_suffix(".new")
        self._pool.thaw(snapshot.id, new, volume.size * GIB)
        new.replace(device)

    def _device(self, volume: Any) -> Path:
        return self._devices / f"{volume.name}.device"


def _check_attachments(volume: Any) -> None:
    count = len(volume.volume_attachment)
    if volume.attach_status == "attached" and count != 1:
        raise Refused(f"volume {volume.id} has {count} attachments")


class ExtentAdapter(DriverAdapter):
    """Finds a device by its path."""

    driver_class = ExtentDriver

    def image(self, share: Path, connection_info: Mapping[str, Any]) -> Image:
        return Image(
            Path(connection_info["device_path"]), connection_info["format"]
        )
