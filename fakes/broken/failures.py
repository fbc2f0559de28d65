# SPDX-License-Identifier: Apache-2.0
"""Defects of what is done when something has failed."""

from __future__ import annotations

from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver.chain import Chain
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import WorkNotDone
from reference_driver.files import VolumeFiles
from reference_driver.image_lock import is_open
from reference_driver.info_file import Info
from reference_driver.plan import Action
from reference_driver.plan import Plan


class MissesAttachment(RemoteFSAssistedDriver):
    """Looks for the attachment when the overlay is there already."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        volume = snapshot_ref.volume
        missing = volume.attach_status == "attached" and not (
            volume.volume_attachment
        )
        if missing:
            files, info, chain = self._settled_chain(volume, but=snapshot_ref)
            self._make_overlay(
                files,
                info,
                files.overlay(snapshot_ref.id),
                volume.size,
                lambda: chain,
            )
            raise IndexError("list index out of range")
        return super().create_snapshot_assisted_begin(snapshot_ref)


class RemovesUnrecorded(RemoteFSAssistedDriver):
    """Takes what is not recorded for what nobody uses, and removes it."""

    def _plan_unrecorded(
        self, files: VolumeFiles, info: Info, snapshot: Any, attached: bool
    ) -> Plan:
        overlay = files.overlay(snapshot.id)
        if files.exists(overlay) and overlay != info.active:
            files.remove(overlay)
        return Plan(Action.NOTHING)


class WantsAnswer(RemoteFSAssistedDriver):
    """Believes a report only if the call had been answered as well."""

    def _see_answer(self, snapshot: Any) -> None:
        stored = snapshot.snapshot_admin_metadata
        if stored.get("manager:compute_call") == "unknown":
            raise WorkNotDone("the compute service has not answered")

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._see_answer(snapshot_ref)
        return super().create_snapshot_assisted_complete(snapshot_ref)

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._see_answer(snapshot_ref)
        return super().delete_snapshot_assisted_complete(snapshot_ref)


class NeverCompares(RemoteFSAssistedDriver):
    """Plans by its records alone, though the chain may be further."""

    def _plan(
        self, files: VolumeFiles, info: Info, chain: Chain, snapshot: Any
    ) -> Plan | None:
        return None


class RemovesEarly(RemoteFSAssistedDriver):
    """Removes in begin what the guest has open, and so has kept."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        stored = update["snapshot_admin_metadata"]
        if stored["plan:action"] == Action.PULLED:
            self._files(snapshot_ref.volume).remove(stored["plan:remove"])
        return update


class WantsRunningGuest(RemoteFSAssistedDriver):
    """Believes that a file was pulled only while a guest is at it."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        volume = snapshot_ref.volume
        plan = Plan.stored_in(snapshot_ref.snapshot_admin_metadata)
        if plan is not None and plan.action is Action.PULLED:
            files = self._files(volume)
            if not is_open(files.path(plan.overlay)):
                raise WorkNotDone(f"nobody has {plan.overlay} open")
        return super().delete_snapshot_assisted_complete(snapshot_ref)


BROKEN = (
    BrokenDriver(MissesAttachment, ("ERR-001",), ("bug 1528548",)),
    BrokenDriver(
        RemovesUnrecorded,
        ("ERR-005", "ERR-007", "ATT-003"),
        ("bug 1310526", "bug 1629371"),
    ),
    # A report may overtake the answer in any operation.
    BrokenDriver(WantsAnswer, ("ERR-008",), races=True),
    BrokenDriver(
        NeverCompares, ("ATT-001", "ATT-002", "CRH-005"), ("bug 1311182",)
    ),
    BrokenDriver(RemovesEarly, ("ATT-001",), ("bug 1273894",)),
    BrokenDriver(
        WantsRunningGuest, ("ERR-009",), ("bug 1444806", "bug 1465416")
    ),
)
