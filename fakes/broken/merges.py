# SPDX-License-Identifier: Apache-2.0
"""Defects of merging: the wrong file, or the wrong record."""

from __future__ import annotations

from typing import Any

from assisted_kit.process import execute
from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.plan import Action
from reference_driver.plan import Plan


class CommitsOverlayAbove(RemoteFSAssistedDriver):
    """Merges the overlay above into the one that is to go."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        above = chain.above(plan.remove)
        if above is not None:
            self._qemu_img.commit(files.path(above.name))
        return super()._commit(files, info, chain, plan)


class CommitsIntoBase(RemoteFSAssistedDriver):
    """Commits every overlay into the base image (Cinder's encrypted ones)."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        path, base = files.path(plan.remove), files.path(chain.base.name)
        words = ("commit", "-f", "qcow2", "-d", "-b", str(base), str(path))
        execute("qemu-img", *words)
        return super()._commit(files, info, chain, plan)


class KeepsActive(RemoteFSAssistedDriver):
    """Leaves the committed overlay active."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        committed = super()._commit(files, info, chain, plan)
        return committed.with_active(info.active)

    def _remove(
        self, files: VolumeFiles, chain: Chain, plan: Plan, volume: Any
    ) -> None:
        if plan.remove not in chain:
            super()._remove(files, chain, plan, volume)


class ActivatesBackingFile(RemoteFSAssistedDriver):
    """Makes the backing file active after a pull, as after a commit."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        plan = Plan.stored_in(snapshot_ref.snapshot_admin_metadata)
        files = self._files(snapshot_ref.volume)
        update = super().delete_snapshot_assisted_complete(snapshot_ref)
        if plan is not None and plan.action is Action.PULLED and plan.target:
            info = info_file.read(files)
            info_file.write(files, info.with_active(plan.target))
        return update


class StopsAtSixteen(RemoteFSAssistedDriver):
    """Has limits that a long chain does not fit into."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        if len(chain.images) > 16:
            raise MemoryError
        return super()._commit(files, info, chain, plan)


class ForgetsPulled(RemoteFSAssistedDriver):
    """Leaves the snapshot of a pulled overlay recorded for that overlay."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        plan = Plan.stored_in(snapshot_ref.snapshot_admin_metadata)
        files = self._files(snapshot_ref.volume)
        before = info_file.read(files)
        update = super().delete_snapshot_assisted_complete(snapshot_ref)
        if plan is not None and plan.action is Action.PULLED:
            stale = before.without_snapshot(snapshot_ref.id)
            info_file.write(files, stale)
        return update


class PointsByPath(RemoteFSAssistedDriver):
    """Points the overlay above at a path of the volume service's host."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        committed = super()._commit(files, info, chain, plan)
        if plan.above:
            path = str(files.path(plan.target))
            self._qemu_img.rebase(
                files.path(plan.above), path, plan.target_format
            )
        return committed


class PointsWithoutFormat(RemoteFSAssistedDriver):
    """Leaves it to QEMU what the overlay above is on now."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        committed = super()._commit(files, info, chain, plan)
        if plan.above:
            above = str(files.path(plan.above))
            words = ("rebase", "-u", "-f", "qcow2", "-b", plan.target, above)
            execute("qemu-img", *words)
        return committed


class PointsAsProbed(RemoteFSAssistedDriver):
    """Has the overlay above say what its new backing file looks like."""

    def _remove(
        self, files: VolumeFiles, chain: Chain, plan: Plan, volume: Any
    ) -> None:
        super()._remove(files, chain, plan, volume)
        if plan.action is Action.COMMIT and plan.above:
            with files.path(plan.target).open("rb") as file:
                looks = "qcow2" if file.read(4) == b"QFI\xfb" else "raw"
            self._qemu_img.rebase(files.path(plan.above), plan.target, looks)


class WantsRecordAbove(RemoteFSAssistedDriver):
    """Merges no overlay below one that is no snapshot's."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        if plan.above and plan.above not in info.overlays.values():
            raise LookupError(f"there is no snapshot of {plan.above}")
        return super()._commit(files, info, chain, plan)


BROKEN = (
    BrokenDriver(CommitsOverlayAbove, ("DAT-002",), ("bug 1468445",)),
    BrokenDriver(StopsAtSixteen, ("DAT-002",), ("bug 1646181",)),
    BrokenDriver(CommitsIntoBase, ("DEL-012",)),
    BrokenDriver(KeepsActive, ("DEL-009",), ("commit 8c03308ed",)),
    BrokenDriver(ActivatesBackingFile, ("DEL-008",), ("bug 1444806",)),
    BrokenDriver(ForgetsPulled, ("DAT-003", "DEL-007"), ("bug 1262880",)),
    BrokenDriver(PointsByPath, ("DEL-013",), ("bug 1438027",)),
    BrokenDriver(PointsWithoutFormat, ("DEL-013",)),
    BrokenDriver(PointsAsProbed, ("DEL-013",), ("LIVE-7",)),
    BrokenDriver(WantsRecordAbove, ("PND-008",)),
)
