# SPDX-License-Identifier: Apache-2.0
"""What every method of the driver finds on the share, and checks first."""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oslo_utils import strutils

from assisted_kit import qcow2
from assisted_kit.process import execute as run
from reference_driver import chain as chains
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.encryption import EncryptedQemuImg
from reference_driver.encryption import Keys
from reference_driver.errors import ChainUnsettled
from reference_driver.errors import DamagedInfoFile
from reference_driver.errors import ForeignImage
from reference_driver.errors import InvalidVolume
from reference_driver.errors import RemoteFSException
from reference_driver.files import Layout
from reference_driver.files import VolumeFiles
from reference_driver.files_as_root import FilesAsRoot
from reference_driver.image_lock import is_open
from reference_driver.info_file import Info
from reference_driver.qemu_img import QemuImg

RECORDED = "recorded"
"""Admin metadata of a snapshot whose *create complete* has returned."""

_TAKEN = ("available", "backing-up", "restoring")
"""Statuses of a snapshot whose create has ended well (bug 1888951)."""


class RemoteFSShare:
    """Volumes as files on a share that is mounted at a directory.

    :param configuration: ``share_directory`` is where the share is
        mounted; with ``mount_point_base`` it is below that, in the directory
        named after the MD5 of ``export``, as with Cinder's drivers;
        ``export`` is its name for the compute service, the directory if
        there is none; ``qcow2_volumes`` true makes qcow2 base images;
        ``image_conversion_dir`` is where uploads are converted, the
        system's place for temporary files if it is not set;
        ``image_extension`` ends the names of images; ``ignores_case`` true
        says that the share does; ``nas_secure_file_permissions`` false lets
        everybody read and write images, as Cinder's option does, and
        ``nas_secure_file_operations`` false has files made and changed as
        root.
    :param execute: runs a command and raises when it fails.
    :param key_manager: Castellan's ``key_manager.API(CONF)``, or anything
        with its ``get``; without one no volume can be encrypted.
    """

    def __init__(
        self,
        configuration: Any,
        execute: Callable[..., Any] = run,
        key_manager: Any = None,
        **_others: Any,
    ) -> None:
        self._directory, self._export = _mounted(configuration)
        self._layout = _layout(configuration)
        self._backend_name = str(
            configuration.safe_get("volume_backend_name")
            or type(self).__name__
        )
        self._conversion = configuration.safe_get("image_conversion_dir")
        self._qcow2_volumes = strutils.bool_from_string(
            configuration.safe_get("qcow2_volumes")
        )
        self._as_root = not _is_on(configuration, "nas_secure_file_operations")
        if self._as_root:
            _check_readable(self._layout)
            execute = functools.partial(execute, run_as_root=True)
        self._execute = execute
        self._qemu_img = QemuImg(execute)
        self._keys = Keys(key_manager)

    def _files(self, volume: Any) -> VolumeFiles:
        where = self._directory, volume
        if self._as_root:
            return FilesAsRoot(*where, self._execute, self._layout)
        return VolumeFiles(*where, self._layout)

    def _new_files(self, volume: Any) -> VolumeFiles:
        """The files of a volume to be made, of which none may be there."""
        files = self._files(volume)
        for name in (*files.images(), files.info):
            if files.exists(name):
                raise InvalidVolume(
                    f"{files.path(name)} is there already: it is not "
                    f"overwritten"
                )
        return files

    def _copy_image(
        self,
        source: VolumeFiles,
        image: chains.Image,
        files: VolumeFiles,
        format_: str,
    ) -> None:
        """Make a base image that holds what is read through another image.

        Of two volumes of which both are encrypted, or none.
        """
        size = files.volume.size
        qemu_img = self._qemu_img_of(files)
        path = source.path(image.name)

        def write(new: Path) -> None:
            if source.encrypted:
                self._encrypted(files).convert_from(
                    self._encrypted(source), path, new
                )
            else:
                qemu_img.convert(path, image.format, new, format_)
            if image.virtual_size < size * chains.GIB:
                qemu_img.resize(new, format_, size)

        files.make(files.base, write, like=path)

    def _qemu_img_of(self, files: VolumeFiles) -> QemuImg:
        """``qemu-img`` as it opens the images of a volume.

        :raises KeyNotFound: it is encrypted, and its key cannot be had.
        """
        return self._encrypted(files) if files.encrypted else self._qemu_img

    def _encrypted(self, files: VolumeFiles) -> EncryptedQemuImg:
        passphrase = self._keys.passphrase(files.volume)
        return EncryptedQemuImg(
            self._execute, files, passphrase, self._conversion
        )

    def _read_info(self, files: VolumeFiles, volume: Any) -> Info:
        """The info file; missing, it must be so rightly.

        It may be missing while the volume has no snapshots, even if a
        failed or unfinished create has left its overlay on the base image
        (contract section 3).
        """
        info = info_file.read(files)
        if not info.on_share:
            for overlay in files.overlays():
                if not _may_be_unrecorded(files, overlay, volume):
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
        if format_ == "qcow2" and _is_raw_beyond_doubt(files, volume):
            # Cinder records qcow2 for a raw base image before it asks Nova
            # to pull it, and for a clone of a volume with snapshots.
            format_ = "raw"
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
        files = self._files(volume)
        info = self._read_info(files, volume)
        return files, info, self._settled(files, info, volume, but=but)

    def _settled(
        self, files: VolumeFiles, info: Info, volume: Any, *, but: Any = None
    ) -> Chain:
        """The same where the info file has been read."""
        chain = self._walk(files, info, volume, info.active)
        self._check_settled(files, info, chain, volume, but)
        return chain

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
        missing = chain.missing(info.overlays.values())
        if not missing:
            return
        for snapshot_id, overlay in info.overlays.items():
            if (
                snapshot_id != concerned
                and overlay in missing
                and overlay != out_of_use
            ):
                raise ChainUnsettled(
                    f"{overlay}, recorded for snapshot {snapshot_id}, is "
                    f"not in the chain of {chain.active.name}: a delete "
                    f"was carried out and never reported; repeat it first"
                )

    def _check_on(
        self, files: VolumeFiles, overlay: str, backing: str, volume: Any
    ) -> None:
        """See that an overlay is where it was put.

        :raises ChainUnsettled: another image is below it.
        """
        image = chains.inspect(files, overlay, "qcow2", volume.size)
        if image.backing != backing:
            raise ChainUnsettled(
                f"{overlay} is on {image.backing} and not on {backing}, "
                f"the active image: its data cannot be placed"
            )

    def _pending(
        self, files: VolumeFiles, info: Info, volume: Any
    ) -> list[Any]:
        """Snapshots whose overlay the guest may be using unrecorded.

        That is from the stored request until *complete* has returned, but
        for a request that the compute service refused (section 5).  Of a
        create by Cinder's driver no request is stored, but what a guest
        wrote tells.
        """
        recorded = info.overlays
        return [
            snapshot
            for snapshot in volume.snapshots
            if snapshot.id not in recorded
            and RECORDED not in snapshot.snapshot_admin_metadata
            and files.overlay(snapshot.id) != info.active
            and files.exists(files.overlay(snapshot.id))
            # One that Cinder committed, and died before it removed it, is
            # on an image further down.
            and chains.is_on(files, files.overlay(snapshot.id), info.active)
            and (
                _was_requested(snapshot)
                or not chains.is_empty(files, files.overlay(snapshot.id))
            )
        ]


def _mounted(configuration: Any) -> tuple[Path, str]:
    """Where the share is, and its name for the compute service."""
    export = configuration.safe_get("export")
    base = configuration.safe_get("mount_point_base")
    if not base:
        directory = Path(configuration.share_directory)
        return directory, str(export or directory)
    if not export:
        raise RemoteFSException(
            "mount_point_base is set and export is not: the directory of a "
            "mount is named after its export"
        )
    return mounted_in(Path(base), export), export


def mounted_in(base: Path, export: str) -> Path:
    """The directory in which Cinder's drivers mount a share."""
    name = hashlib.md5(export.encode(), usedforsecurity=False).hexdigest()
    return base / name


def _layout(configuration: Any) -> Layout:
    is_secure = _is_on(configuration, "nas_secure_file_permissions")
    return Layout(
        str(configuration.safe_get("image_extension") or ""),
        strutils.bool_from_string(configuration.safe_get("ignores_case")),
        0o660 if is_secure else 0o666,
    )


def _check_readable(layout: Layout) -> None:
    """See that the service can read what root has made."""
    if os.geteuid() != 0 and not layout.mode & stat.S_IROTH:
        raise RemoteFSException(
            "with nas_secure_file_operations false the images are root's, "
            "and this service is not root: set nas_secure_file_permissions "
            "to false, so that it can read them"
        )


def _is_on(configuration: Any, option: str) -> bool:
    """Whether an option is true, or is not set or ``auto``."""
    value = configuration.safe_get(option)
    found: bool = strutils.bool_from_string(value, default=True)
    return found


def is_attached(volume: Any) -> bool:
    """Whether a guest has the active image open (commit fb48a1fe6).

    :raises InvalidVolume: attached other than exactly once.
    """
    if volume.attach_status != "attached":
        return False
    count = len(volume.volume_attachment)
    if count != 1:
        raise InvalidVolume(
            f"volume {volume.id} has {count} attachments; a snapshot of an "
            f"attached volume needs exactly one"
        )
    return True


def formats_of(
    files: VolumeFiles, info: Info, base_format: str
) -> dict[str, str | None]:
    """The formats to record for the chain as it is now."""
    if not files.exists(files.base):
        # Everything was pulled: a former overlay is the base image.
        base_format = "qcow2"
    return {
        "format": format_of_active(files, info, base_format),
        "base_format": base_format,
    }


def format_of_active(files: VolumeFiles, info: Info, base_format: str) -> str:
    """The format of the active image: overlays are qcow2."""
    return base_format if info.active == files.base else "qcow2"


def _may_be_unrecorded(files: VolumeFiles, overlay: str, volume: Any) -> bool:
    for snapshot in volume.snapshots:
        if files.overlay(snapshot.id) == overlay:
            return (
                snapshot.status not in _TAKEN
                and RECORDED not in snapshot.snapshot_admin_metadata
            )
    # Cinder leaves the overlay of a failed create behind for ever.
    return is_unused(files, overlay)


def is_unused(files: VolumeFiles, overlay: str) -> bool:
    """Whether nobody wrote to an overlay and nobody has it open."""
    return chains.is_empty(files, overlay) and not is_open(files.path(overlay))


def _was_requested(snapshot: Any) -> bool:
    stored = snapshot.snapshot_admin_metadata
    answer = stored.get("manager:compute_call")
    # Of a create by Cinder's driver there is an answer and no request.
    return answer != "refused" and (
        "create_info:type" in stored or answer is not None
    )


def _none_is_stored(info: Info, volume: Any) -> bool:
    """Whether no recorded snapshot's *create complete* was stored.

    The formats are stored with it, so ``format`` is the base image's still
    when a crash came between the info file and the database.
    """
    return all(
        snapshot.status not in _TAKEN
        and RECORDED not in snapshot.snapshot_admin_metadata
        for snapshot in volume.snapshots
        if snapshot.id in info.overlays
    )


def _is_raw_beyond_doubt(files: VolumeFiles, volume: Any) -> bool:
    """Whether a base image cannot be the qcow2 that it is recorded as.

    No guest can take the magic number of a qcow2 image away, and no qcow2
    image has the very size of the volume.
    """
    return (
        files.exists(files.base)
        and _looks_raw(files)
        and files.path(files.base).stat(follow_symlinks=False).st_size
        == volume.size * chains.GIB
    )


def _looks_raw(files: VolumeFiles) -> bool:
    """Whether the base image has no magic number of another format."""
    with qcow2.open_regular(files.path(files.base)) as file:
        head = file.read(4)
    return not any(head.startswith(magic) for magic in _MAGIC)


_MAGIC = (b"QFI\xfb", b"KDMV", b"# Di", b"QED\0", b"vhdx", b"cone", b"LUKS")
"""How qcow2, VMDK, QED, VHDX, VHD and LUKS images begin."""
