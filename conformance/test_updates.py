# SPDX-License-Identifier: Apache-2.0
"""The model updates of the four hooks, and the requests in them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import ddt

from assisted_kit import qcow2
from assisted_kit import update_errors as errors
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from assisted_kit.update_errors import ModelUpdateError
from assisted_kit.updates import validate
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.observed import HookCall
from conformance.rows import BASES
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import row
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import NotArranged
from conformance.violation import OperationFailed
from fakes.compute import Fault


class UpdateTest(ConformanceTest):
    """What tests of updates share."""

    def request(
        self, hook: Hook, snapshot: SnapshotUnderTest
    ) -> Mapping[str, Any]:
        """The request's fields in what ``hook`` returned last."""
        assert self.deployment is not None
        calls = self.deployment.journal.calls(hook, snapshot.id)
        return self.request_in(calls[-1]) if calls else {}

    def request_in(self, call: HookCall) -> Mapping[str, Any]:
        """The request's fields in what a hook returned."""
        returned = call.returned
        if not isinstance(returned, Mapping):
            return {}
        stored = returned.get("snapshot_admin_metadata") or {}
        return {
            key.partition(":")[2]: value
            for key, value in stored.items()
            if key.startswith(("create_info:", "delete_info:"))
            and value is not None
        }

    def claim_no_update_is(
        self, kind: type[ModelUpdateError], expected: str
    ) -> None:
        """Claim that no hook has returned what is invalid in this way."""
        assert self.deployment is not None
        for call in self.deployment.journal.calls():
            if call.error is None:
                fault = invalidity_of(call)
                self.claim(not isinstance(fault, kind), expected, str(fault))


def invalidity_of(call: HookCall) -> ModelUpdateError | None:
    """What is wrong with what a hook returned, if anything is."""
    try:
        validate(Hook(call.hook), call.returned)
    except ModelUpdateError as error:
        return error
    return None


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
            with self.arranging():
                for _ in range(3):
                    volume.take_snapshot()
                for position in (1, 1, 0):
                    volume.snapshots[position].delete()
        except NotArranged:
            # An invalid update counts as the hook raising, so that is how
            # it shows.
            self._claim_updates_valid()
            raise
        self._claim_updates_valid()

    def _claim_updates_valid(self) -> None:
        self.claim_no_update_is(ModelUpdateError, "an acceptable update")


class ForbiddenUpdateTest(UpdateTest):
    """Contract section 2, what a hook must not return."""

    @verifies("UPD-007")
    def test_begin_does_not_say_that_it_is_done(self) -> None:
        self._operate()
        self.claim_no_update_is(
            errors.PrematureCompletion, "another progress than 90% from begin"
        )

    @verifies("UPD-008")
    def test_begin_records_no_format(self) -> None:
        self._operate()
        self.claim_no_update_is(
            errors.VolumeMetadataTooEarly,
            "volume_admin_metadata from complete only",
        )

    @verifies("UPD-009")
    def test_requests_come_from_their_own_begin(self) -> None:
        self._operate()
        self.claim_no_update_is(
            errors.RequestByWrongHook,
            "create_info:* from create begin and delete_info:* from delete "
            "begin only",
        )

    @verifies("UPD-010")
    def test_reports_are_left_to_others(self) -> None:
        self._operate()
        self.claim_no_update_is(
            errors.ReservedAdminMetadata,
            "no snapshot_status, compute_progress or manager:*",
        )

    def _operate(self) -> None:
        """Have every hook called, for an attached volume and a detached.

        What is returned is looked at however it ends: an invalid update
        counts as the hook raising.
        """
        volume = self.given_volume()
        with contextlib.suppress(OperationFailed):
            volume.take_snapshot()
            volume.attach()
            volume.take_snapshot()
            volume.snapshots[1].delete()
            volume.detach()
            volume.snapshots[0].delete()


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
        volume = self.given_volume(base, snapshots=1)
        volume.attach()
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
        with self.arranging():
            volume.expect(snapshot, "taking a snapshot", "available")
        snapshot.start_delete()
        volume.settle()
        self.claim_equal(
            {}, self.request(Hook.DELETE_BEGIN, snapshot), "the request"
        )


@expanded
class StoredRequestTest(UpdateTest):
    """Contract section 2: what *complete* will need, *begin* stores."""

    @ddt.data("create", "oldest", "newest")
    @verifies("UPD-011")
    def test_begin_called_again_requests_the_same(self, what: str) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        if what == "create":
            hook, snapshot = Hook.CREATE_BEGIN, volume.accept_snapshot()
        else:
            hook = Hook.DELETE_BEGIN
            snapshot = volume.snapshots[0 if what == "oldest" else 1]
            snapshot.accept_delete()
        for _ in range(2):
            # Another process each time: what the first one was told to
            # store died with it.
            driver = volume.deployment.new_driver()
            with contextlib.suppress(Exception):
                getattr(driver, hook)(snapshot.ref())
        first, second = volume.deployment.journal.calls(hook, snapshot.id)
        self.claim(bool(self.request_in(first)), "a request", str(first))
        self.claim(
            self.request_in(first) == self.request_in(second),
            f"the second call requests what the first one did: {first}",
            str(second),
        )

    @ddt.data(
        row("create", "detached"),
        row("create", "attached again"),
        row("oldest", "detached"),
        row("middle", "attached again"),
        row("newest", "detached"),
    )
    @ddt.unpack
    @verifies("UPD-012")
    def test_guest_is_detached_before_the_report(
        self, what: str, guest: str
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=3)
        if what == "create":
            volume.deployment.faults.on(Operation.CREATE, Fault.REPORT_LATE)
            snapshot = volume.start_snapshot()
        else:
            volume.deployment.faults.on(Operation.DELETE, Fault.REPORT_LATE)
            position = ("oldest", "middle", "newest").index(what)
            snapshot = volume.snapshots[position]
            snapshot.start_delete()
        volume.settle()
        volume.write()
        volume.detach()
        if guest == "attached again":
            volume.attach()
            volume.write()
        volume.deployment.nova.release()
        volume.settle()
        if what == "create":
            volume.finish_snapshot(snapshot)
        else:
            snapshot.finish_delete()
        self.claim_everything_reads_back()
        self.claim_no_orphans()
        volume.write()
        self.claim_everything_reads_back()

    @ddt.data("oldest", "newest")
    @verifies("UPD-013")
    def test_repeated_delete_makes_its_request_anew(
        self, position: str
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        snapshot = volume.snapshots[0 if position == "oldest" else 1]
        volume.deployment.faults.on(Operation.DELETE, Fault.ERROR_REPORT)
        snapshot.start_delete()
        volume.settle()
        volume.expect(snapshot, "a delete that failed", "error_deleting")
        failed = self.request(Hook.DELETE_BEGIN, snapshot)
        snapshot.start_delete(force=True)
        volume.settle()
        self.claim_equal(
            failed,
            self.request(Hook.DELETE_BEGIN, snapshot),
            "the request of the second delete",
        )
