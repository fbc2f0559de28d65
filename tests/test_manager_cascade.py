# SPDX-License-Identifier: Apache-2.0
"""A volume deleted together with its snapshots."""

from __future__ import annotations

import itertools
import threading

import ddt
import testtools
from calling import CallerTestCase
from calling import CapableLegacyDriver
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import DELETE_BEGIN
from scripted import DELETE_COMPLETE
from scripted import ended
from scripted import in_background
from scripted import PATIENCE
from scripted import SnapshotIsBusy
from scripted import Stage

from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import NotAllowed
from assisted_kit.manager.cascade import CascadeFailed
from assisted_kit.manager.chains import ManagerStopped

ORDERS = tuple(itertools.permutations(range(3)))


class CascadeTestCase(CallerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume()
        self.ids = [self.settled(self.volume_id) for _ in range(3)]
        self.driver.calls.clear()

    def delete(self, **options) -> None:
        self.manager.cascade.delete(self.volume_id, **options)

    def assert_gone(self) -> None:
        self.assertRaises(NotFound, self.manager.volumes.ref, self.volume_id)
        self.assertEqual({}, self.kit.claims())


@ddt.ddt
class CascadeTest(CascadeTestCase):
    def test_snapshots_first_then_the_volume(self) -> None:
        seen = []
        self.driver.on[DELETE_BEGIN] = lambda snapshot: seen.append(
            (snapshot.volume.status, snapshot.status)
        )
        self.delete()
        self.assertEqual([("deleting", "deleting")] * 3, seen)
        self.assertEqual(
            [DELETE_BEGIN, DELETE_COMPLETE] * 3 + ["delete_volume"],
            [name for name, _ in self.driver.calls],
        )
        self.assertEqual(self.ids, self.driver.called(DELETE_BEGIN))
        self.assert_gone()

    @ddt.data(*ORDERS)
    def test_in_any_order(self, order) -> None:
        ids = [self.ids[position] for position in order]
        self.delete(order=ids)
        self.assertEqual(ids, self.driver.called(DELETE_BEGIN))
        self.assert_gone()

    def test_an_order_that_is_not_one(self) -> None:
        for order in ([], self.ids[:2], [*self.ids, "more"], self.ids[:1] * 3):
            self.assertRaises(ValueError, self.delete, order=order)
        self.assertEqual("available", self.volume_status(self.volume_id))

    def test_without_snapshots(self) -> None:
        volume_id = self.kit.volume()
        self.manager.cascade.delete(volume_id)
        self.assertEqual([volume_id], self.driver.called("delete_volume"))

    def test_failed_snapshots_come_first(self) -> None:
        # While a create is pending nothing else goes ahead (section 5).
        self.driver.on[CREATE_COMPLETE] = ValueError()
        failed = self.kit.create(self.volume_id)
        self.driver.on.clear()
        self.delete()
        self.assertEqual([failed, *self.ids], self.driver.called(DELETE_BEGIN))
        self.assert_gone()

    @ddt.data(
        (DELETE_BEGIN, "error_deleting", ValueError()),
        (DELETE_COMPLETE, "error_deleting", ValueError()),
        (DELETE_BEGIN, "available", SnapshotIsBusy()),
    )
    @ddt.unpack
    def test_one_that_fails_keeps_the_volume(self, hook, status, error):
        def fail(snapshot) -> None:
            if snapshot.id == self.ids[1]:
                raise error

        self.driver.on[hook] = fail
        raised = self.assertRaises(CascadeFailed, self.delete)
        self.assertIn(f"snapshot {self.ids[1]} is {status}", str(raised))
        self.assertEqual("error_deleting", self.volume_status(self.volume_id))
        (left,) = self.snapshots_of(self.volume_id)
        self.assertEqual((self.ids[1], status), (left.id, left.status))
        self.assertEqual([], self.driver.called("delete_volume"))
        # And it can be left again.
        self.driver.on.clear()
        if status != "available":
            self.assertRaises(NotAllowed, self.delete)
            self.kit.delete(left.id, force=True)
        self.delete()
        self.assert_gone()

    def test_the_volume_s_own_delete_fails(self) -> None:
        self.driver.on["delete_volume"] = ValueError()
        self.assertRaises(ValueError, self.delete)
        self.assertEqual("error_deleting", self.volume_status(self.volume_id))
        self.driver.on.clear()
        self.delete()
        self.assert_gone()

    @ddt.data("creating", "deleting", "error_deleting", "backing-up")
    def test_a_snapshot_in_another_status_refuses_all(self, status) -> None:
        statuses = self.kit.database.statuses
        statuses.swap_snapshot(self.ids[2], "available", status)
        error = self.assertRaises(NotAllowed, self.delete)
        self.assertIn(f"{self.ids[2]} that is {status}", str(error))
        self.assertEqual("available", self.volume_status(self.volume_id))
        self.assertEqual([], self.driver.calls)

    def test_an_attached_volume_is_refused(self) -> None:
        volume_id = self.kit.volume(attached=True)
        snapshot_id = self.kit.create(volume_id)
        self.assertRaises(NotAllowed, self.manager.cascade.delete, volume_id)
        self.assertEqual("in-use", self.volume_status(volume_id))
        self.assertEqual("available", self.kit.status(snapshot_id))

    def test_what_is_not_there(self) -> None:
        for order in (None, []):
            self.assertRaises(
                NotFound, self.manager.cascade.delete, "missing", order=order
            )

    def test_no_snapshot_is_taken_meanwhile(self) -> None:
        refused = []

        def take(snapshot) -> None:
            self.assertRaises(
                NotAllowed, self.manager.create_snapshot, self.volume_id
            )
            refused.append(snapshot.id)

        self.driver.on[DELETE_BEGIN] = take
        self.delete()
        self.assertEqual(self.ids, refused)
        self.assertEqual([], self.driver.called(CREATE_BEGIN))

    def test_waits_for_who_works_on_the_chain(self) -> None:
        self.driver.on["create_volume_from_snapshot"] = stage = Stage()
        copying = in_background(
            lambda: self.manager.volumes.create_from_snapshot(self.ids[0])
        )
        stage.wait()
        accepted = threading.Semaphore(0)
        delete = self.manager.delete_snapshot

        def accept(snapshot_id) -> None:
            delete(snapshot_id)
            accepted.release()

        self.manager.cascade._delete_snapshot = accept
        deleting = in_background(self.delete)
        for _ in self.ids:
            self.assertTrue(accepted.acquire(timeout=PATIENCE))
        self.kit.idle()
        self.assertEqual([], self.driver.called(DELETE_BEGIN))
        stage.go()
        self.assertTrue(ended(copying))
        self.assertTrue(ended(deleting))
        self.assert_gone()

    def test_repeated_after_a_restart(self) -> None:
        self.driver.on[DELETE_BEGIN] = stage = Stage()
        raised = []

        def delete() -> None:
            with testtools.ExpectedException(ManagerStopped):
                self.delete()
            raised.append(True)

        deleting = in_background(delete)
        stage.wait()
        stopping = in_background(self.manager.stop)
        self.assertTrue(ended(deleting))
        stage.go()
        self.assertTrue(ended(stopping))
        self.driver.on.clear()
        self.manager = self.kit.restart()
        # The snapshots' deletes were carried on; the volume's was not.
        self.assertEqual([], self.snapshots_of(self.volume_id))
        self.assertEqual("deleting", self.volume_status(self.volume_id))
        self.delete()
        self.assert_gone()


class LegacyTest(CascadeTestCase):
    driver_class = CapableLegacyDriver

    def test_its_own_methods_are_called(self) -> None:
        self.delete()
        self.assertEqual(self.ids, self.driver.called("delete_snapshot"))
        self.assert_gone()
