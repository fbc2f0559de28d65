# SPDX-License-Identifier: Apache-2.0
"""The model updates of the four hooks, and the requests in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ddt

from assisted_kit import qcow2
from assisted_kit.driver import Hook
from assisted_kit.update_errors import ModelUpdateError
from assisted_kit.updates import validate
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import BASES
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.volume import OperationFailed
from conformance.volume import SnapshotUnderTest


class UpdateTest(ConformanceTest):
    """What tests of updates share."""

    def request(
        self, hook: Hook, snapshot: SnapshotUnderTest
    ) -> Mapping[str, Any]:
        """The request's fields in what ``hook`` returned last."""
        assert self.deployment is not None
        calls = self.deployment.journal.calls(hook, snapshot.id)
        returned = calls[-1].returned if calls else None
        if not isinstance(returned, Mapping):
            return {}
        stored = returned.get("snapshot_admin_metadata") or {}
        return {
            key.partition(":")[2]: value
            for key, value in stored.items()
            if key.startswith(("create_info:", "delete_info:"))
            and value is not None
        }


@expanded
class ModelUpdateTest(UpdateTest):
    """Contract section 2."""

    @ddt.data(*crossed(BASES, GUESTS))
    @ddt.unpack
    @verifies("UPD-001")
    def test_every_update_is_a_drivers_to_return(
        self, base: str, guest: str
    ) -> None:
        volume = self.given_volume(base, attached=guest == "attached")
        try:
            for _ in range(3):
                volume.take_snapshot()
            for position in (1, 1, 0):
                volume.snapshots[position].delete()
        except OperationFailed as failure:
            # An invalid update counts as the hook raising, so that is how
            # it shows; any other failure is another rule's subject.
            self._claim_updates_valid()
            raise failure
        self._claim_updates_valid()

    def _claim_updates_valid(self) -> None:
        assert self.deployment is not None
        for call in self.deployment.journal.calls():
            if call.error is None:
                try:
                    validate(call.hook, call.returned)
                except ModelUpdateError as error:
                    self.claim(False, "an acceptable update", str(error))
                self.claim(True, "", "")


@expanded
class CreateRequestTest(UpdateTest):
    """Contract section 2, the compute request."""

    @ddt.data("in-use", "backing-up", "downloading")
    @verifies("UPD-002")
    def test_attached_volume_requests_a_switch(self, status: str) -> None:
        volume = self.given_volume(attached=True)
        # Whether a guest has the image open is told by attach_status.
        volume.set_status(status)
        snapshot = volume.start_snapshot()
        volume.settle()
        request = self.request(Hook.CREATE_BEGIN, snapshot)
        self.claim_equal("qcow2", request.get("type"), "create_info:type")
        self.claim(
            bool(request.get("new_file")),
            "create_info:new_file names an overlay",
            f"create_info:new_file: {request.get('new_file')!r}",
        )

    @ddt.data(*BASES)
    @verifies("UPD-003")
    def test_requested_overlay_is_beside_the_active_image(
        self, base: str
    ) -> None:
        volume = self.given_volume(base, attached=True, snapshots=1)
        directory = volume.active().path.parent
        snapshot = volume.start_snapshot()
        volume.settle()
        request = self.request(Hook.CREATE_BEGIN, snapshot)
        overlay = directory / str(request.get("new_file"))
        self.claim(
            overlay.is_file() and qcow2.is_qcow2(overlay),
            f"a qcow2 image {overlay.name} in the directory of the active "
            f"image",
            f"in that directory: "
            f"{', '.join(sorted(p.name for p in directory.iterdir()))}",
        )


@expanded
class DeleteRequestTest(UpdateTest):
    """Contract section 3, deleting."""

    @ddt.data(*crossed(BASES, ("oldest", "middle")))
    @ddt.unpack
    @verifies("UPD-004")
    def test_inner_snapshot_is_committed(
        self, base: str, position: str
    ) -> None:
        volume = self.given_volume(base, attached=True, snapshots=3)
        snapshot = volume.snapshots[0 if position == "oldest" else 1]
        overlay = volume.overlay(snapshot)
        target = volume.snapshot_image(snapshot)
        assert target is not None, "the driver has no record of it"
        snapshot.start_delete()
        volume.settle()
        self.claim_equal(
            {
                "type": "qcow2",
                "file_to_merge": overlay,
                "merge_target_file": target.path.name,
            },
            self.request(Hook.DELETE_BEGIN, snapshot),
            "delete_info",
        )

    @ddt.data(*crossed(BASES, (1, 2, 3)))
    @ddt.unpack
    @verifies("UPD-005")
    def test_newest_snapshot_is_pulled(self, base: str, depth: int) -> None:
        volume = self.given_volume(base, attached=True, snapshots=depth)
        snapshot = volume.snapshots[-1]
        chain = volume.chain()
        expected = {"type": "qcow2"}
        if len(chain) > 2:
            expected["file_to_merge"] = chain[2].path.name
        snapshot.start_delete()
        volume.settle()
        self.claim_equal(
            expected,
            self.request(Hook.DELETE_BEGIN, snapshot),
            "delete_info",
        )


@expanded
class DetachedTest(UpdateTest):
    """Contract section 9, detached volumes."""

    @ddt.data(*BASES)
    @verifies("UPD-006")
    def test_nothing_is_requested(self, base: str) -> None:
        volume = self.given_volume(base)
        snapshot = volume.start_snapshot()
        volume.settle()
        self.claim_equal(
            {}, self.request(Hook.CREATE_BEGIN, snapshot), "the request"
        )
        volume.expect(snapshot, "taking a snapshot", "available")
        snapshot.start_delete()
        volume.settle()
        self.claim_equal(
            {}, self.request(Hook.DELETE_BEGIN, snapshot), "the request"
        )
