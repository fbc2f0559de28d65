# SPDX-License-Identifier: Apache-2.0
"""Defects that show only when the volume service dies at the wrong moment."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver.carrying_out import check_done
from reference_driver.chain import Chain
from reference_driver.chain import Settled
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.plan import Action
from reference_driver.plan import Plan
from reference_driver.share import RECORDED


class MakesOverlayOnce(RemoteFSAssistedDriver):
    """Fails on the overlay that a begin that was killed has made."""

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        if files.exists(overlay):
            raise FileExistsError(overlay)
        super()._make_overlay(files, info, overlay, size, settled)


class RefusesItsOwnRecord(RemoteFSAssistedDriver):
    """Takes what it had stored itself for somebody else's."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        if RECORDED in snapshot_ref.snapshot_admin_metadata:
            raise FileExistsError(snapshot_ref.id)
        return super().create_snapshot_assisted_complete(snapshot_ref)


class RemovesBeforeRebase(RemoteFSAssistedDriver):
    """Removes what it has committed while the overlay above still needs it.

    A ``rebase -u`` does not look at the former backing file.
    """

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        above = chain.above(plan.remove) if plan.remove in chain else None
        if above is None:
            return super()._commit(files, info, chain, plan)
        qemu_img = self._qemu_img_of(files)
        qemu_img.commit(files.path(plan.remove))
        files.remove(plan.remove)
        qemu_img.rebase(
            files.path(above.name), plan.target, plan.target_format
        )
        return info


class RemovesBeforeRecord(RemoteFSAssistedDriver):
    """Removes the active image before the info file names another one."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        info = super()._commit(files, info, chain, plan)
        files.remove(plan.remove)
        return info


class RemovesMergedFirst(RemoteFSAssistedDriver):
    """Removes what the compute service has merged before it records that.

    A process that has done so knows it, and another one does not.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._removed: set[str] = set()

    def _merge_and_record(
        self,
        files: VolumeFiles,
        info: Info,
        chain: Chain,
        plan: Plan,
        snapshot: Any,
    ) -> tuple[Info, Chain]:
        is_due = (
            plan.action is Action.COMMITTED and plan.overlay == plan.remove
        )
        if (
            is_due
            and snapshot.id in info.overlays
            and plan.remove not in self._removed
        ):
            check_done(chain, plan)
            files.path(plan.remove).unlink()
            self._removed.add(plan.remove)
        return super()._merge_and_record(files, info, chain, plan, snapshot)


class NamesAnew(RemoteFSAssistedDriver):
    """Writes each info file under a new name, which a crash leaves there."""

    def _files(self, volume: Any) -> VolumeFiles:
        return _NamingAnew(self._directory, volume, self._layout)


class _NamingAnew(VolumeFiles):
    def make(
        self,
        name: str,
        write: Callable[[Path], object],
        *,
        like: Path | None = None,
        sync_directory: bool = True,
    ) -> None:
        if name != self.info:
            super().make(name, write, like=like, sync_directory=sync_directory)
            return
        new = f"{name}.{secrets.token_hex(4)}"
        super().make(new, write, like=like, sync_directory=False)
        self._replace(self.path(new), self.path(name))
        self.sync_directory()


BROKEN = (
    BrokenDriver(MakesOverlayOnce, ("CRH-001",)),
    BrokenDriver(NamesAnew, ("CRH-006",), ("bug 1300303",)),
    BrokenDriver(RefusesItsOwnRecord, ("CRH-004",)),
    BrokenDriver(RemovesBeforeRebase, ("CRH-002",)),
    BrokenDriver(RemovesBeforeRecord, ("CRH-002",)),
    BrokenDriver(RemovesMergedFirst, ("CRH-002",)),
)
