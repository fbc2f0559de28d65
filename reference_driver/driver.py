# SPDX-License-Identifier: Apache-2.0
"""A RemoteFS driver with assisted snapshots: the four hooks.

How a chain grows.  The overlay named after a snapshot holds what was
written *after* it; the data of the snapshot is in the backing file::

    volume-1234                                       no snapshots
    volume-1234 <- volume-1234.aaaa                   snapshot aaaa taken
    volume-1234 <- volume-1234.aaaa <- volume-1234.bbbb     and bbbb

*begin* only prepares or decides, *complete* makes it the truth.  Whatever
*complete* needs to know, *begin* returned to be stored.  Every hook may be
interrupted anywhere and called again: each step checks on disk whether it
was done before.  Sections are those of the contract.
"""

from __future__ import annotations

import functools
from typing import Any

from reference_driver import chain as chains
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.errors import ChainUnsettled
from reference_driver.errors import ForeignImage
from reference_driver.errors import InvalidVolume
from reference_driver.errors import WorkNotDone
from reference_driver.files import VolumeFiles
from reference_driver.image_lock import is_open
from reference_driver.info_file import Info
from reference_driver.plan import Action
from reference_driver.plan import Plan
from reference_driver.planning import DeletePlanning
from reference_driver.planning import merge
from reference_driver.reverting import RemoteFSReverts
from reference_driver.share import is_unused
from reference_driver.share import RECORDED
from reference_driver.uploading import RemoteFSUploads
from reference_driver.volumes import RemoteFSVolumes


class RemoteFSAssistedDriver(
    RemoteFSVolumes, RemoteFSReverts, RemoteFSUploads, DeletePlanning
):
    """Assisted snapshots on files of a share."""

    assisted_capabilities = frozenset(
        {
            "cinder_share_layout",
            "clone",
            "create_from_snapshot",
            "encryption",
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
        attached = _is_attached(volume)
        files, _, chain = self._settled_chain(volume, but=snapshot_ref)
        overlay = files.overlay(snapshot_ref.id)
        if "create_info:type" not in snapshot_ref.snapshot_admin_metadata:
            # Nova was never told of it, so what an interrupted call left
            # behind is made anew (section 2).
            self._make_overlay(files, chain, overlay, volume.size)
        if not attached:
            return {}
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
        self, files: VolumeFiles, chain: Chain, overlay: str, size: int
    ) -> None:
        active = chain.active
        qemu_img = self._qemu_img_of(files)
        if files.exists(overlay):
            files.remove_unused(overlay, chain.names())
        files.make(
            overlay,
            lambda path: qemu_img.create_overlay(
                path, active.name, active.format, size
            ),
            like=files.path(active.name),
        )

    # -- delete

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """Work out what is to be merged into what; change nothing.

        :raises InvalidVolume: the volume has several attachments.
        :raises ChainUnsettled: another operation is in doubt.
        """
        volume = snapshot_ref.volume
        attached = _is_attached(volume)
        files, info, chain = self._chain(volume)
        request: dict[str, str | None] = {}
        if snapshot_ref.id in info.overlays:
            plan = self._plan(files, info, chain, snapshot_ref)
            if plan is None:
                plan = merge(info, chain, snapshot_ref.id, attached)
                if attached:
                    request = _request(plan)
        else:
            plan = self._plan_unrecorded(files, info, snapshot_ref, attached)
        self._check_settled(
            files, info, chain, volume, snapshot_ref, plan.remove
        )
        return {
            "snapshot_admin_metadata": {
                **plan.as_admin_metadata(),
                **request,
            }
        }

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """Carry the plan out: merge if need be, record, then remove.

        :raises WorkNotDone: what the compute service reported done is not
            what the chain shows; files stay.
        """
        volume = snapshot_ref.volume
        plan = Plan.stored_in(snapshot_ref.snapshot_admin_metadata)
        if plan is None:
            raise WorkNotDone(
                f"no plan is stored for snapshot {snapshot_ref.id}"
            )
        if plan.action is Action.NOTHING:
            files = self._files(volume)
            files.remove(files.overlay(snapshot_ref.id))
            return {}
        files = self._files(volume)
        self._check_format(files, plan)
        info = self._read_info(files, volume)
        base_format = self._base_format(files, info, volume)
        walk = functools.partial(
            chains.walk, files, base_format=base_format, size_gib=volume.size
        )
        chain = walk(info.active)
        match plan.action:
            case Action.COMMIT:
                info = self._commit(files, info, chain, plan)
            case Action.COMMITTED | Action.PULLED:
                _check_done(chain, plan)
                if plan.action is Action.PULLED:
                    info = info.moved(plan.remove, plan.overlay)
            case Action.COMMIT_PENDING:
                self._commit_pending(files, plan, volume)
            case Action.ADOPT:
                info = self._adopt(files, info, plan, volume)
            case Action.DISCARD:
                self._check_unused(files, plan.remove)
        info = info.without_snapshot(snapshot_ref.id)
        if info.on_share or info.active != files.base:
            info_file.write(files, info)
        # No header was written but that of the overlay above.
        chain = walk(info.active, known=chain.without(plan.above))
        if plan.remove:
            self._remove(files, chain, plan, volume)
        return {"volume_admin_metadata": _formats(files, chain, base_format)}

    def _check_format(self, files: VolumeFiles, plan: Plan) -> None:
        """See that whoever merged wrote the recorded format, not a probed.

        For a guest that is stopped Nova runs ``qemu-img rebase`` without a
        format, which believes what the guest wrote into its first sector.
        Put back, the format makes the image read right again (section 5).
        """
        if not (plan.target and plan.above and files.exists(plan.above)):
            return
        above = files.path(plan.above)
        header = chains.header(files, plan.above)
        if (
            header.backing_file != plan.target
            or header.backing_format == plan.target_format
        ):
            return
        if not is_open(above):
            self._qemu_img_of(files).rebase(
                above, plan.target, plan.target_format
            )
        raise ForeignImage(
            f"{plan.above} named {plan.target} as {header.backing_format}, "
            f"which was recorded as {plan.target_format}"
        )

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        """Merge an overlay of a detached volume into its backing file."""
        if plan.remove not in chain:
            # Done before; only the record or the file was left.
            return info
        qemu_img = self._qemu_img_of(files)
        qemu_img.commit(files.path(plan.remove))
        above = chain.above(plan.remove)
        if above is None:
            return info.with_active(plan.target)
        qemu_img.rebase(
            files.path(above.name), plan.target, plan.target_format
        )
        return info

    def _commit_pending(
        self, files: VolumeFiles, plan: Plan, volume: Any
    ) -> None:
        if files.exists(plan.remove):
            self._check_on(files, plan.remove, plan.target, volume)
            self._qemu_img_of(files).commit(files.path(plan.remove))

    def _adopt(
        self, files: VolumeFiles, info: Info, plan: Plan, volume: Any
    ) -> Info:
        if plan.overlay != info.active:
            self._check_on(files, plan.overlay, info.active, volume)
        return info.with_active(plan.overlay)

    def _check_unused(self, files: VolumeFiles, overlay: str) -> None:
        if files.exists(overlay) and not is_unused(files, overlay):
            raise ChainUnsettled(
                f"{overlay} has come into use and is not removed"
            )

    def _check_on(
        self, files: VolumeFiles, overlay: str, backing: str, volume: Any
    ) -> None:
        image = chains.inspect(files, overlay, "qcow2", volume.size)
        if image.backing != backing:
            raise ChainUnsettled(
                f"{overlay} is on {image.backing} and not on {backing}, "
                f"the active image: its data cannot be placed"
            )

    def _remove(
        self, files: VolumeFiles, chain: Chain, plan: Plan, volume: Any
    ) -> None:
        """Remove a file that the chain on disk proves unneeded.

        Overlays of failed creates, to which nobody ever wrote, may still
        name it as their backing file; they are dealt with first.
        """
        heir = plan.target or plan.overlay
        for user in chains.users_of(files, plan.remove, chain):
            if user in chain or not is_unused(files, user):
                raise ForeignImage(
                    f"{user} names {plan.remove} as its backing file"
                )
            failed = {files.overlay(other.id) for other in volume.snapshots}
            if user in failed and heir in chain:
                format_ = chain.find(heir).format
                qemu_img = self._qemu_img_of(files)
                qemu_img.rebase(files.path(user), heir, format_)
            else:
                files.remove_unused(user, chain.names())
        files.remove_unused(plan.remove, chain.names())


def _is_attached(volume: Any) -> bool:
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


def _request(plan: Plan) -> dict[str, str | None]:
    if plan.action is Action.PULLED:
        file_to_merge, merge_target_file = plan.target or None, None
    else:
        file_to_merge, merge_target_file = plan.remove, plan.target
    return {
        "delete_info:type": "qcow2",
        "delete_info:file_to_merge": file_to_merge,
        "delete_info:merge_target_file": merge_target_file,
    }


def _check_done(chain: Chain, plan: Plan) -> None:
    """Believe a report only if the chain on disk agrees (bug 1530275)."""
    if plan.remove in chain:
        raise WorkNotDone(
            f"{plan.remove} is still in the chain of {chain.active.name}"
        )
    if plan.above not in chain:
        # The guest was never switched to it, and its chain goes past it.
        if plan.above and plan.target and plan.target not in chain:
            raise WorkNotDone(
                f"neither {plan.above} nor {plan.target} is in the chain "
                f"of {chain.active.name}"
            )
        return
    above = chain.find(plan.above)
    if (above.backing or "") != plan.target:
        raise WorkNotDone(
            f"{above.name} is on {above.backing} now, and not on "
            f"{plan.target or 'no backing file'}"
        )


def _formats(
    files: VolumeFiles, chain: Chain, base_format: str
) -> dict[str, str | None]:
    """The formats to record for the chain as it is now."""
    if chain.base.name != files.base:
        # Everything was pulled: a former overlay is the base image.
        base_format = "qcow2"
    return {"format": chain.active.format, "base_format": base_format}
