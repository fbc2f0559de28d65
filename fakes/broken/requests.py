# SPDX-License-Identifier: Apache-2.0
"""Defects of model updates and of the requests in them."""

from __future__ import annotations

from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.plan import Action
from reference_driver.plan import Plan
from reference_driver.planning import merge


class ReturnsNothing(RemoteFSAssistedDriver):
    """A wrapper, for a lock say, that forgets to return."""

    def create_snapshot_assisted_begin(self, snapshot_ref: Any) -> Any:
        super().create_snapshot_assisted_begin(snapshot_ref)


class SetsStatus(RemoteFSAssistedDriver):
    """Completes the snapshot by itself."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_complete(snapshot_ref)
        return {**update, "status": "available"}


class NamesPath(RemoteFSAssistedDriver):
    """Names files by paths that only Cinder's host has."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        stored = update.get("snapshot_admin_metadata", {})
        if "create_info:new_file" in stored:
            name = stored["create_info:new_file"]
            stored["create_info:new_file"] = str(self._directory / name)
        return update


class DecidesByStatus(RemoteFSAssistedDriver):
    """Takes a volume that is being backed up for a detached one."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        return update if snapshot_ref.volume.status == "in-use" else {}


class PutsOverlayElsewhere(RemoteFSAssistedDriver):
    """Keeps overlays in a directory of their own."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        if update:
            name = update["snapshot_admin_metadata"]["create_info:new_file"]
            directory = self._directory / "overlays"
            directory.mkdir(exist_ok=True)
            (self._directory / name).rename(directory / name)
        return update


class RequestsCommitIntoBase(RemoteFSAssistedDriver):
    """Merges an overlay into the bottom of the chain."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        stored = update["snapshot_admin_metadata"]
        if stored.get("delete_info:merge_target_file"):
            base = snapshot_ref.volume.name
            stored["delete_info:merge_target_file"] = base
            stored["plan:target"] = base
        return update


class PullsTooLittle(RemoteFSAssistedDriver):
    """Names the backing file itself where its backing file is meant."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        stored = update["snapshot_admin_metadata"]
        if "delete_info:type" in stored and not stored.get(
            "delete_info:merge_target_file"
        ):
            stored["delete_info:file_to_merge"] = stored["plan:remove"]
        return update


class AsksWithoutGuest(RemoteFSAssistedDriver):
    """Asks the compute service for help with a detached volume."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        super().create_snapshot_assisted_begin(snapshot_ref)
        return {
            "snapshot_admin_metadata": {
                "create_info:type": "qcow2",
                "create_info:new_file": (
                    f"{snapshot_ref.volume.name}.{snapshot_ref.id}"
                ),
            }
        }


class SaysNinety(RemoteFSAssistedDriver):
    """Shows how far it is by itself, in the old signal's words."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        return {**update, "progress": "90%"}


class RecordsFormatEarly(RemoteFSAssistedDriver):
    """Records the base image's format before anything was pulled."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        return {**update, "volume_admin_metadata": {"base_format": "qcow2"}}


class RequestsTwice(RemoteFSAssistedDriver):
    """Returns from complete what begin has returned already."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_complete(snapshot_ref)
        update["snapshot_admin_metadata"] |= {
            key: value
            for key, value in snapshot_ref.snapshot_admin_metadata.items()
            if key.startswith("create_info:")
        }
        return update


class ReportsItself(RemoteFSAssistedDriver):
    """Stores a report in the compute service's place."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_complete(snapshot_ref)
        update["snapshot_admin_metadata"] |= {
            "snapshot_status": "creating_compute_complete"
        }
        return update


class TakesOverlayForDone(RemoteFSAssistedDriver):
    """Requests nothing when it finds the overlay there already."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files = self._files(snapshot_ref.volume)
        there = files.exists(files.overlay(snapshot_ref.id))
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        return {} if there else update


class DecidesAnew(RemoteFSAssistedDriver):
    """Works out in complete what there is to do, by who is attached then."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        volume = snapshot_ref.volume
        if volume.attach_status == "attached":
            return super().delete_snapshot_assisted_complete(snapshot_ref)
        files, info, chain = self._chain(volume)
        plan = merge(info, chain, snapshot_ref.id, attached=False)
        info = self._commit(files, info, chain, plan)
        info_file.write(files, info.without_snapshot(snapshot_ref.id))
        files.remove(plan.remove)
        return {"volume_admin_metadata": {"format": chain.active.format}}


class KeepsFirstRequest(RemoteFSAssistedDriver):
    """Repeats a delete with the request that was stored the first time."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        stored = snapshot_ref.snapshot_admin_metadata
        plan = Plan.stored_in(stored)
        if plan is None or plan.action not in (
            Action.COMMITTED,
            Action.PULLED,
        ):
            return super().delete_snapshot_assisted_begin(snapshot_ref)
        return {
            "snapshot_admin_metadata": {
                "delete_info:type": stored["delete_info:type"]
            }
        }


class DeletesByStatus(RemoteFSAssistedDriver):
    """Merges by itself unless the volume's status is in-use."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        volume = snapshot_ref.volume
        if volume.status != "in-use":
            volume.attach_status = "detached"
        return super().delete_snapshot_assisted_begin(snapshot_ref)


class NamesTypeItsOwnWay(RemoteFSAssistedDriver):
    """Says to the compute service what only its own vendor says."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        stored = update.get("snapshot_admin_metadata", {})
        if "create_info:type" in stored:
            stored["create_info:type"] = "ploop"
        return update


class SendsMore(RemoteFSAssistedDriver):
    """Tells the compute service more than its request has room for."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        stored = update.get("snapshot_admin_metadata", {})
        if "create_info:type" in stored:
            stored["create_info:quiesce"] = "yes"
        return update


class RequestsCommitIntoBaseOfLong(RemoteFSAssistedDriver):
    """Takes the end of a long chain for what an overlay is on."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        stored = update["snapshot_admin_metadata"]
        is_long = len(snapshot_ref.volume.snapshots) >= 10
        if is_long and stored.get("delete_info:merge_target_file"):
            stored["delete_info:merge_target_file"] = snapshot_ref.volume.name
        return update


BROKEN = (
    BrokenDriver(ReturnsNothing, ("UPD-002",), ("bug 1437271", "bug 1441050")),
    BrokenDriver(SetsStatus, ("UPD-001",)),
    BrokenDriver(NamesPath, ("UPD-001",), ("bug 1885528",)),
    BrokenDriver(DecidesByStatus, ("UPD-002",), ("commit fb48a1fe6",)),
    BrokenDriver(PutsOverlayElsewhere, ("UPD-003",)),
    BrokenDriver(
        RequestsCommitIntoBase, ("UPD-004", "DAT-003"), ("bug 1468445",)
    ),
    BrokenDriver(PullsTooLittle, ("UPD-005",), ("bug 1262880",)),
    BrokenDriver(AsksWithoutGuest, ("UPD-006",)),
    BrokenDriver(SaysNinety, ("UPD-007",), ("commit b626c2a637",)),
    BrokenDriver(RecordsFormatEarly, ("UPD-008", "DAT-004")),
    BrokenDriver(RequestsTwice, ("UPD-009",)),
    BrokenDriver(ReportsItself, ("UPD-010",)),
    BrokenDriver(TakesOverlayForDone, ("UPD-011",), ("bug 1657585",)),
    BrokenDriver(DecidesAnew, ("UPD-012",), ("bug 1586604",)),
    BrokenDriver(KeepsFirstRequest, ("UPD-013",), ("bug 1311182",)),
    BrokenDriver(
        DeletesByStatus, ("UPD-014", "CAL-002"), ("commit fb48a1fe6",)
    ),
    BrokenDriver(NamesTypeItsOwnWay, ("UPD-002",), ("commit 3e936ac80",)),
    BrokenDriver(SendsMore, ("UPD-001",), ("bug 1572303",)),
    BrokenDriver(RequestsCommitIntoBaseOfLong, ("DAT-003",)),
)
