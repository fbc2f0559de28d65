# SPDX-License-Identifier: Apache-2.0
"""Deciding how a snapshot is deleted (contract section 3, deleting)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reference_driver import chain as chains
from reference_driver.chain import Chain
from reference_driver.errors import ChainUnsettled
from reference_driver.files import VolumeFiles
from reference_driver.image_lock import is_open
from reference_driver.info_file import Info
from reference_driver.plan import Action
from reference_driver.plan import OF_RECORDED
from reference_driver.plan import Plan
from reference_driver.share import is_unused
from reference_driver.share import RECORDED
from reference_driver.share import RemoteFSShare


class DeletePlanning(RemoteFSShare):
    """Works out what is to be merged into what; changes nothing."""

    def _decide(
        self,
        files: VolumeFiles,
        info: Info,
        chain: Chain,
        snapshot: Any,
        attached: bool,
    ) -> tuple[Plan, bool]:
        """How a snapshot is deleted, and whether there is a merge to do.

        :raises ChainUnsettled: another operation is in doubt.
        """
        found: Plan | None
        if snapshot.id in info.overlays:
            found = self._plan(files, info, chain, snapshot)
        else:
            found = self._plan_unrecorded(files, info, snapshot, attached)
        plan = found or merge(info, chain, snapshot.id, attached)
        self._check_settled(
            files, info, chain, snapshot.volume, snapshot, plan.remove
        )
        return plan, found is None

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
                backing = chains.header(files, overlay).backing_file or ""
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
        earlier = Plan.stored_in(snapshot.snapshot_admin_metadata)
        if (
            earlier is not None
            and earlier.action is Action.PULLED
            and earlier.remove not in chain
            and files.exists(earlier.remove)
            and chains.header(files, earlier.remove).backing_file
            == image.backing
        ):
            # Pulled, and no record says so: no snapshot was recorded for
            # what is left, the image of a create that failed. What it was
            # on may have been merged away since.
            return replace(
                earlier,
                target=image.backing,
                target_format=image.backing_format or "",
            )
        for other in sorted(chain.missing(info.overlays.values())):
            header = chains.header(files, other)
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
        if earlier is not None and (
            RECORDED in stored or earlier.action in OF_RECORDED
        ):
            # Its record was dropped, and removing the file was not done.
            chain = self._walk(files, info, snapshot.volume, info.active)
            # The plan may be that of an attempt before the one that was
            # carried out: of a detached volume that is done before it is
            # stored.  What is still in use it cannot have been about.
            is_stale = earlier.remove in chain
            return Plan(
                Action.COMMITTED,
                earlier.overlay,
                remove=earlier.overlay if is_stale else earlier.remove,
            )
        if not files.exists(overlay):
            return Plan(Action.NOTHING)
        chain = self._walk(files, info, snapshot.volume, info.active)
        if overlay == info.active:
            left = _pulled_and_left(files, info, chain)
            return Plan(Action.ADOPT, overlay, remove=left)
        if (
            _was_recorded(stored)
            and overlay not in chain
            and not is_open(files.path(overlay))
        ):
            # Who dropped the record died before the file was removed.
            return Plan(Action.COMMITTED, overlay, remove=overlay)
        pending = self._pending(files, info, snapshot.volume)
        given_up = (
            all(other.id != snapshot.id for other in pending)
            or "manager:compute_failed" in stored
        )
        if given_up and is_unused(files, overlay):
            return Plan(Action.DISCARD, overlay, remove=overlay)
        if attached:
            return Plan(Action.ADOPT, overlay)
        return Plan(
            Action.COMMIT_PENDING,
            overlay,
            remove=overlay,
            target=info.active,
        )


def _was_recorded(stored: Mapping[str, str]) -> bool:
    """Whether a snapshot without a record must have had one.

    Of one that Cinder's driver took there is its status before the delete.
    With a request, or a plan of ours for something else, it was the create
    that failed, and the overlay may hold what the guest wrote.
    """
    return RECORDED in stored or (
        stored.get("manager:previous_status")
        in ("available", "error_deleting")
        and "create_info:type" not in stored
        and Plan.stored_in(stored) is None
    )


def _pulled_and_left(files: VolumeFiles, info: Info, chain: Chain) -> str:
    """A file that Cinder had pulled, and died before it removed it."""
    pulled = [
        files.overlay(snapshot_id)
        for snapshot_id, overlay in info.overlays.items()
        if overlay == info.active
    ]
    for name in (*pulled, files.base):
        if (
            name not in chain
            and files.exists(name)
            and not is_open(files.path(name))
        ):
            return name
    return ""


def merge(info: Info, chain: Chain, snapshot_id: str, attached: bool) -> Plan:
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
