# SPDX-License-Identifier: Apache-2.0
"""Defects of merging: the wrong file, or the wrong record."""

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


class CommitsOverlayAbove(RemoteFSAssistedDriver):
    """Merges the overlay above into the one that is to go."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        above = chain.above(plan.remove)
        if above is not None:
            self._qemu_img.commit(files.path(above.name))
        return super()._commit(files, info, chain, plan)


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


BROKEN = (
    BrokenDriver(CommitsOverlayAbove, ("DAT-002",), ("bug 1468445",)),
    BrokenDriver(StopsAtSixteen, ("DAT-002",), ("bug 1646181",)),
    BrokenDriver(ForgetsPulled, ("DAT-003",), ("bug 1262880",)),
)
