# SPDX-License-Identifier: Apache-2.0
"""Work on one chain goes in order; other volumes and guests proceed."""

from __future__ import annotations

import ddt
from oslo_db.exception import DBConnectionError
from scripted import CONNECT
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import DELETE_BEGIN
from scripted import DELETE_COMPLETE
from scripted import ManagerTestCase
from scripted import Stage

from assisted_kit.db.starts import NotAllowed
from assisted_kit.notifier import Released
from assisted_kit.notifier import Settled


class OrderTest(ManagerTestCase):
    def test_the_second_waits_for_the_first_one_s_report(self) -> None:
        volume_id = self.kit.volume(attached=True)
        first, second = (self.kit.create(volume_id) for _ in range(2))
        self.assertEqual([first], self.driver.called(CREATE_BEGIN))
        self.assertEqual("begin", self.kit.phase(second))
        self.kit.report(first, "creating_compute_complete")
        self.assertEqual([first, second], self.driver.called(CREATE_BEGIN))
        self.assertEqual("compute", self.kit.phase(second))

    def test_many_run_in_the_order_in_which_they_came(self) -> None:
        volume_id = self.kit.volume()
        stage = Stage()
        self.driver.on[CREATE_BEGIN] = stage
        ids = [self.kit.manager.create_snapshot(volume_id) for _ in range(10)]
        stage.go()
        self.kit.idle()
        self.assertEqual(ids, self.driver.called(CREATE_BEGIN))
        self.assertEqual(
            [CREATE_BEGIN, CREATE_COMPLETE] * 10, self.driver.hooks
        )

    def test_waiting_has_no_deadline(self) -> None:
        volume_id = self.kit.volume(attached=True)
        oldest = self.kit.available(volume_id)
        self.kit.delete(oldest)
        waiting = self.kit.create(volume_id)
        self.kit.advance(7199)
        self.assertEqual("creating", self.kit.status(waiting))
        self.kit.advance(1)
        self.assertEqual("compute", self.kit.phase(waiting))
        self.kit.advance(599)
        self.assertEqual("creating", self.kit.status(waiting))

    def test_another_volume_proceeds(self) -> None:
        # One job of two hours blocked every volume of a back end.
        slow, other = self.kit.volume(attached=True), self.kit.volume()
        snapshot_id = self.kit.create(slow)
        self.kit.delete(self.kit.available(other))
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        self.driver.on[CREATE_COMPLETE] = stage = Stage()
        self.kit.send(snapshot_id, status="creating", progress="90%")
        stage.wait()
        self.driver.on.clear()
        while not self.kit.heard.empty():
            self.kit.heard.get()
        created = self.kit.manager.create_snapshot(other)
        self.assertEqual(
            Settled(created, "available"), self.kit.heard.get(timeout=10)
        )
        stage.go()
        self.kit.idle()
        self.assertEqual("available", self.kit.status(snapshot_id))

    def test_error_and_deadline_let_the_next_one_go(self) -> None:
        volume_id = self.kit.volume(attached=True)
        first, second, third = (self.kit.create(volume_id) for _ in range(3))
        self.kit.report(first, "creating_compute_error")
        self.assertEqual("compute", self.kit.phase(second))
        self.kit.advance(600)
        self.assertEqual("compute", self.kit.phase(third))


class ClaimTest(ManagerTestCase):
    """Between processes the row in the database decides."""

    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume()
        self.claims = self.kit.database.claims
        self.claims.take(self.volume_id, "other#1")

    def test_is_respected_until_it_is_released(self) -> None:
        snapshot_id = self.kit.create(self.volume_id)
        self.kit.advance(10**6)
        self.assertEqual([], self.driver.hooks)
        # A message that comes too early, or is about another volume.
        self.kit.notifier.publish(Released(self.volume_id))
        self.kit.notifier.publish(Released(self.kit.volume()))
        self.kit.idle()
        self.assertEqual([], self.driver.hooks)
        self.claims.release(self.volume_id, "other#1")
        self.kit.notifier.publish(Released(self.volume_id))
        self.kit.idle()
        self.assertEqual("available", self.kit.status(snapshot_id))

    def test_released_while_we_are_being_refused(self) -> None:
        take = self.claims.take

        def take_slowly(*arguments):
            taken = take(*arguments)
            self.claims.release(self.volume_id, "other#1")
            self.kit.notifier.publish(Released(self.volume_id))
            return taken

        self.claims.take = take_slowly
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual("available", self.kit.status(snapshot_id))

    def test_two_managers_take_turns(self) -> None:
        self.claims.release(self.volume_id, "other#1")
        second = self.kit.start_manager("second@kit")
        self.driver.on[CREATE_BEGIN] = stage = Stage()
        first_id = self.kit.manager.create_snapshot(self.volume_id)
        stage.wait()
        second_id = second.create_snapshot(self.volume_id)
        self.assertTrue(second.join(10))
        self.assertEqual([first_id], self.driver.called(CREATE_BEGIN))
        stage.go()
        self.kit.idle()
        self.assertTrue(second.join(10))
        self.assertEqual("available", self.kit.status(second_id))
        self.assertEqual({}, self.kit.claims())


@ddt.ddt
class ForceTest(ManagerTestCase):
    """Force ends the phase of a snapshot in flight as the deadline does."""

    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume(attached=True)

    def assert_deleted(self, snapshot_id: str) -> None:
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        self.kit.report(snapshot_id, "deleting_compute_complete")
        self.assertEqual("deleted", self.kit.status(snapshot_id))
        self.assertEqual({}, self.kit.claims())

    @ddt.data(CREATE_BEGIN, CREATE_COMPLETE)
    def test_while_a_hook_of_the_create_runs(self, hook) -> None:
        if hook == CREATE_COMPLETE:
            self.driver.on[CREATE_BEGIN] = None
        self.driver.on[hook] = stage = Stage()
        snapshot_id = self.kit.manager.create_snapshot(self.volume_id)
        stage.wait()
        self.kit.manager.delete_snapshot(snapshot_id, force=True)
        self.assertEqual([], self.driver.called(DELETE_BEGIN))
        stage.go()
        self.kit.idle()
        self.assert_deleted(snapshot_id)

    def test_in_compute(self) -> None:
        seen = []

        def connect(volume, connector):
            seen.extend(each.status for each in volume.snapshots)
            return {"driver_volume_type": "nfs", "data": {"name": "overlay"}}

        snapshot_id = self.kit.create(self.volume_id)
        self.driver.on[CONNECT] = connect
        self.kit.delete(snapshot_id, force=True)
        self.assertEqual(["creating"], seen)
        (info,) = self.kit.connection_info(self.volume_id)
        self.assertEqual("overlay", info["name"])
        self.assertEqual([CREATE_BEGIN, DELETE_BEGIN], self.driver.hooks)
        self.assert_deleted(snapshot_id)

    def test_connection_information_is_stored_in_complete_too(self) -> None:
        # The status leaves `creating`, and the guest runs on the overlay.
        self.driver.on = {
            CREATE_COMPLETE: (stage := Stage()),
            CONNECT: {"driver_volume_type": "nfs", "data": {"name": "new"}},
        }
        snapshot_id = self.kit.create(self.volume_id)
        self.kit.send(snapshot_id, status="creating", progress="90%")
        stage.wait()
        self.kit.manager.delete_snapshot(snapshot_id, force=True)
        (info,) = self.kit.connection_info(self.volume_id)
        self.assertEqual("new", info["name"])
        stage.go()
        self.kit.idle()
        self.assert_deleted(snapshot_id)

    def test_on_one_that_waits_for_the_chain(self) -> None:
        first = self.kit.create(self.volume_id)
        second = self.kit.create(self.volume_id)
        self.kit.delete(second, force=True)
        self.kit.report(first, "creating_compute_complete")
        self.assertEqual([first], self.driver.called(CREATE_BEGIN))
        self.assert_deleted(second)

    def test_a_delete_in_compute_starts_again(self) -> None:
        snapshot_id = self.kit.available(self.volume_id)
        self.kit.delete(snapshot_id)
        self.kit.delete(snapshot_id, force=True)
        self.assertEqual(2, len(self.driver.called(DELETE_BEGIN)))
        self.assert_deleted(snapshot_id)

    def test_a_delete_in_complete_starts_again(self) -> None:
        snapshot_id = self.kit.available(self.volume_id)
        self.driver.on[DELETE_COMPLETE] = stage = Stage()
        self.kit.delete(snapshot_id)
        self.kit.send(snapshot_id, status="deleting", progress="90%")
        stage.wait()
        self.kit.manager.delete_snapshot(snapshot_id, force=True)
        stage.go()
        self.kit.idle()
        self.assert_deleted(snapshot_id)

    def test_in_compute_of_another_process(self) -> None:
        snapshot_id = self.kit.create(self.volume_id)
        second = self.kit.start_manager("second@kit")
        second.delete_snapshot(snapshot_id, force=True)
        self.kit.idle()
        self.assertTrue(second.join(10))
        self.assertEqual([CREATE_BEGIN, DELETE_BEGIN], self.driver.hooks)
        self.assertEqual(second.owner, self.kit.claims()[self.volume_id][0])
        self.assert_deleted(snapshot_id)

    def test_accepted_without_an_answer_in_another_process(self) -> None:
        snapshot_id = self.kit.create(self.volume_id)
        second = self.kit.start_manager("second@kit")
        snapshots = self.kit.database.snapshots
        begin_delete = snapshots.begin_delete

        def lose_the_answer(*arguments, **options) -> None:
            begin_delete(*arguments, **options)
            raise DBConnectionError

        self.patch(snapshots, "begin_delete", lose_the_answer)
        self.assertRaises(
            DBConnectionError, second.delete_snapshot, snapshot_id, force=True
        )
        self.kit.advance(1)
        self.assertEqual(second.owner, self.kit.claims()[self.volume_id][0])
        self.assert_deleted(snapshot_id)

    def test_without_force_it_is_refused(self) -> None:
        snapshot_id = self.kit.create(self.volume_id)
        self.assertRaises(NotAllowed, self.kit.delete, snapshot_id)
        self.assertEqual("compute", self.kit.phase(snapshot_id))
