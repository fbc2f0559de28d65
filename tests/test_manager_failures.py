# SPDX-License-Identifier: Apache-2.0
"""What the manager makes of every failure in contract section 5."""

from __future__ import annotations

import ddt
from failing import BEGINS
from failing import COMPLETES
from failing import FailureTestCase
from failing import SECONDS
from failing import WORDS
from scripted import CONNECT
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import DELETE_BEGIN
from scripted import DELETE_COMPLETE
from scripted import HttpError
from scripted import Stage

from assisted_kit.db import rows
from assisted_kit.status_api import BadRequest

INVALID = (
    ("a list", []),
    ("status", {"status": "available"}),
    ("unknown", {"provider_locaton": "x"}),
    ("reserved", {"snapshot_admin_metadata": {"manager:phase": "complete"}}),
    ("too long", {"provider_location": "x" * 256}),
    ("not to be stored", {"provider_location": "\ud800"}),
)


class Mute:
    """A notifier whose messages get lost."""

    def publish(self, notification: object) -> None:
        pass


@ddt.ddt
class BeginTest(FailureTestCase):
    @ddt.data("create", "delete")
    def test_raises(self, operation) -> None:
        self.prepare(operation)
        self.driver.on[BEGINS[operation]] = OSError("no space left")
        self.start(operation)
        self.assert_failed(operation, BEGINS[operation])
        self.assertEqual([], self.nova.requests)
        self.assertNotIn("delete_info:type", self.kit.admin_metadata(self.id))

    @ddt.named_data(*INVALID)
    def test_invalid_update(self, update) -> None:
        for operation in ("create", "delete"):
            with self.subTest(operation):
                self.prepare(operation)
                self.driver.on[BEGINS[operation]] = update
                self.start(operation)
                self.assert_failed(operation, BEGINS[operation])
                self.assertEqual([], self.nova.requests)
                stored = self.kit.snapshot(self.id)
                self.assertIsNone(stored.provider_location)
                self.driver.on.clear()

    def test_a_hook_that_is_missing(self) -> None:
        self.driver.on[CREATE_BEGIN] = AttributeError("no such hook")
        self.start("create")
        self.assert_failed("create", CREATE_BEGIN)

    def test_a_status_somebody_else_set_stands(self) -> None:
        def reset(ref) -> None:
            self.kit.overwrite(rows.SNAPSHOTS, status="error_deleting")
            raise ValueError("after that")

        self.driver.on[CREATE_BEGIN] = reset
        self.start("create")
        self.assertEqual("error_deleting", self.kit.status(self.id))
        self.assertEqual({}, self.kit.claims())


@ddt.ddt
class ComputeTest(FailureTestCase):
    @ddt.data("create", "delete")
    def test_reports_an_error(self, operation) -> None:
        self.prepare(operation)
        self.start(operation)
        self.kit.report(self.id, f"{WORDS[operation]}_error", progress="90%")
        self.assert_failed(operation, BEGINS[operation])

    @ddt.data("create", "delete")
    def test_never_reports(self, operation) -> None:
        self.prepare(operation)
        self.start(operation)
        self.kit.advance(SECONDS[operation] - 1)
        self.assertEqual("compute", self.kit.phase(self.id))
        self.kit.advance(1)
        self.assert_failed(operation, BEGINS[operation])

    def test_reports_too_late(self) -> None:
        self.start("create")
        self.kit.advance(600)
        for status in ("creating", "available", "error"):
            error = self.assertRaises(
                BadRequest,
                self.kit.send,
                self.id,
                status=status,
            )
            self.assertEqual(400, error.code)
        self.assert_failed("create", CREATE_BEGIN)

    def test_what_was_reported_in_time_wins(self) -> None:
        # The report is stored, but the manager hears of it only when the
        # deadline makes it look.
        self.kit.api._notifier = Mute()
        self.start("create")
        self.kit.clock.advance(599)
        self.kit.send(self.id, status="creating", progress="90%")
        self.assertEqual([CREATE_BEGIN], self.driver.hooks)
        self.kit.advance(1)
        self.assertEqual("available", self.kit.status(self.id))

    def test_an_error_reported_in_time_is_an_error(self) -> None:
        self.kit.api._notifier = Mute()
        self.start("create")
        self.kit.send(self.id, status="error", progress="90%")
        self.kit.advance(600)
        self.assert_failed("create", CREATE_BEGIN)

    def test_a_report_while_the_manager_is_failing_it_wins(self) -> None:
        self.start("create")
        stage = Stage({"driver_volume_type": "nfs", "data": {}})
        self.driver.on[CONNECT] = stage
        self.kit.clock.advance(600)
        stage.wait()
        # Stored in time, by an API process whose clock is a little slow.
        self.kit.clock._now -= 1
        self.kit.send(self.id, status="creating", progress="90%")
        stage.go()
        self.kit.idle()
        self.assertEqual("available", self.kit.status(self.id))

    @ddt.data("available", "error", "deleting", "error_deleting", "backing-up")
    def test_a_status_somebody_else_set_stands(self, status) -> None:
        # The wait ends for every status (bug 1538496), and without a loop.
        self.start("create")
        self.kit.overwrite(rows.SNAPSHOTS, status=status)
        self.kit.advance(600)
        self.assertEqual(status, self.kit.status(self.id))
        self.assertEqual({}, self.kit.claims())
        self.assertEqual([CREATE_BEGIN], self.driver.hooks)

    def test_a_row_that_is_gone_ends_the_wait(self) -> None:
        self.start("create")
        self.kit.overwrite(rows.SNAPSHOTS, deleted=True)
        self.kit.advance(600)
        self.assertEqual({}, self.kit.claims())

    @ddt.data(CREATE_BEGIN, CREATE_COMPLETE)
    def test_a_volume_that_is_gone(self, hook) -> None:
        # Somebody removed the row under the snapshot (bug 1739995).
        def remove(ref) -> None:
            self.kit.overwrite(rows.VOLUMES, deleted=True)

        self.volume_id = self.kit.volume()
        self.driver.on[hook] = remove
        self.start("create")
        self.assertEqual({}, self.kit.claims())
        self.assertIn(self.kit.status(self.id), ("error", "available"))

    def test_a_lost_guest_ends_like_the_deadline(self) -> None:
        # Nova never reports when the guest is gone (bug 1759473).
        self.start("create")
        self.kit.advance(600)
        self.forget()
        self.kit.delete(self.id)
        self.kit.report(self.id, "deleting_compute_complete")
        self.assertEqual("deleted", self.kit.status(self.id))
        self.assertEqual([DELETE_BEGIN, DELETE_COMPLETE], self.driver.hooks)


@ddt.ddt
class CompleteTest(FailureTestCase):
    @ddt.data("create", "delete")
    def test_raises(self, operation) -> None:
        self.prepare(operation)
        self.driver.on[COMPLETES[operation]] = OSError("still in the chain")
        self.start(operation)
        self.kit.report(self.id, f"{WORDS[operation]}_complete")
        self.assert_failed(operation, BEGINS[operation], COMPLETES[operation])

    @ddt.named_data(*INVALID)
    def test_invalid_update(self, update) -> None:
        self.driver.on[CREATE_COMPLETE] = update
        self.start("create")
        self.kit.report(self.id, "creating_compute_complete")
        self.assert_failed("create", CREATE_BEGIN, CREATE_COMPLETE)
        self.assertIsNone(self.kit.snapshot(self.id).provider_location)

    @ddt.named_data(
        ("raises", OSError("stale handle")),
        ("returns nothing", None),
        ("returns no JSON", {"data": {"x": object()}}),
    )
    def test_no_connection_information(self, answer) -> None:
        self.driver.on[CONNECT] = answer
        self.start("create")
        self.kit.report(self.id, "creating_compute_complete")
        self.assert_failed("create", CREATE_BEGIN, CREATE_COMPLETE)


@ddt.ddt
class ConnectionInfoTest(FailureTestCase):
    """In failure too it is brought up to date before the status changes."""

    @ddt.named_data(
        ("begin raised", {CREATE_BEGIN: ValueError()}, None, None),
        ("refused", {}, HttpError(400), None),
        ("error report", {}, None, "creating_compute_error"),
        ("deadline", {}, None, "deadline"),
        (
            "complete raised",
            {CREATE_COMPLETE: ValueError()},
            None,
            "creating_compute_complete",
        ),
    )
    def test_create(self, scripts, answer, word) -> None:
        seen = []

        def connect(volume, connector):
            (snapshot,) = volume.snapshots
            seen.append(snapshot.status)
            return {"driver_volume_type": "x", "data": {"name": "overlay"}}

        self.driver.on = {**scripts, CONNECT: connect}
        self.nova.answer = answer
        self.start("create")
        if word == "deadline":
            self.kit.advance(600)
        elif word:
            self.kit.report(self.id, word)
        self.assertEqual("error", self.kit.status(self.id))
        self.assertEqual(["creating"], seen)
        (info,) = self.kit.connection_info(self.volume_id)
        self.assertEqual(
            ("nfs", "overlay"), (info["driver_volume_type"], info["name"])
        )

    def test_one_attachment_that_fails_does_not_keep_the_others(self) -> None:
        self.volume_id = self.kit.volume(attached=True, attachments=2)
        self.driver.on[CREATE_BEGIN] = ValueError()
        self.driver.on[CONNECT] = lambda volume, connector: {
            "driver_volume_type": "nfs",
            "data": {"name": {"compute-1": "overlay"}[connector["host"]]},
        }
        self.start("create")
        self.assert_failed("create", CREATE_BEGIN)
        names = [i["name"] for i in self.kit.connection_info(self.volume_id)]
        self.assertEqual(1, names.count("overlay"))
