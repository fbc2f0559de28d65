# SPDX-License-Identifier: Apache-2.0
"""Defects of what goes on while nobody knows how a create ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver.chain import Chain
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.plan import Action
from reference_driver.plan import Plan
from reference_driver.share import is_unused


class DeletesUnsettled(RemoteFSAssistedDriver):
    """Looks for pending creates before a create, and not before a delete."""

    def _check_settled(
        self,
        files: VolumeFiles,
        info: Info,
        chain: Chain,
        volume: Any,
        but: Any = None,
        out_of_use: str = "",
    ) -> None:
        # Only a delete puts a file out of use.
        if not out_of_use:
            super()._check_settled(files, info, chain, volume, but)


class ExtendsUnsettled(RemoteFSAssistedDriver):
    """Grows what is recorded as active, whatever the guest writes to."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        files, info, chain = self._chain(volume)
        path = files.path(info.active)
        self._qemu_img.resize(path, chain.active.format, new_size)


class ClonesUnsettled(RemoteFSAssistedDriver):
    """Copies what is recorded as active, whatever the guest wrote to."""

    def create_cloned_volume(
        self, volume: Any, src_vref: Any
    ) -> dict[str, Any]:
        files, info, chain = self._chain(src_vref)
        return self._copy(files, chain, info.active, volume)


class CopiesUnsettled(RemoteFSAssistedDriver):
    """Copies from a snapshot of a chain that is in doubt."""

    def create_volume_from_snapshot(
        self, volume: Any, snapshot: Any
    ) -> dict[str, Any]:
        files, info, chain = self._chain(snapshot.volume)
        name = chain.find(info.overlays[snapshot.id]).backing
        assert name is not None
        return self._copy(files, chain, name, volume)


class TrustsRecords(RemoteFSAssistedDriver):
    """Never asks whether a recorded overlay is in the chain still."""

    def _check_settled(
        self,
        files: VolumeFiles,
        info: Info,
        chain: Chain,
        volume: Any,
        but: Any = None,
        out_of_use: str = "",
    ) -> None:
        in_chain = {k: v for k, v in info.overlays.items() if v in chain}
        super()._check_settled(
            files, replace(info, overlays=in_chain), chain, volume, but
        )


class TakesRefusedForPending(RemoteFSAssistedDriver):
    """Goes by the files alone, and not by what Nova has answered."""

    def _pending(
        self, files: VolumeFiles, info: Info, volume: Any
    ) -> list[Any]:
        return [
            snapshot
            for snapshot in volume.snapshots
            if snapshot.id not in info.overlays
            and files.exists(files.overlay(snapshot.id))
        ]


class KeepsCommitted(RemoteFSAssistedDriver):
    """Commits the overlay of a failed create, and leaves it there."""

    def _remove(
        self, files: VolumeFiles, chain: Chain, plan: Plan, volume: Any
    ) -> None:
        if plan.action is not Action.COMMIT_PENDING:
            super()._remove(files, chain, plan, volume)


class ForgetsThatItWasPending(RemoteFSAssistedDriver):
    """Takes what a delete has failed on for something half deleted."""

    def _plan_unrecorded(
        self, files: VolumeFiles, info: Info, snapshot: Any, attached: bool
    ) -> Plan:
        plan = super()._plan_unrecorded(files, info, snapshot, attached)
        stored = snapshot.snapshot_admin_metadata
        failed_before = stored.get("manager:previous_status")
        if failed_before == "error_deleting" and not attached:
            return Plan(Action.COMMITTED, plan.overlay, remove=plan.overlay)
        return plan


class AsksToMergePending(RemoteFSAssistedDriver):
    """Has the image that a guest writes to merged by the compute service."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        stored = update["snapshot_admin_metadata"]
        if stored["plan:action"] == Action.ADOPT:
            _, info, _ = self._chain(snapshot_ref.volume)
            stored |= {
                "delete_info:type": "qcow2",
                "delete_info:file_to_merge": stored["plan:overlay"],
                "delete_info:merge_target_file": info.active,
            }
        return update


class TakesNoAnswerForRefused(RemoteFSAssistedDriver):
    """Takes a create whose call was not answered for one that was refused."""

    def _pending(
        self, files: VolumeFiles, info: Info, volume: Any
    ) -> list[Any]:
        return [
            snapshot
            for snapshot in super()._pending(files, info, volume)
            if snapshot.snapshot_admin_metadata.get("manager:compute_call")
            != "unknown"
        ]


class RemovesUnreported(RemoteFSAssistedDriver):
    """Removes an overlay that nobody wrote to, whatever was reported."""

    def _plan_unrecorded(
        self, files: VolumeFiles, info: Info, snapshot: Any, attached: bool
    ) -> Plan:
        plan = super()._plan_unrecorded(files, info, snapshot, attached)
        if plan.action is Action.ADOPT and is_unused(files, plan.overlay):
            return Plan(Action.DISCARD, plan.overlay, remove=plan.overlay)
        return plan


BROKEN = (
    BrokenDriver(DeletesUnsettled, ("PND-001",), ("bug 1311182",)),
    BrokenDriver(ExtendsUnsettled, ("PND-002",), ("bug 1499452",)),
    BrokenDriver(ClonesUnsettled, ("PND-003",), ("bug 1267983",)),
    BrokenDriver(CopiesUnsettled, ("PND-004",)),
    BrokenDriver(TrustsRecords, ("PND-005",), ("bug 1311182",)),
    BrokenDriver(TakesRefusedForPending, ("PND-006",), ("bug 1657585",)),
    BrokenDriver(KeepsCommitted, ("PND-007",), ("bug 1300303",)),
    BrokenDriver(AsksToMergePending, ("PND-008",)),
    BrokenDriver(ForgetsThatItWasPending, ("PND-009",)),
    BrokenDriver(TakesNoAnswerForRefused, ("ERR-004",)),
    BrokenDriver(RemovesUnreported, ("PND-008",)),
)
