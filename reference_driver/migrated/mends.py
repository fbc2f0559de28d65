# SPDX-License-Identifier: Apache-2.0
"""What Cinder 29's RemoteFS drivers get wrong, mended from outside.

Each class is one mend, to be put before the hooks or before the driver's
class, and to be left out when upstream has made it.  ``LIVE-…`` are findings
in Cinder 29.0.0; lines are of its ``cinder/volume/drivers``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cinder import exception
from oslo_utils import imageutils

from reference_driver.carrying_out import check_done
from reference_driver.migrated.books import State
from reference_driver.migrated.merging import Kind
from reference_driver.migrated.merging import Merging
from reference_driver.migrated.working import Work
from reference_driver.migrated.working import Working
from reference_driver.plan import Action
from reference_driver.plan import Plan


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


class NamedFormats(Merging):
    """``qemu-img commit`` and ``rebase`` are not told the format of what
    they open (remotefs.py:928 and 959)."""

    def by_the_books(self) -> frozenset[Kind]:
        return super().by_the_books() | {Kind.PLAIN}


class ParentOfEncrypted(Merging):
    """Of an encrypted volume each overlay is committed into the base image,
    whatever it is on (remotefs.py:1399 and 1519, LIVE-4)."""

    def by_the_books(self) -> frozenset[Kind]:
        return super().by_the_books() | {Kind.ENCRYPTED}


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
    """A copy is made of what is probed, in its source's size, and has the
    format recorded that its source's newest overlay has (nfs.py:734 and 740,
    remotefs.py:1247)."""

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


class ReentrantBegin(Working):
    """A create that is repeated makes the overlay anew, which a guest may be
    using by then (remotefs.py:1604)."""

    def is_overlay_to_be_made(self, snapshot: Any, state: State) -> bool:
        if "create_info:type" in snapshot.snapshot_admin_metadata:
            return False
        overlay = state.files.overlay(snapshot.id)
        if state.files.exists(overlay):
            # Nova was never told of it.
            state.files.remove_unused(overlay, state.chain.names())
        return True


class MissingFormats(Working):
    """A volume of which no format is recorded ends in KeyError
    (remotefs.py:1873, LIVE-6)."""

    def format_if_missing(self, state: State) -> str | None:
        return state.chain.active.format


class CheckedReports(Working):
    """A report that says done is believed, whatever the chain on disk shows,
    and whatever format the new header says (remotefs.py:2016 and 2019, LIVE-3,
    LIVE-14)."""

    def check_format(self, snapshot: Any, plan: Plan) -> None:
        self.books.put_format_back(snapshot, plan)

    def check_merged(self, state: State, plan: Plan) -> None:
        check_done(state.chain, plan)
        self.books.release(state, plan)


class UnreportedMerges(Working):
    """What was merged and never reported, or was left in the middle, is
    neither recorded nor removed (remotefs.py:1266 and 1316)."""

    def finished(self, state: State, snapshot: Any, plan: Plan) -> bool:
        if self._upstream_can(state, snapshot, plan):
            return False
        self.books.carry_out(state, snapshot, plan)
        return True

    @staticmethod
    def _upstream_can(state: State, snapshot: Any, plan: Plan) -> bool:
        """Whether upstream's methods know what there is to do.

        They know a chain with a record of the snapshot, before it was
        touched, and one that Nova has just merged.
        """
        if snapshot.id not in state.info.overlays:
            return False
        if plan.action is Action.COMMIT:
            # Of what is above, upstream wants a record.
            recorded = {*state.info.overlays.values()}
            is_known = not plan.above or plan.above in recorded
            return plan.remove in state.chain and is_known
        return "delete_info:type" in snapshot.snapshot_admin_metadata


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


class RefusedLeftovers(Working):
    """A file of the volume's name is taken for the new volume's
    (remotefs.py:420)."""

    def _do_create_volume(self, volume: Any) -> None:
        self.books.see_that_nothing_is_there(volume)
        super()._do_create_volume(volume)


class OwnFilesOnly(Working):
    """What a volume's info file names is removed with the volume, whatever
    that is (nfs.py:609)."""

    def delete_volume(self, volume: Any) -> None:
        # Without a location it was never made, and upstream says so.
        if volume.provider_location:
            self._ensure_share_mounted(volume.provider_location)
            self.books.check_names(volume)
        super().delete_volume(volume)


class NothingLeft(Working):
    """What failures left behind outlives the volume (nfs.py:614, LIVE-17)."""

    def delete_volume(self, volume: Any) -> None:
        super().delete_volume(volume)
        if volume.provider_location:
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
