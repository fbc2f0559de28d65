# SPDX-License-Identifier: Apache-2.0
"""What Cinder 29's RemoteFS drivers get wrong, mended from outside.

Each class is one defect, to be put between the hooks and the driver's class,
and to be left out when upstream has mended it.  ``LIVE-…`` are findings in
Cinder 29.0.0; lines are of its ``cinder/volume/drivers``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cinder import exception
from oslo_utils import imageutils

from reference_driver.migrated.books import State
from reference_driver.migrated.working import Work
from reference_driver.migrated.working import Working


class WholeInfoFile(Working):
    """The info file is truncated and written in place (remotefs.py:852).

    A crash or a reader in between finds it empty.
    """

    def _write_info_file(self, info_path: str, snap_info: Any) -> None:
        work = self.work
        if work is None or not work.is_about(info_path):
            super()._write_info_file(info_path, snap_info)
        else:
            self.books.write_info(work.volume, snap_info)


class RecordedFormats(Working):
    """An image is taken for what is recorded of the volume, whichever image
    is in use, or for what a guest wrote into it (nfs.py:163, LIVE-7)."""

    def _qemu_img_info(self, path: str, *others: Any, **more: Any) -> Any:
        work = self.work
        image = None
        if work is not None:
            image = work.state.image(os.path.basename(path))
        if image is None:
            return super()._qemu_img_info(path, *others, **more)
        info = imageutils.QemuImgInfo()
        info.image = image.name
        info.file_format = image.format
        info.backing_file = image.backing
        info.virtual_size = image.virtual_size
        # Checked: it has no data file.
        info.format_specific = {"type": image.format, "data": {}}
        return info


class NamedFormats(Working):
    """``qemu-img commit`` and ``rebase`` are not told the format of what
    they open (remotefs.py:928 and 959), and of an encrypted volume each
    overlay is committed into the base image (remotefs.py:1399 and 1519)."""

    def _img_commit(self, path: str, *others: Any, **more: Any) -> None:
        if self.work is None:
            super()._img_commit(path, *others, **more)
        else:
            self.books.commit(self.work.state, os.path.basename(path))
            self._delete(path)

    def _rebase_img(
        self,
        image: str,
        backing_file: str,
        volume_format: str,
        *others: Any,
        **more: Any,
    ) -> None:
        if self.work is None:
            super()._rebase_img(
                image, backing_file, volume_format, *others, **more
            )
        else:
            self.books.rebase(self.work.state, os.path.basename(image))


class UnlinksLast(Working):
    """What was merged is removed before anything is recorded
    (remotefs.py:948): a crash in between leaves an image that nobody can
    open."""

    def _delete(self, path: str) -> None:
        if self.work is None or not self.work.is_complete:
            super()._delete(path)
        # Else complete does it, when that is recorded.


class UnopenedBackingFiles(Working):
    """``qemu-img create`` opens the whole chain, which may have been replaced
    since it was looked at, and ``rebase`` probes the overlay
    (remotefs.py:1604)."""

    def _do_create_snapshot(
        self, snapshot: Any, backing_filename: str, new_snap_path: str
    ) -> None:
        if self.work is None:
            super()._do_create_snapshot(
                snapshot, backing_filename, new_snap_path
            )
        else:
            self.books.make_overlay(self.work.state, Path(new_snap_path))


class RecordedCopies(Working):
    """What is copied is probed (nfs.py:734), and a clone has the format
    recorded that the source's newest overlay has (remotefs.py:1247)."""

    makes_volume_before_copy = True
    """Whether an empty volume is there when a snapshot is copied into it."""

    def _copy_volume_from_snapshot(
        self,
        snapshot: Any,
        volume: Any,
        volume_size: int,
        *others: Any,
        **more: Any,
    ) -> None:
        work = self.work
        if work is None:
            super()._copy_volume_from_snapshot(
                snapshot, volume, volume_size, *others, **more
            )
            return
        overlay = work.state.info.overlays[snapshot.id]
        backing = work.state.chain.find(overlay).backing
        assert backing is not None
        if not self.makes_volume_before_copy:
            self.books.see_that_nothing_is_there(volume)
        self._copy(work.state, backing, volume)

    def _create_cloned_volume(
        self, volume: Any, src_vref: Any, context: Any
    ) -> Any:
        work = self.work
        if work is None:
            return super()._create_cloned_volume(volume, src_vref, context)
        volume.provider_location = src_vref.provider_location
        self.books.see_that_nothing_is_there(volume)
        self._copy(work.state, work.state.chain.active.name, volume)
        return {"provider_location": src_vref.provider_location}

    def _copy(self, state: State, name: str, volume: Any) -> None:
        is_encrypted = bool(volume.encryption_key_id)
        if is_encrypted != state.files.encrypted:
            raise exception.InvalidVolume(
                reason=f"of the volumes {state.volume.id} and {volume.id} "
                f"only one is encrypted: the other cannot be a copy of it"
            )
        format_ = "qcow2" if is_encrypted else self.format_of_new(volume)
        self.books.copy(state, name, volume, format_)
        with volume.obj_as_admin():
            volume.admin_metadata["format"] = format_
            volume.save()

    def format_of_new(self, volume: Any) -> str:
        """The format that the driver gives a new volume."""
        format_: str = self.format
        return format_


class SettledChains(Working):
    """No image below the active one is looked at, and nobody knows of an
    operation whose outcome is in doubt (nfs.py:163; LIVE-3, LIVE-11)."""

    @contextlib.contextmanager
    def _settled(self, volume: Any, **how: Any) -> Iterator[State]:
        state = self.books.settled(volume, **how)
        with self.working(Work(volume, state)):
            yield state

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> Any:
        with self._settled(snapshot.volume) as state:
            if snapshot.id not in state.info.overlays:
                raise exception.InvalidSnapshot(
                    reason=f"{snapshot.id} was never completed"
                )
            return super().create_volume_from_snapshot(volume, snapshot)

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> Any:
        if self._is_volume_attached(src_vref):
            raise exception.InvalidVolume(
                reason=f"volume {src_vref.id} is attached: it is cloned from "
                f"a snapshot"
            )
        with self._settled(src_vref):
            return super().create_cloned_volume(volume, src_vref)

    def copy_volume_to_image(
        self, context: Any, volume: Any, *others: Any, **more: Any
    ) -> Any:
        with self._settled(volume):
            return super().copy_volume_to_image(
                context, volume, *others, **more
            )

    def extend_volume(self, volume: Any, new_size: int) -> None:
        with self._settled(volume, size_gib=int(new_size)):
            super().extend_volume(volume, new_size)


class PendingOverlays(Working):
    """After an error or a time-out the guest's overlay is recorded nowhere,
    and the next connection uses the old image (LIVE-11)."""

    def initialize_connection(self, volume: Any, connector: Any) -> Any:
        state = self.books.in_use(volume)
        with self.working(Work(volume, state)):
            return super().initialize_connection(volume, connector)

    def get_active_image_from_info(self, volume: Any) -> str:
        work = self.work
        if work is not None and work.volume is volume:
            return work.state.chain.active.name
        name: str = super().get_active_image_from_info(volume)
        return name


class WholeVolumes(Working):
    """Files of the volume's name are taken for the new volume's, what
    failures left behind outlives it, and what its info file names is removed
    whatever that is (remotefs.py:420, nfs.py:614)."""

    def _do_create_volume(self, volume: Any) -> None:
        self.books.see_that_nothing_is_there(volume)
        super()._do_create_volume(volume)

    def delete_volume(self, volume: Any) -> None:
        if not volume.provider_location:
            # It was never made, and upstream says so.
            super().delete_volume(volume)
            return
        self._ensure_share_mounted(volume.provider_location)
        self.books.check_names(volume)
        super().delete_volume(volume)
        files = self.books.files(volume)
        for name in files.everything():
            files.remove(name)


class EncryptedVolumes(Working):
    """An encrypted volume's image is qcow2 and is recorded as what others are
    (remotefs.py:335), and on some hosts QEMU cannot measure how fast the hash
    is that it takes by itself (remotefs.py:471)."""

    def create_volume(self, volume: Any) -> Any:
        update = super().create_volume(volume)
        if volume.encryption_key_id:
            with volume.obj_as_admin():
                volume.admin_metadata["format"] = "qcow2"
                volume.save()
        return update

    def _do_create_volume(self, volume: Any) -> None:
        if volume.encryption_key_id:
            self.books.make_encrypted(volume)
        else:
            super()._do_create_volume(volume)
