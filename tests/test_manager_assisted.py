# SPDX-License-Identifier: Apache-2.0
"""Create and delete through the hooks when nothing goes wrong."""

from __future__ import annotations

import ddt
from scripted import CONNECT
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import create_request
from scripted import DELETE_BEGIN
from scripted import DELETE_COMPLETE
from scripted import GENERATIONS
from scripted import ManagerTestCase
from scripted import Stage

from assisted_kit.notifier import Released
from assisted_kit.notifier import Settled
from assisted_kit.refs import NotWritable


class DetachedTest(ManagerTestCase):
    def test_create_and_delete_need_no_nova(self) -> None:
        volume_id = self.kit.volume()
        snapshot_id = self.kit.create(volume_id)
        stored = self.kit.snapshot(snapshot_id)
        self.assertEqual(
            ("available", "100%"), (stored.status, stored.progress)
        )
        self.assertEqual({}, self.kit.claims())
        self.kit.delete(snapshot_id)
        self.assertEqual("deleted", self.kit.status(snapshot_id))
        self.assertEqual({}, self.kit.claims())
        self.assertEqual(
            [CREATE_BEGIN, CREATE_COMPLETE, DELETE_BEGIN, DELETE_COMPLETE],
            self.driver.hooks,
        )
        self.assertEqual([], self.nova.requests)
        self.assertEqual([], self.driver.called(CONNECT))


@ddt.ddt
class AttachedTest(ManagerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume(attached=True)
        self.driver.calls.clear()

    @ddt.named_data(*GENERATIONS)
    def test_every_generation(self, created, deleted) -> None:
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual([CREATE_BEGIN], self.driver.hooks)
        self.assertEqual(202, self.kit.send(snapshot_id, **created))
        self.kit.idle()
        stored = self.kit.snapshot(snapshot_id)
        self.assertEqual(
            ("available", "100%"), (stored.status, stored.progress)
        )
        self.kit.delete(snapshot_id)
        self.assertEqual("deleting", self.kit.status(snapshot_id))
        self.assertEqual(202, self.kit.send(snapshot_id, **deleted))
        self.kit.idle()
        self.assertEqual("deleted", self.kit.status(snapshot_id))
        self.assertEqual(
            [CREATE_BEGIN, CREATE_COMPLETE, DELETE_BEGIN, DELETE_COMPLETE],
            self.driver.hooks,
        )
        self.assertEqual({}, self.kit.claims())

    def test_nova_gets_the_request_and_nothing_else(self) -> None:
        snapshot_id = self.kit.available(self.volume_id)
        overlay = f"volume-{self.volume_id}.{snapshot_id}"
        self.driver.on[DELETE_BEGIN] = {
            "snapshot_admin_metadata": {
                "delete_info:type": "qcow2",
                "own": "x",
            }
        }
        self.kit.delete(snapshot_id)
        self.assertEqual(
            [
                (
                    self.volume_id,
                    {
                        "snapshot_id": snapshot_id,
                        "type": "qcow2",
                        "new_file": overlay,
                    },
                ),
                (
                    snapshot_id,
                    {
                        "volume_id": self.volume_id,
                        "type": "qcow2",
                        "file_to_merge": None,
                        "merge_target_file": None,
                    },
                ),
            ],
            self.nova.requests,
        )

    def test_all_is_stored_before_nova_hears_of_it(self) -> None:
        seen = []
        self.nova.answer = lambda info: seen.append(
            self.kit.admin_metadata(info["snapshot_id"])
        )
        snapshot_id = self.kit.create(self.volume_id)
        deadline = repr(self.kit.clock.now() + 600)
        overlay = f"volume-{self.volume_id}.{snapshot_id}"
        self.assertEqual(
            [
                {
                    "create_info:type": "qcow2",
                    "create_info:new_file": overlay,
                    "manager:attempt": "1",
                    "manager:phase": "compute",
                    "manager:deadline": deadline,
                    "manager:compute_call": "unknown",
                    "manager:compute_told_to": "create",
                }
            ],
            seen,
        )
        self.assertEqual(
            "accepted",
            self.kit.admin_metadata(snapshot_id)["manager:compute_call"],
        )

    def test_a_delete_has_7200_seconds(self) -> None:
        snapshot_id = self.kit.available(self.volume_id)
        self.kit.delete(snapshot_id)
        self.kit.advance(7199)
        self.assertEqual("deleting", self.kit.status(snapshot_id))
        self.kit.advance(1)
        self.assertEqual("error_deleting", self.kit.status(snapshot_id))

    def test_nova_may_report_before_it_answers(self) -> None:
        self.nova.answer = lambda info: self.kit.send(
            info["snapshot_id"], status="creating", progress="90%"
        )
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual("available", self.kit.status(snapshot_id))

    def test_an_accepted_call_waits(self) -> None:
        snapshot_id = self.kit.create(self.volume_id)
        self.kit.report(snapshot_id, "creating_compute", compute_progress=100)
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        self.assertEqual([CREATE_BEGIN], self.driver.hooks)

    def test_progress_puts_the_deadline_off(self) -> None:
        snapshot_id = self.kit.create(self.volume_id)
        for percent in (10, 20, 30):
            self.kit.advance(599)
            self.kit.report(
                snapshot_id, "creating_compute", compute_progress=percent
            )
        self.kit.advance(599)
        self.assertEqual("creating", self.kit.status(snapshot_id))
        self.kit.advance(1)
        self.assertEqual("error", self.kit.status(snapshot_id))

    def test_updates_of_both_hooks_are_stored(self) -> None:
        self.driver.on[CREATE_BEGIN] = lambda ref: {
            **create_request(ref),
            "provider_location": "begun",
            "progress": "5%",
            "metadata": {"a": "1", "b": "2"},
        }
        self.driver.on[CREATE_COMPLETE] = {
            "provider_location": "completed",
            "progress": "90%",
            "metadata": {"a": None},
            "snapshot_admin_metadata": {"own": "fact"},
            "volume_admin_metadata": {"format": "qcow2"},
        }
        snapshot_id = self.kit.create(self.volume_id, metadata={"c": "3"})
        begun = self.kit.snapshot(snapshot_id)
        self.assertEqual("begun", begun.provider_location)
        self.assertEqual("5%", begun.progress)
        self.kit.report(snapshot_id, "creating_compute_complete")
        stored = self.kit.snapshot(snapshot_id)
        self.assertEqual("completed", stored.provider_location)
        self.assertEqual("100%", stored.progress)
        self.assertEqual({"b": "2", "c": "3"}, stored.metadata)
        self.assertEqual("fact", stored.snapshot_admin_metadata["own"])
        self.assertEqual({"format": "qcow2"}, stored.volume.admin_metadata)

    def test_complete_sees_what_begin_stored_and_what_was_reported(self):
        seen = []
        self.driver.on[CREATE_COMPLETE] = lambda ref: seen.append(
            dict(ref.snapshot_admin_metadata)
        )
        self.kit.available(self.volume_id)
        self.assertEqual(
            "creating_compute_complete", seen[0]["snapshot_status"]
        )
        self.assertIn("create_info:new_file", seen[0])
        self.assertEqual("complete", seen[0]["manager:phase"])

    def test_a_hook_cannot_save(self) -> None:
        caught = []

        def begin(ref) -> None:
            for owner in (ref, ref.volume, *ref.volume.volume_attachment):
                caught.append(self.assertRaises(NotWritable, owner.save))

        self.driver.on[CREATE_BEGIN] = begin
        self.kit.create(self.volume_id)
        self.assertEqual(3, len(caught))

    def test_who_waits_is_told_how_it_ended(self) -> None:
        snapshot_id = self.kit.available(self.volume_id)
        self.kit.delete(snapshot_id)
        self.kit.report(snapshot_id, "deleting_compute_complete")
        heard = []
        while not self.kit.heard.empty():
            heard.append(self.kit.heard.get())
        self.assertEqual(
            [
                Settled(snapshot_id, "available"),
                Released(self.volume_id),
                Settled(snapshot_id, "deleted"),
                Released(self.volume_id),
            ],
            [each for each in heard if isinstance(each, Settled | Released)],
        )

    def test_a_failing_listener_stops_nobody(self) -> None:
        self.kit.notifier.subscribe(lambda notification: 1 // 0)
        self.kit.available(self.volume_id)
        self.assertEqual({}, self.kit.claims())

    def test_the_claim_lasts_from_begin_to_the_end_of_complete(self) -> None:
        stage = Stage()
        self.driver.on[CREATE_BEGIN] = stage
        snapshot_id = self.kit.manager.create_snapshot(self.volume_id)
        claim = {self.volume_id: (self.kit.manager.owner, snapshot_id)}
        stage.wait()
        self.assertEqual(claim, self.kit.claims())
        self.driver.on[CREATE_COMPLETE] = complete = Stage()
        stage.go()
        complete.wait()
        self.assertEqual(claim, self.kit.claims())
        complete.go()
        self.kit.idle()
        self.assertEqual({}, self.kit.claims())
