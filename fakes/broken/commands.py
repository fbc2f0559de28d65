# SPDX-License-Identifier: Apache-2.0
"""Defects of going on, or not, after a command has failed."""

from __future__ import annotations

from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.chain import Settled
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import WorkNotDone
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.plan import Plan


class LeavesOverlay(RemoteFSAssistedDriver):
    """Makes the overlay in its place, and leaves what failed there."""

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        active = settled().active
        self._qemu_img.create_overlay(
            files.path(overlay), active.name, active.format, size
        )


class RecordsBeforeCommit(RemoteFSAssistedDriver):
    """Records the backing file as active, and then commits into it."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        if chain.above(plan.remove) is None:
            info_file.write(files, info.with_active(plan.target))
        return super()._commit(files, info, chain, plan)


class NeverTriesAgain(RemoteFSAssistedDriver):
    """Refuses to delete what it has failed to delete before."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        stored = snapshot_ref.snapshot_admin_metadata
        if stored.get("manager:previous_status") == "error_deleting":
            raise WorkNotDone(f"snapshot {snapshot_ref.id} was half deleted")
        return super().delete_snapshot_assisted_begin(snapshot_ref)


class RemovesBeforeRevert(RemoteFSAssistedDriver):
    """Removes the overlay, and then makes an empty one (as Cinder does)."""

    def revert_to_snapshot(
        self, context: Any, volume: Any, snapshot: Any
    ) -> None:
        files, info, chain = self._settled_chain(volume)
        overlay = chain.find(info.overlays[snapshot.id])
        below = chain.find(str(overlay.backing))
        path = files.path(overlay.name)
        path.unlink()
        self._qemu_img.create_overlay(
            path, below.name, below.format, volume.size
        )


BROKEN = (
    BrokenDriver(LeavesOverlay, ("CMD-001",), ("bug 1657585",)),
    BrokenDriver(RecordsBeforeCommit, ("CMD-002",)),
    BrokenDriver(NeverTriesAgain, ("CMD-003",), ("bug 1586604",)),
    BrokenDriver(RemovesBeforeRevert, ("CMD-004",), ("commit 0a34a5a29",)),
)
