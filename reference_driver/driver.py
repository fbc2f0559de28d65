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

from typing import Any

from assisted_kit import qcow2
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
from reference_driver.volumes import RECORDED
from reference_driver.volumes import RemoteFSVolumes


class RemoteFSAssistedDriver(RemoteFSVolumes):
    """Assisted snapshots on files of a share."""

    assisted_capabilities = frozenset(
        {
            "cinder_share_layout",
            "clone",
            "create_from_snapshot",
            "extend_with_snapshots",
            "qcow2_base",
            "raw_base",
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

        :raises InvalidVolume: the volume has several attachments, or is
            encrypted.
        :raises ChainUnsettled: an earlier operation is in doubt.
        """
        volume = snapshot_ref.volume
        attached = _is_attached(volume)
        if volume.encryption_key_id:
            raise InvalidVolume(
                f"volume {volume.id} is encrypted, which is not supported"
            )
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
            image = chains.inspect(files, overlay, "qcow2", volume.size)
            if image.backing != info.active:
                raise ChainUnsettled(
                    f"{overlay} is not on {info.active}, the active image, "
                    f"but on {image.backing}"
                )
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
        files.remove_unused(overlay, chain.names())
        files.make(
            overlay,
            lambda path: self._qemu_img.create_overlay(
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
                plan = _merge(info, chain, snapshot_ref.id, attached)
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

    def _plan(
        self, files: VolumeFiles, info: Info, chain: Chain, snapshot: Any
    ) -> Plan | None:
        """Compare records and chain (section 3).

        An earlier attempt may have been carried out and never reported.
        Nothing is merged then.
        """
        overlay = info.overlays[snapshot.id]
        if overlay not in chain:
            self._check_concerned(snapshot, overlay)
            backing = ""
            if files.exists(overlay):
                header = qcow2.inspect(files.path(overlay))
                backing = header.backing_file or ""
            return Plan(
                Action.COMMITTED,
                overlay=overlay,
                remove=overlay,
                target=files.own(backing) if backing else "",
            )
        image = chain.find(overlay)
        if image.backing is None:
            earlier = Plan.stored_in(snapshot.snapshot_admin_metadata)
            base = earlier.remove if earlier else files.base
            return Plan(Action.PULLED, overlay, remove=base, above=overlay)
        for other_id, other in info.overlays.items():
            if other_id == snapshot.id or other in chain:
                continue
            header = qcow2.inspect(files.path(other))
            if header.backing_file == image.backing:
                self._check_concerned(snapshot, other)
                return Plan(
                    Action.PULLED,
                    overlay,
                    remove=other,
                    above=overlay,
                    target=image.backing,
                    target_format=image.backing_format or "",
                )
        return None

    def _check_concerned(self, snapshot: Any, overlay: str) -> None:
        """See that no other snapshot's delete put an overlay out of use.

        A commit of it and a pull of it leave the same headers behind; only
        the plans tell them apart.
        """
        for other in snapshot.volume.snapshots:
            plan = Plan.stored_in(other.snapshot_admin_metadata)
            if other.id != snapshot.id and plan and plan.remove == overlay:
                own = Plan.stored_in(snapshot.snapshot_admin_metadata)
                if own is None or own.remove != overlay:
                    raise ChainUnsettled(
                        f"{overlay} was put out of use by the delete of "
                        f"snapshot {other.id}: repeat that one first"
                    )

    def _plan_unrecorded(
        self, files: VolumeFiles, info: Info, snapshot: Any, attached: bool
    ) -> Plan:
        """A snapshot that the info file does not know."""
        stored = snapshot.snapshot_admin_metadata
        overlay = files.overlay(snapshot.id)
        earlier = Plan.stored_in(stored)
        if RECORDED in stored and earlier is not None:
            # Its record was dropped, and removing the file was not done.
            return Plan(
                Action.COMMITTED, earlier.overlay, remove=earlier.remove
            )
        if not files.exists(overlay):
            return Plan(Action.NOTHING)
        if overlay == info.active:
            return Plan(Action.ADOPT, overlay)
        pending = self._pending(files, info, snapshot.volume)
        given_up = (
            all(other.id != snapshot.id for other in pending)
            or "manager:compute_failed" in stored
        )
        if given_up and self._is_unused(files, overlay):
            return Plan(Action.DISCARD, overlay, remove=overlay)
        if attached:
            return Plan(Action.ADOPT, overlay)
        return Plan(
            Action.COMMIT_PENDING,
            overlay,
            remove=overlay,
            target=info.active,
        )

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
            return {}
        files, info, chain = self._chain(volume)
        base_format = self._base_format(files, info, volume)
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
        chain = self._walk(files, info, volume, info.active)
        if plan.remove:
            self._remove(files, chain, plan, volume)
        return {"volume_admin_metadata": _formats(files, chain, base_format)}

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        """Merge an overlay of a detached volume into its backing file."""
        if plan.remove not in chain:
            # Done before; only the record or the file was left.
            return info
        self._qemu_img.commit(files.path(plan.remove))
        above = chain.above(plan.remove)
        if above is None:
            return info.with_active(plan.target)
        self._qemu_img.rebase(
            files.path(above.name), plan.target, plan.target_format
        )
        return info

    def _commit_pending(
        self, files: VolumeFiles, plan: Plan, volume: Any
    ) -> None:
        if files.exists(plan.remove):
            self._check_on(files, plan.remove, plan.target, volume)
            self._qemu_img.commit(files.path(plan.remove))

    def _adopt(
        self, files: VolumeFiles, info: Info, plan: Plan, volume: Any
    ) -> Info:
        if plan.overlay != info.active:
            self._check_on(files, plan.overlay, info.active, volume)
        return info.with_active(plan.overlay)

    def _is_unused(self, files: VolumeFiles, overlay: str) -> bool:
        """Whether nobody wrote to an overlay and nobody has it open."""
        return chains.is_empty(files, overlay) and not is_open(
            files.path(overlay)
        )

    def _check_unused(self, files: VolumeFiles, overlay: str) -> None:
        if files.exists(overlay) and not self._is_unused(files, overlay):
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
        failed = {files.overlay(other.id) for other in volume.snapshots}
        for user in chains.users_of(files, plan.remove):
            if user in chain or not self._is_unused(files, user):
                raise ForeignImage(
                    f"{user} names {plan.remove} as its backing file"
                )
            if user in failed and heir in chain:
                format_ = chain.find(heir).format
                self._qemu_img.rebase(files.path(user), heir, format_)
            else:
                files.remove_unused(user, chain.names())
        files.remove_unused(plan.remove, chain.names())


def _is_attached(volume: Any) -> bool:
    """Whether a guest has the active image open (bug: ``fb48a1fe6``).

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


def _merge(info: Info, chain: Chain, snapshot_id: str, attached: bool) -> Plan:
    """What is merged into what (the table of section 3)."""
    overlay = chain.find(info.overlays[snapshot_id])
    assert overlay.backing is not None
    if attached and overlay == chain.active:
        backing = chain.find(overlay.backing)
        return Plan(
            Action.PULLED,
            overlay.name,
            remove=backing.name,
            above=overlay.name,
            target=backing.backing or "",
            target_format=backing.backing_format or "",
        )
    above = chain.above(overlay.name)
    return Plan(
        Action.COMMITTED if attached else Action.COMMIT,
        overlay.name,
        remove=overlay.name,
        above=above.name if above else "",
        target=overlay.backing,
        target_format=overlay.backing_format or "",
    )


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
    if (above.backing_format or "") != plan.target_format:
        raise ForeignImage(
            f"{above.name} names {above.backing} as "
            f"{above.backing_format}, which was recorded as "
            f"{plan.target_format}"
        )


def _formats(
    files: VolumeFiles, chain: Chain, base_format: str
) -> dict[str, str | None]:
    """The formats to record for the chain as it is now."""
    if chain.base.name != files.base:
        # Everything was pulled: a former overlay is the base image.
        base_format = "qcow2"
    return {"format": chain.active.format, "base_format": base_format}
