# SPDX-License-Identifier: Apache-2.0
"""The ordinary Cinder driver methods around the four hooks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reference_driver import chain as chains
from reference_driver.chain import Chain
from reference_driver.errors import ChainUnsettled
from reference_driver.errors import ExtendVolumeError
from reference_driver.errors import InvalidVolume
from reference_driver.errors import RemoteFSException
from reference_driver.files import opened
from reference_driver.files import VolumeFiles
from reference_driver.share import RemoteFSShare


class RemoteFSVolumes(RemoteFSShare):
    """Volumes, their copies and their connections."""

    def do_setup(self, context: Any) -> None:
        """Nothing is to be prepared."""

    def check_for_setup_error(self) -> None:
        """See that the share can be written.

        :raises RemoteFSException: it cannot.
        """
        if not self._directory.is_dir():
            raise RemoteFSException(f"{self._directory} is no directory")
        if not os.access(self._directory, os.R_OK | os.W_OK | os.X_OK):
            raise RemoteFSException(f"{self._directory} is not writable")

    def get_volume_stats(self, refresh: bool = False) -> dict[str, Any]:
        """What the scheduler is told; read anew in any case, in GiB."""
        share = os.statvfs(self._directory)
        return {
            "volume_backend_name": self._backend_name,
            "vendor_name": "Assisted Kit",
            "driver_version": "1.0",
            "storage_protocol": "nfs",
            "total_capacity_gb": share.f_blocks * share.f_frsize / chains.GIB,
            "free_capacity_gb": share.f_bavail * share.f_frsize / chains.GIB,
            "thin_provisioning_support": False,
            "thick_provisioning_support": False,
            "multiattach": False,
            "QoS_support": False,
        }

    # -- volumes

    def create_volume(self, volume: Any) -> dict[str, Any]:
        """Make an empty base image and record its format."""
        files = self._new_files(volume)
        format_ = self._new_format(files)
        if format_ == "qcow2":
            qemu_img = self._qemu_img_of(files)
            files.make(
                files.base,
                lambda path: qemu_img.create(path, volume.size),
            )
        else:
            files.make(
                files.base,
                lambda path: _make_sparse(path, volume.size * chains.GIB),
            )
        return self._made(format_)

    def delete_volume(self, volume: Any) -> None:
        """Remove every file of the volume, orphans of failures included."""
        if volume.attach_status == "attached":
            raise InvalidVolume(f"volume {volume.id} is attached")
        if volume.snapshots:
            raise InvalidVolume(f"volume {volume.id} has snapshots")
        files = self._files(volume)
        for name in files.everything():
            if name != files.info:
                files.remove(name)
        # Last, so that an interrupted removal leaves a damaged volume and
        # never one that looks whole.
        files.remove(files.info)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        """Grow the active image; backing files keep their size."""
        if volume.attach_status == "attached":
            raise ExtendVolumeError(
                f"volume {volume.id} is attached: its image is open"
            )
        files = self._files(volume)
        info = self._read_info(files, volume)
        # An extend that was interrupted left the image larger than the
        # volume, and is to be repeated.
        chain = self._walk(files, info, volume, info.active, size_gib=new_size)
        self._check_settled(files, info, chain, volume)
        self._qemu_img_of(files).resize(
            files.path(info.active), chain.active.format, new_size
        )

    def create_volume_from_snapshot(
        self, volume: Any, snapshot: Any
    ) -> dict[str, Any]:
        """Copy what was readable when the snapshot was taken."""
        source_files, info, chain = self._settled_chain(snapshot.volume)
        if snapshot.id not in info.overlays:
            raise InvalidVolume(
                f"snapshot {snapshot.id} is not recorded: it was never "
                f"completed"
            )
        overlay = chain.find(info.overlays[snapshot.id])
        if overlay.backing is None:
            raise ChainUnsettled(
                f"the data of snapshot {snapshot.id} has been pulled away"
            )
        return self._copy(source_files, chain, overlay.backing, volume)

    def create_cloned_volume(
        self, volume: Any, src_vref: Any
    ) -> dict[str, Any]:
        """Copy a detached volume."""
        if src_vref.attach_status == "attached":
            raise InvalidVolume(
                f"volume {src_vref.id} is attached: it is cloned from a "
                f"snapshot"
            )
        source_files, info, chain = self._settled_chain(src_vref)
        return self._copy(source_files, chain, info.active, volume)

    # -- connections

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Name the image to use; no side effects.

        While a create is pending that is its overlay, which is right
        whether or not the guest was switched to it: an overlay that nobody
        wrote to reads as its backing file (contract section 5).
        """
        files = self._files(volume)
        info = self._read_info(files, volume)
        pending = self._pending(files, info, volume)
        name = files.overlay(pending[0].id) if pending else info.active
        chain = self._walk(files, info, volume, name)
        return {
            "driver_volume_type": "nfs",
            "data": {
                "export": self._export,
                "name": chain.active.name,
                "format": chain.active.format,
                "options": None,
            },
            "mount_point_base": str(self._directory.parent),
        }

    def terminate_connection(
        self, volume: Any, connector: Mapping[str, Any], **_others: Any
    ) -> None:
        """Nothing was done to connect."""

    # -- making files

    def _made(self, format_: str) -> dict[str, Any]:
        return {
            "provider_location": self._export,
            "admin_metadata": {"format": format_},
        }

    def _new_format(self, files: VolumeFiles) -> str:
        """The format of a new base image; of the two, qcow2 has LUKS."""
        return "qcow2" if files.encrypted or self._qcow2_volumes else "raw"

    def _copy(
        self, source: VolumeFiles, chain: Chain, name: str, volume: Any
    ) -> dict[str, Any]:
        """A new volume that holds what an image of another one does.

        :raises InvalidVolume: only one of them is encrypted (bug 1572007).
        """
        files = self._new_files(volume)
        if files.encrypted != source.encrypted:
            raise InvalidVolume(
                f"of the volumes {source.volume.id} and {volume.id} only one "
                f"is encrypted: the other cannot be a copy of it"
            )
        format_ = self._new_format(files)
        self._copy_image(source, chain.find(name), files, format_)
        return self._made(format_)


def _make_sparse(path: Path, size: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
    with opened(path, flags) as descriptor:
        os.truncate(descriptor, size)
