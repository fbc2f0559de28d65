# SPDX-License-Identifier: Apache-2.0
"""The ordinary Cinder driver methods around the four hooks."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assisted_kit import qcow2
from assisted_kit.process import execute as run
from reference_driver import chain as chains
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.errors import ChainUnsettled
from reference_driver.errors import DamagedInfoFile
from reference_driver.errors import ExtendVolumeError
from reference_driver.errors import ForeignImage
from reference_driver.errors import InvalidVolume
from reference_driver.errors import RemoteFSException
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.qemu_img import QemuImg

RECORDED = "recorded"
"""Admin metadata of a snapshot whose *create complete* has returned."""


class RemoteFSVolumes:
    """Volumes as files on a share that is mounted at a directory.

    :param configuration: ``share_directory`` is where the share is
        mounted; ``export`` its name for the compute service, the directory
        if there is none; ``qcow2_volumes`` true makes qcow2 base images.
    :param execute: runs a command and raises when it fails.
    """

    def __init__(
        self,
        configuration: Any,
        execute: Callable[..., Any] = run,
        **_others: Any,
    ) -> None:
        self._directory = Path(configuration.share_directory)
        self._export = str(configuration.safe_get("export") or self._directory)
        self._qcow2_volumes = bool(configuration.safe_get("qcow2_volumes"))
        self._qemu_img = QemuImg(execute)

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

    # -- volumes

    def create_volume(self, volume: Any) -> dict[str, Any]:
        """Make an empty base image and record its format."""
        files = self._new_files(volume)
        if self._qcow2_volumes:
            format_ = "qcow2"
            files.make(
                files.base,
                lambda path: self._qemu_img.create(path, volume.size),
            )
        else:
            format_ = "raw"
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
        for name in files.images():
            files.remove(name)
        # Last, so that an interrupted removal leaves a damaged volume and
        # never one that looks whole.
        files.remove(f"{files.info}.new")
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
        self._qemu_img.resize(
            files.path(info.active), chain.active.format, new_size
        )

    def create_volume_from_snapshot(
        self, volume: Any, snapshot: Any
    ) -> dict[str, Any]:
        """Copy what was readable when the snapshot was taken."""
        source_files, info, chain = self._settled_chain(snapshot.volume)
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

    # -- what these and the hooks share

    def _files(self, volume: Any) -> VolumeFiles:
        return VolumeFiles(self._directory, volume)

    def _new_files(self, volume: Any) -> VolumeFiles:
        """The files of a volume to be made, of which none may be there."""
        if volume.encryption_key_id:
            raise InvalidVolume(
                f"volume {volume.id} is encrypted, which is not supported"
            )
        files = self._files(volume)
        for name in (*files.images(), files.info):
            if files.exists(name):
                raise InvalidVolume(
                    f"{files.path(name)} is there already: it is not "
                    f"overwritten"
                )
        return files

    def _made(self, format_: str) -> dict[str, Any]:
        return {
            "provider_location": self._export,
            "admin_metadata": {"format": format_},
        }

    def _copy(
        self, source: VolumeFiles, chain: Chain, name: str, volume: Any
    ) -> dict[str, Any]:
        files = self._new_files(volume)
        format_ = "qcow2" if self._qcow2_volumes else "raw"
        image = chain.find(name)

        def write(path: Path) -> None:
            self._qemu_img.convert(
                source.path(name), image.format, path, format_
            )
            if image.virtual_size < volume.size * chains.GIB:
                self._qemu_img.resize(path, format_, volume.size)

        files.make(files.base, write, like=source.path(name))
        return self._made(format_)

    def _read_info(self, files: VolumeFiles, volume: Any) -> Info:
        """The info file; missing, it must be so rightly.

        It may be missing while the volume has no snapshots, even if a
        failed or unfinished create has left its overlay on the base image
        (contract section 3).
        """
        info = info_file.read(files)
        if not info.on_share:
            unfinished = {
                files.overlay(snapshot.id)
                for snapshot in volume.snapshots
                if snapshot.status != "available"
                and RECORDED not in snapshot.snapshot_admin_metadata
            }
            for overlay in files.overlays():
                if overlay not in unfinished:
                    raise DamagedInfoFile(
                        f"{files.path(files.info)} is missing, but there "
                        f"is {overlay}"
                    )
        return info

    def _base_format(self, files: VolumeFiles, info: Info, volume: Any) -> str:
        """The recorded format of the image as created, never a probed one.

        A raw volume whose guest writes a qcow2 header is still raw (bug
        2073146).  When nothing is recorded, only what inspects as raw is.
        """
        recorded = volume.admin_metadata
        format_: str | None = recorded.get("base_format")
        if format_ is None and not info.overlays:
            format_ = recorded.get("format")
        if format_ is None and not files.exists(files.base):
            # It was pulled into an overlay, which is qcow2.
            format_ = "qcow2"
        if format_ is None and _looks_raw(files):
            format_ = "raw"
        if format_ is None and _none_is_stored(info, volume):
            format_ = recorded.get("format")
        if format_ is None:
            raise ForeignImage(
                f"the format of {files.path(files.base)} is not recorded, "
                f"and it does not look raw"
            )
        return format_

    def _walk(
        self,
        files: VolumeFiles,
        info: Info,
        volume: Any,
        active: str,
        *,
        size_gib: int = 0,
    ) -> Chain:
        return chains.walk(
            files,
            active,
            base_format=self._base_format(files, info, volume),
            size_gib=size_gib or volume.size,
        )

    def _chain(self, volume: Any) -> tuple[VolumeFiles, Info, Chain]:
        files = self._files(volume)
        info = self._read_info(files, volume)
        return files, info, self._walk(files, info, volume, info.active)

    def _settled_chain(
        self, volume: Any, *, but: Any = None
    ) -> tuple[VolumeFiles, Info, Chain]:
        """The chain, provided that nothing about it is in doubt.

        :param but: a snapshot whose own state does not matter.
        :raises ChainUnsettled: an earlier operation's outcome is in doubt.
        """
        files, info, chain = self._chain(volume)
        self._check_settled(files, info, chain, volume, but)
        return files, info, chain

    def _check_settled(
        self,
        files: VolumeFiles,
        info: Info,
        chain: Chain,
        volume: Any,
        but: Any = None,
        out_of_use: str = "",
    ) -> None:
        """See that nothing about the chain is in doubt.

        :param but: a snapshot whose own state does not matter.
        :param out_of_use: an overlay that may be out of the chain.
        :raises ChainUnsettled: an earlier operation's outcome is in doubt.
        """
        concerned = but.id if but is not None else None
        for snapshot in self._pending(files, info, volume):
            if snapshot.id != concerned:
                raise ChainUnsettled(
                    f"the create of snapshot {snapshot.id} is pending: "
                    f"delete that snapshot first"
                )
        for snapshot_id, overlay in info.overlays.items():
            if (
                snapshot_id != concerned
                and overlay not in chain
                and overlay != out_of_use
            ):
                raise ChainUnsettled(
                    f"{overlay}, recorded for snapshot {snapshot_id}, is "
                    f"not in the chain of {chain.active.name}: a delete "
                    f"was carried out and never reported; repeat it first"
                )

    def _pending(
        self, files: VolumeFiles, info: Info, volume: Any
    ) -> list[Any]:
        """Snapshots whose overlay the guest may be using unrecorded.

        That is from the stored request until *complete* has returned, but
        for a request that the compute service refused (section 5).
        """
        return [
            snapshot
            for snapshot in volume.snapshots
            if _was_requested(snapshot)
            and snapshot.id not in info.overlays
            and files.overlay(snapshot.id) != info.active
            and files.exists(files.overlay(snapshot.id))
        ]


def _was_requested(snapshot: Any) -> bool:
    stored = snapshot.snapshot_admin_metadata
    return (
        "create_info:type" in stored
        and stored.get("manager:compute_call") != "refused"
        and RECORDED not in stored
    )


def _none_is_stored(info: Info, volume: Any) -> bool:
    """Whether no recorded snapshot's *create complete* was stored.

    The formats are stored with it, so ``format`` is the base image's still
    when a crash came between the info file and the database.
    """
    return all(
        snapshot.status != "available"
        and RECORDED not in snapshot.snapshot_admin_metadata
        for snapshot in volume.snapshots
        if snapshot.id in info.overlays
    )


def _looks_raw(files: VolumeFiles) -> bool:
    """Whether the base image has no magic number of another format."""
    with qcow2.open_regular(files.path(files.base)) as file:
        head = file.read(4)
    return not any(head.startswith(magic) for magic in _MAGIC)


_MAGIC = (b"QFI\xfb", b"KDMV", b"# Di", b"QED\0", b"vhdx", b"cone", b"LUKS")
"""How qcow2, VMDK, QED, VHDX, VHD and LUKS images begin."""


def _make_sparse(path: Path, size: int) -> None:
    with path.open("xb") as file:
        os.fchmod(file.fileno(), 0o660)
        file.truncate(size)
