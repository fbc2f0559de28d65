# SPDX-License-Identifier: Apache-2.0
"""What QuobyteDriver and VZStorageDriver get wrong beyond NfsDriver.

Each class is one defect, as in :mod:`reference_driver.migrated.mends`.
"""

from __future__ import annotations

from typing import Any

from cinder import exception
from cinder.volume.drivers import remotefs

from reference_driver.migrated.handed import Handed
from reference_driver.migrated.working import Working


class RecordedResize(Working):
    """What is extended is probed (quobyte.py:615, vzstorage.py:452)."""

    def extend_volume(self, volume: Any, size_gb: int) -> None:
        if self._is_volume_attached(volume):
            raise exception.ExtendVolumeError(
                reason=f"volume {volume.id} is attached"
            )
        self.books.extend(volume, int(size_gb))


class FormatInUse(Working):
    """The format that is recorded for the volume is named for whatever image
    is in use, the overlay of a pending create included (quobyte.py:533)."""

    def ensure_volume_format(self, volume: Any) -> str:
        work = self.work
        if work is not None and work.volume is volume:
            return work.state.chain.active.format
        format_: str = super().ensure_volume_format(volume)
        return format_


class RestoringSources(Working):
    """A snapshot that a backup is being restored of, or a volume is being
    reverted to, is not copied (quobyte.py:358)."""

    def _create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> Any:
        if snapshot.status == "restoring":
            snapshot = Handed(snapshot, status="available")
        return super()._create_volume_from_snapshot(volume, snapshot)


class RecordsFormat(Working):
    """No format is recorded for a new volume, and its first snapshot ends in
    ``KeyError: 'format'`` before the info file is written
    (vzstorage.py:394)."""

    def _do_create_volume(self, volume: Any) -> None:
        format_ = self.format_of_new(volume)
        if format_ not in ("raw", "qcow2"):
            raise exception.InvalidVolume(
                reason=f"{format_} images have no overlays: only raw and "
                f"qcow2 ones are made"
            )
        super()._do_create_volume(volume)
        with volume.obj_as_admin():
            volume.admin_metadata["format"] = format_
            volume.save()

    def format_of_new(self, volume: Any) -> str:
        """The format that the driver gives a new volume."""
        format_: str = self.choose_volume_format(volume)
        return format_


class NamesRaw(Working):
    """A raw volume is attached as ``iso``, which no hypervisor knows: what
    Glance's name for a disk is to ``qemu-img`` is taken the other way round
    (vzstorage.py:382)."""

    def get_volume_format(self, volume: Any) -> str:
        name: str = super().get_volume_format(volume)
        return "raw" if name == "iso" else name


class NoCachedInformation(Working):
    """What an image looked like is kept beside it in a file, of which the
    merges of others know nothing (vzstorage.py:198 and 621)."""

    def _qemu_img_info(self, path: str, volume_name: str) -> Any:
        return self._qemu_img_info_base(
            path,
            volume_name,
            self.configuration.vzstorage_mount_point_base,
            force_share=True,
        )

    def _delete_snapshot(self, snapshot: Any) -> None:
        remotefs.RemoteFSSnapDriverBase._delete_snapshot(self, snapshot)
