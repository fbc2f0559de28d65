# SPDX-License-Identifier: Apache-2.0
"""Defects of deleting a snapshot."""

from __future__ import annotations

from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.plan import Action
from reference_driver.plan import Plan


class NeedsRecord(RemoteFSAssistedDriver):
    """Takes for granted that the snapshot was recorded."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        _, info, _ = self._chain(snapshot_ref.volume)
        info.overlays[snapshot_ref.id]
        return super().delete_snapshot_assisted_begin(snapshot_ref)


class LeavesFile(RemoteFSAssistedDriver):
    """Forgets the file that was merged away."""

    def _remove(
        self, files: VolumeFiles, chain: Chain, plan: Plan, volume: Any
    ) -> None:
        return None


class RemovesNamed(RemoteFSAssistedDriver):
    """Looks at the active image's chain only before it removes a file."""

    def _release(
        self, files: VolumeFiles, chain: Chain, plan: Plan, volume: Any
    ) -> None:
        return None


class BelievesReport(RemoteFSAssistedDriver):
    """Removes a file because the compute service said that it is done."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        plan = Plan.stored_in(snapshot_ref.snapshot_admin_metadata)
        if plan is None or plan.action not in (
            Action.COMMITTED,
            Action.PULLED,
        ):
            return super().delete_snapshot_assisted_complete(snapshot_ref)
        files = self._files(snapshot_ref.volume)
        info = info_file.read(files).moved(plan.remove, plan.overlay)
        info_file.write(files, info.without_snapshot(snapshot_ref.id))
        files.remove(plan.remove)
        return {}


class CompletesOnce(RemoteFSAssistedDriver):
    """Fails when its work, after that of Nova, is found done."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        if "delete_info:type" in snapshot_ref.snapshot_admin_metadata:
            info = info_file.read(self._files(snapshot_ref.volume))
            info.overlays[snapshot_ref.id]
        return super().delete_snapshot_assisted_complete(snapshot_ref)


class AsksAgain(RemoteFSAssistedDriver):
    """Never compares its records with the chain before it plans."""

    def _plan(
        self, files: VolumeFiles, info: Info, chain: Chain, snapshot: Any
    ) -> Plan | None:
        overlay = chain.find(info.overlays[snapshot.id])
        if overlay.backing is None:
            raise FileNotFoundError("no base file found")
        return None


class RecordsBeforeReport(RemoteFSAssistedDriver):
    """Drops the record before anything was merged."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        files, info, _ = self._chain(snapshot_ref.volume)
        info_file.write(files, info.without_snapshot(snapshot_ref.id))
        return update


class RemovesPending(RemoteFSAssistedDriver):
    """Takes the overlay of a create that failed for one that is unused."""

    def _plan_unrecorded(
        self, files: VolumeFiles, info: Info, snapshot: Any, attached: bool
    ) -> Plan:
        plan = super()._plan_unrecorded(files, info, snapshot, attached)
        if plan.action is Action.NOTHING:
            return plan
        return Plan(Action.DISCARD, plan.overlay, remove=plan.overlay)


BROKEN = (
    BrokenDriver(NeedsRecord, ("DEL-001",), ("bug 1252864",)),
    BrokenDriver(RemovesNamed, ("DEL-010",)),
    BrokenDriver(LeavesFile, ("DEL-002",), ("bug 1300303",)),
    BrokenDriver(
        BelievesReport,
        ("DEL-003", "DEL-006"),
        ("bug 1530275", "bug 1627134", "bug 1643017"),
    ),
    BrokenDriver(CompletesOnce, ("DEL-004",), ("bug 1586604",)),
    BrokenDriver(
        AsksAgain,
        ("DEL-005", "REC-001", "REC-002", "REC-003"),
        ("bug 1311182",),
    ),
    BrokenDriver(
        RecordsBeforeReport, ("ERR-003", "LAY-002"), ("bug 1919487",)
    ),
    BrokenDriver(RemovesPending, ("ERR-005",)),
)
