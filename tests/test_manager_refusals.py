# SPDX-License-Identifier: Apache-2.0
"""Who refuses: Nova, whose answer counts, and a driver that is busy."""

from __future__ import annotations

import ddt
from failing import BEGINS
from failing import FailureTestCase
from failing import WORDS
from scripted import CONNECT
from scripted import CREATE_BEGIN
from scripted import DELETE_BEGIN
from scripted import HttpError
from scripted import SnapshotIsBusy


@ddt.ddt
class NovaTest(FailureTestCase):
    @ddt.data(400, 401, 403, 404, 409)
    def test_refuses(self, code) -> None:
        self.assert_refusal(HttpError(code))

    @ddt.named_data(
        ("connection refused", ConnectionRefusedError("[Errno 111]")),
        ("unknown host", type("gaierror", (OSError,), {})("[Errno -2]")),
        (
            "wrapped",
            type("ConnectFailure", (Exception,), {})(
                type("MaxRetryError", (Exception,), {})(
                    type("NewConnectionError", (Exception,), {})("refused")
                )
            ),
        ),
    )
    def test_cannot_be_reached(self, error) -> None:
        self.assert_refusal(error)

    def assert_refusal(self, error: Exception) -> None:
        for operation in ("create", "delete"):
            with self.subTest(operation):
                self.prepare(operation)
                self.nova.answer = error
                self.start(operation)
                self.assert_failed(operation, BEGINS[operation])
                self.assertEqual(1, len(self.nova.requests))
                self.nova.answer = None

    def test_a_refusal_is_stored_before_the_connection_is_asked_for(self):
        seen = []

        def connect(volume, connector):
            (snapshot,) = volume.snapshots
            pairs = snapshot.snapshot_admin_metadata
            seen.append((snapshot.status, pairs["manager:compute_call"]))
            return {"driver_volume_type": "nfs", "data": {}}

        self.driver.on[CONNECT] = connect
        self.nova.answer = HttpError(409)
        self.start("create")
        self.assertEqual([("creating", "refused")], seen)
        self.assertEqual(
            "refused", self.kit.admin_metadata(self.id)["manager:compute_call"]
        )

    def test_after_a_refusal_another_snapshot_may_be_taken_at_once(self):
        self.nova.answer = HttpError(409)
        self.start("create")
        self.nova.answer = None
        self.kit.available(self.volume_id)

    @ddt.named_data(
        ("500", HttpError(500)),
        ("503", HttpError(503)),
        ("no answer", TimeoutError("timed out")),
        ("reset", ConnectionResetError("[Errno 104]")),
        ("read timeout", type("ReadTimeout", (Exception,), {})("30 s")),
        ("a defect of the client", KeyError("x")),
        (
            # The second try may have reached Nova.
            "refused first and reset then",
            type("ConnectFailure", (Exception,), {})(
                ConnectionRefusedError(), ConnectionResetError()
            ),
        ),
        (
            "answered 500 in the end",
            type("Answer", (Exception,), {"code": 500})(
                ConnectionRefusedError()
            ),
        ),
    )
    def test_may_have_accepted(self, error) -> None:
        for operation in ("create", "delete"):
            with self.subTest(operation):
                self.prepare(operation)
                self.nova.answer = error
                self.start(operation)
                self.assertEqual("compute", self.kit.phase(self.id))
                self.assertEqual(
                    "unknown",
                    self.kit.admin_metadata(self.id)["manager:compute_call"],
                )
                self.nova.answer = None
                self.kit.report(self.id, f"{WORDS[operation]}_complete")
                self.assertIn(
                    self.kit.status(self.id), ("available", "deleted")
                )

    def test_reported_done_although_it_refused(self) -> None:
        def report_and_refuse(info):
            self.kit.send(
                info["snapshot_id"], status="creating", progress="90%"
            )
            raise HttpError(409)

        self.nova.answer = report_and_refuse
        self.start("create")
        self.assertEqual("available", self.kit.status(self.id))


@ddt.ddt
class BusyTest(FailureTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.id = self.kit.available(self.volume_id)
        self.forget()

    def test_an_available_one_is_available_again(self) -> None:
        seen = []

        def connect(volume, connector):
            seen.extend(each.status for each in volume.snapshots)
            return {"driver_volume_type": "nfs", "data": {"name": "same"}}

        self.driver.on = {DELETE_BEGIN: SnapshotIsBusy(), CONNECT: connect}
        self.start("delete")
        stored = self.kit.snapshot(self.id)
        self.assertEqual(
            ("available", "100%"), (stored.status, stored.progress)
        )
        self.assertEqual(["deleting"], seen)
        self.assertEqual({}, self.kit.claims())

    def test_subclasses_count(self) -> None:
        error = type("VendorsBusy", (SnapshotIsBusy,), {})()
        self.driver.on[DELETE_BEGIN] = error
        self.start("delete")
        self.assertEqual("available", self.kit.status(self.id))

    def test_once_nova_was_told_it_is_what_it_was(self) -> None:
        self.start("delete")
        self.kit.advance(7200)
        self.driver.on[DELETE_BEGIN] = SnapshotIsBusy()
        self.start("delete", force=True)
        self.assertEqual("error_deleting", self.kit.status(self.id))

    def test_force_on_one_in_flight_had_failed(self) -> None:
        # What force replaced is never what it goes back to.
        self.start("delete")
        self.driver.on[DELETE_BEGIN] = SnapshotIsBusy()
        self.start("delete", force=True)
        self.assertEqual("error_deleting", self.kit.status(self.id))

    def test_a_failed_one_is_failed_again(self) -> None:
        self.driver.on = {
            CREATE_BEGIN: ValueError(),
            DELETE_BEGIN: SnapshotIsBusy(),
        }
        failed = self.kit.create(self.volume_id)
        self.kit.delete(failed)
        self.assertEqual("error", self.kit.status(failed))

    def test_a_create_cannot_be_busy(self) -> None:
        self.driver.on[CREATE_BEGIN] = SnapshotIsBusy()
        self.start("create")
        self.assertEqual("error", self.kit.status(self.id))
