# SPDX-License-Identifier: Apache-2.0
"""A RemoteFS driver with assisted snapshots: the four hooks.

How a chain grows.  The overlay named after a snapshot holds what was
written *after* it; the data of the snapshot is in the backing file::

    volume-1234                                       no snapshots
    volume-1234 <- volume-1234.aaaa                   snapshot aaaa taken
    volume-1234 <- volume-1234.aaaa <- volume-1234.bbbb     and bbbb

*begin* prepares or decides, *complete* makes it the truth; only a delete that
waits for nobody is all *begin*'s.  Whatever *complete* needs to know, *begin*
returned to be stored.  Every hook may be interrupted anywhere and called
again: each step checks on disk whether it was done before.  Sections are
those of the contract.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from reference_driver import info_file
from reference_driver.carrying_out import DeleteWork
from reference_driver.chain import Chain
from reference_driver.chain import Settled
from reference_driver.errors import WorkNotDone
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.meanwhile import meanwhile
from reference_driver.plan import Action
from reference_driver.plan import Plan
from reference_driver.reverting import RemoteFSReverts
from reference_driver.share import format_of_active
from reference_driver.share import formats_of
from reference_driver.share import is_attached
from reference_driver.share import RECORDED
from reference_driver.uploading import RemoteFSUploads
from reference_driver.volumes import RemoteFSVolumes

LOG = logging.getLogger(__name__)

LONG = 50
"""Snapshots whose images take longer to read than a thread to start."""


class RemoteFSAssistedDriver(
    RemoteFSVolumes, RemoteFSReverts, RemoteFSUploads, DeleteWork
):
    """Assisted snapshots on files of a share."""

    assisted_capabilities = frozenset(
        {
            "cascade",
            "cinder_share_layout",
            "clone",
            "create_from_snapshot",
            "extend_with_snapshots",
            "overlay_files",
            "qcow2_base",
            "raw_base",
            "revert",
            "upload",
        }
    )

    @property
    def supports_assisted_snapshots(self) -> bool:
        """The manager is to use the hooks (section 1)."""
        return True

    # -- create

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """Make the overlay.  Nobody uses it yet and nothing records it.

        :raises InvalidVolume: the volume has several attachments.
        :raises KeyNotFound: it is encrypted, and its key cannot be had.
        :raises ChainUnsettled: an earlier operation is in doubt.
        """
        volume = snapshot_ref.volume
        attached = is_attached(volume)
        files = self._files(volume)
        info = self._read_info(files, volume)
        overlay = files.overlay(snapshot_ref.id)

        def settled() -> Chain:
            return self._settled(files, info, volume, but=snapshot_ref)

        if "create_info:type" in snapshot_ref.snapshot_admin_metadata:
            settled()
        else:
            # Nova was never told of it, so what an interrupted call left
            # behind is made anew (section 2).
            self._make_overlay(files, info, overlay, volume.size, settled)
        if not attached:
            # It is nobody's before complete has recorded it.
            return {}
        files.sync_directory()
        return {
            "snapshot_admin_metadata": {
                "create_info:type": "qcow2",
                "create_info:new_file": overlay,
            }
        }

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """Record the overlay: it is the active image from now on."""
        volume = snapshot_ref.volume
        files = self._files(volume)
        info = self._read_info(files, volume)
        base_format = self._base_format(files, info, volume)
        overlay = files.overlay(snapshot_ref.id)
        if snapshot_ref.id not in info.overlays:
            self._check_on(files, overlay, info.active, volume)
            info_file.write(
                files, info.with_snapshot(snapshot_ref.id, overlay)
            )
        return {
            "snapshot_admin_metadata": {RECORDED: "yes"},
            "volume_admin_metadata": {
                "format": "qcow2",
                "base_format": base_format,
            },
        }

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        """Put an overlay on the active image, whatever is below that.

        :param settled: is called before the overlay is there.
        """
        qemu_img = self._qemu_img_of(files)
        base_format = self._base_format(files, info, files.volume)
        active_format = format_of_active(files, info, base_format)
        if files.exists(overlay):
            files.remove_unused(overlay, settled().names())

        def write(path: Path) -> None:
            with meanwhile(settled, pays=len(info.overlays) >= LONG):
                qemu_img.create_overlay(path, info.active, active_format, size)

        files.make(
            overlay,
            write,
            like=files.path(info.active),
            sync_directory=False,
        )

    # -- delete

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """Work out what is to be merged into what.

        A detached volume waits for nobody: there it is done at once, by way
        of the chain that was just read, and *complete* finds it done.

        :raises InvalidVolume: the volume has several attachments.
        :raises ChainUnsettled: another operation is in doubt.
        """
        volume = snapshot_ref.volume
        attached = is_attached(volume)
        files, info, chain = self._chain(volume)
        plan, is_to_merge = self._decide(
            files, info, chain, snapshot_ref, attached
        )
        request = plan.request() if is_to_merge and attached else {}
        if plan.action is Action.COMMIT:
            info, chain = self._merge_and_record(
                files, info, chain, plan, snapshot_ref
            )
            try:
                self._remove(files, chain, plan, volume)
            except OSError as error:
                # The record is right, and what fails now is no failure of
                # begin, after which it would be as before (section 5).
                LOG.warning("%s is left to complete: %s", plan.remove, error)
        return {
            "snapshot_admin_metadata": {
                **plan.as_admin_metadata(),
                **request,
            }
        }

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """See that the plan is carried out, record that, and remove.

        :raises WorkNotDone: what the compute service reported done is not
            what the chain shows; files stay.
        """
        volume = snapshot_ref.volume
        plan = Plan.stored_in(snapshot_ref.snapshot_admin_metadata)
        if plan is None:
            raise WorkNotDone(
                f"no plan is stored for snapshot {snapshot_ref.id}"
            )
        files = self._files(volume)
        if (
            plan.action is Action.COMMIT
            and not files.exists(plan.remove)
            and "base_format" in volume.admin_metadata
        ):
            # Begin has done it, and removed that only when all was recorded.
            format_ = "qcow2" if plan.above else plan.target_format
            return {"volume_admin_metadata": {"format": format_}}
        if plan.action is Action.NOTHING:
            files.remove(files.overlay(snapshot_ref.id))
            if "base_format" not in volume.admin_metadata:
                return {}
        info = self._read_info(files, volume)
        base_format = self._base_format(files, info, volume)
        if plan.action is not Action.NOTHING:
            self._check_format(files, plan)
            chain = self._walk(files, info, volume, info.active)
            info, chain = self._merge_and_record(
                files, info, chain, plan, snapshot_ref
            )
            if plan.remove:
                self._remove(files, chain, plan, volume)
        return {"volume_admin_metadata": formats_of(files, info, base_format)}


class RemoteFSEncryptingDriver(RemoteFSAssistedDriver):
    """The same in a service that has a key manager.

    A class of its own, since QEMU takes seconds to make a LUKS image: so
    does each snapshot of an encrypted volume.
    """

    assisted_capabilities = RemoteFSAssistedDriver.assisted_capabilities | {
        "encryption"
    }
