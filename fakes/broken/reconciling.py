# SPDX-License-Identifier: Apache-2.0
"""Defects of deletes that are repeated."""

from __future__ import annotations

from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.plan import Action
from reference_driver.plan import Plan


class CommitsUnreported(RemoteFSAssistedDriver):
    """Merges the snapshot's overlay down, whatever was merged before."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        stored = update["snapshot_admin_metadata"]
        plan = Plan.stored_in({k: v for k, v in stored.items() if v})
        if (
            plan is not None
            and plan.action is Action.PULLED
            and plan.target
            and "delete_info:type" not in stored
        ):
            files = self._files(snapshot_ref.volume)
            self._qemu_img.commit(files.path(plan.overlay))
        return update


class KeepsMarks(RemoteFSAssistedDriver):
    """Marks in begin that a delete is under way, and expects no mark."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files = self._files(snapshot_ref.volume)
        files.path(f"{snapshot_ref.id}.lock").touch(exist_ok=False)
        return super().delete_snapshot_assisted_begin(snapshot_ref)

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_complete(snapshot_ref)
        files = self._files(snapshot_ref.volume)
        files.path(f"{snapshot_ref.id}.lock").unlink(missing_ok=True)
        return update


class KeepsBackingFile(RemoteFSAssistedDriver):
    """Takes for an overlay's backing file what it was in the beginning."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        active = info_file.read(self._files(snapshot_ref.volume)).active
        update.setdefault("snapshot_admin_metadata", {})["backing"] = active
        return update

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        stored = update["snapshot_admin_metadata"]
        backing = snapshot_ref.snapshot_admin_metadata.get("backing")
        if stored["plan:action"] != Action.PULLED:
            stored["plan:target"] = backing
        return update


BROKEN = (
    BrokenDriver(CommitsUnreported, ("REC-004",), ("bug 1311182",)),
    BrokenDriver(KeepsMarks, ("DEL-011",), ("bug 1586604",)),
    BrokenDriver(KeepsBackingFile, ("DAT-006",), ("bug 1694635",)),
)
