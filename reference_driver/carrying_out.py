# SPDX-License-Identifier: Apache-2.0
"""Carrying out what was decided about a delete (contract section 3)."""

from __future__ import annotations

from typing import Any

from reference_driver import chain as chains
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.errors import ChainUnsettled
from reference_driver.errors import ForeignImage
from reference_driver.errors import WorkNotDone
from reference_driver.files import VolumeFiles
from reference_driver.image_lock import is_open
from reference_driver.info_file import Info
from reference_driver.plan import Action
from reference_driver.plan import Plan
from reference_driver.planning import DeletePlanning
from reference_driver.share import is_unused


class DeleteWork(DeletePlanning):
    """Merges if need be, records, and only then removes.

    Each step first looks whether it was done before.
    """

    def _merge_and_record(
        self,
        files: VolumeFiles,
        info: Info,
        chain: Chain,
        plan: Plan,
        snapshot: Any,
    ) -> tuple[Info, Chain]:
        """Make the new state the truth; what it leaves over is still there.

        :param chain: as it is before.
        :raises WorkNotDone: what the compute service reported done is not
            what the chain shows.
        :raises ForeignImage: something else is on the file that is to go.
        """
        volume = snapshot.volume
        base_format = self._base_format(files, info, volume)
        match plan.action:
            case Action.COMMIT:
                info = self._commit(files, info, chain, plan)
            case Action.COMMITTED | Action.PULLED:
                check_done(chain, plan)
                if plan.action is Action.PULLED:
                    info = info.moved(plan.remove, plan.overlay)
            case Action.COMMIT_PENDING:
                self._commit_pending(files, plan, volume)
            case Action.ADOPT:
                info = self._adopt(files, info, plan, volume)
            case Action.DISCARD:
                self._check_unused(files, plan.remove)
        info = info.without_snapshot(snapshot.id)
        # No header was written but that of the overlay above.
        chain = chains.walk(
            files,
            info.active,
            base_format=base_format,
            size_gib=volume.size,
            known=chain.without(plan.above),
        )
        if plan.remove:
            self._release(files, chain, plan, volume)
        if info.on_share or info.active != files.base:
            info_file.write(files, info)
        return info, chain

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

    def _release(
        self, files: VolumeFiles, chain: Chain, plan: Plan, volume: Any
    ) -> None:
        """See that nothing is on the file that is to be removed.

        Overlays of failed creates, to which nobody ever wrote, and images
        that another delete has pulled, and nobody reported it, may still
        name it as their backing file; they are dealt with.

        :raises ForeignImage: anything else does.
        """
        users = chains.users_of(files, plan.remove, chain)
        if not users:
            # To look through the volume's snapshots takes longer than this.
            return
        heir = plan.target or plan.overlay
        failed = {files.overlay(other.id) for other in volume.snapshots}
        pulled = {
            earlier.remove
            for other in volume.snapshots
            if (earlier := Plan.stored_in(other.snapshot_admin_metadata))
            if earlier.action is Action.PULLED
        }
        for user in users:
            is_left = user in pulled and not is_open(files.path(user))
            if user in chain or not (is_left or is_unused(files, user)):
                raise ForeignImage(
                    f"{user} names {plan.remove} as its backing file"
                )
            if user in failed | pulled and heir in chain:
                format_ = chain.find(heir).format
                qemu_img = self._qemu_img_of(files)
                qemu_img.rebase(files.path(user), heir, format_)
            else:
                files.remove_unused(user, chain.names())

    def _remove(
        self, files: VolumeFiles, chain: Chain, plan: Plan, volume: Any
    ) -> None:
        """Remove a file that the chain on disk proves unneeded."""
        files.remove_unused(plan.remove, chain.names())


def check_done(chain: Chain, plan: Plan) -> None:
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
