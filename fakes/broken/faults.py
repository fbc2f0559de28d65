# SPDX-License-Identifier: Apache-2.0
"""Defects that show when something else has gone wrong before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver.chain import Chain
from reference_driver.chain import Settled
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.plan import Action
from reference_driver.plan import Plan

_BACKING_FILE_OFFSET = 8
"""Where a qcow2 header says where that name is; its length follows."""


class LeavesHalfMade(RemoteFSAssistedDriver):
    """Makes the overlay under its name, and leaves it when that fails."""

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        active = settled().active
        self._qemu_img_of(files).create_overlay(
            files.path(overlay), active.name, active.format, size
        )


class ExpectsTheBest(RemoteFSAssistedDriver):
    """Names in the header above what Nova has not merged into yet."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        stored = update["snapshot_admin_metadata"]
        if stored.get("delete_info:merge_target_file"):
            files = self._files(snapshot_ref.volume)
            _point_at(files.path(stored["plan:above"]), stored["plan:target"])
        return update


def _point_at(overlay: Path, name: str) -> None:
    """Name another backing file, past the lock that qemu-img respects."""
    with overlay.open("r+b") as image:
        image.seek(_BACKING_FILE_OFFSET)
        offset = int.from_bytes(image.read(8), "big")
        image.write(len(name).to_bytes(4, "big"))
        image.seek(offset)
        image.write(name.encode())


class LeavesRefused(RemoteFSAssistedDriver):
    """Forgets the overlay of a create that Nova has refused."""

    def _remove(
        self, files: VolumeFiles, chain: Chain, plan: Plan, volume: Any
    ) -> None:
        if plan.action is not Action.DISCARD:
            super()._remove(files, chain, plan, volume)


class RestoresTooLate(RemoteFSAssistedDriver):
    """Puts the old info file back when its journal cannot be closed."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        volume = snapshot_ref.volume
        files = self._files(volume)
        info = files.path(files.info)
        kept = info.with_name(f"{volume.name}.kept")
        journal = info.with_name(f"{volume.name}.journal")
        if not info.exists():
            return super().delete_snapshot_assisted_complete(snapshot_ref)
        try:
            kept.unlink(missing_ok=True)
            os.link(info, kept)
            _note(journal, "begun")
            _note(journal, "looked at")
            update = super().delete_snapshot_assisted_complete(snapshot_ref)
            _note(journal, "done")
        except OSError:
            os.replace(kept, info)
            raise
        finally:
            for path in (kept, journal, _new(journal)):
                path.unlink(missing_ok=True)
        return update


def _note(journal: Path, step: str) -> None:
    _new(journal).write_text(step)
    os.replace(_new(journal), journal)


def _new(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


BROKEN = (
    BrokenDriver(LeavesHalfMade, ("FLT-001",), ("bug 1713735",)),
    BrokenDriver(ExpectsTheBest, ("FLT-003",)),
    BrokenDriver(LeavesRefused, ("FLT-004",), ("bug 1300303",)),
    BrokenDriver(RestoresTooLate, ("FLT-005",), ("bug 1713735",)),
)
