# SPDX-License-Identifier: Apache-2.0
"""Group snapshots: one a volume, all under way together."""

from __future__ import annotations

import testtools
from calling import CallerTestCase
from calling import CapableLegacyDriver
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import DELETE_BEGIN
from scripted import ended
from scripted import HttpError
from scripted import in_background
from scripted import Stage

from assisted_kit.db.references import NotFound
from assisted_kit.manager.chains import ManagerStopped


class GroupTest(CallerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.first = self.kit.volume(attached=True)
        self.second = self.kit.volume()
        self.third = self.kit.volume(attached=True)
        self.group = [self.first, self.second, self.third]

    def test_is_taken_and_deleted(self) -> None:
        taken = self.manager.groups.create_snapshot(
            self.group, display_name="together"
        )
        self.assertEqual({}, taken.failed)
        self.assertEqual(self.group, list(taken.members))
        for volume_id, member in taken.members.items():
            (snapshot,) = self.snapshots_of(volume_id)
            self.assertEqual(
                (member.snapshot_id, "available", "together"),
                (snapshot.id, snapshot.status, snapshot.display_name),
            )
        deleted = self.manager.groups.delete_snapshot(taken.snapshot_ids)
        self.assertEqual({}, deleted.failed)
        self.assertEqual([], deleted.snapshot_ids)
        self.assertEqual(
            {"deleted"}, {each.status for each in deleted.members.values()}
        )
        self.assertEqual(
            [[], [], []], [self.snapshots_of(each) for each in self.group]
        )

    def test_all_are_under_way_together(self) -> None:
        stages = {each: Stage() for each in self.group}
        self.driver.on[CREATE_BEGIN] = lambda snapshot: stages[
            snapshot.volume_id
        ]()
        self.nova.answer = None
        results = []
        taking = in_background(
            lambda: results.append(
                self.manager.groups.create_snapshot(self.group)
            )
        )
        for stage in stages.values():
            stage.wait()
        for stage in stages.values():
            stage.go()
        self.assertTrue(ended(taking))
        self.assertEqual({}, results[0].failed)

    def test_says_which_failed_and_the_others_end_as_they_end(self) -> None:
        def refuse_the_first(info):
            if info["new_file"].startswith(f"volume-{self.first}."):
                raise HttpError(409)
            self.report_done(info)

        def fail_for_the_second(snapshot):
            if snapshot.volume_id == self.second:
                raise ValueError("no space")

        self.nova.answer = refuse_the_first
        self.driver.on[CREATE_COMPLETE] = fail_for_the_second
        taken = self.manager.groups.create_snapshot(self.group)
        self.assertEqual({self.first, self.second}, set(taken.failed))
        self.assertEqual("error", taken.failed[self.first].status)
        self.assertEqual("available", taken.members[self.third].status)
        # All of them can be deleted.
        self.nova.answer = self.report_done
        deleted = self.manager.groups.delete_snapshot(taken.snapshot_ids)
        self.assertEqual({}, deleted.failed)

    def test_a_refused_member_holds_nobody_up(self) -> None:
        self.kit.database.volumes.update(self.second, {"status": "deleting"})
        taken = self.manager.groups.create_snapshot(
            [self.first, "missing", self.second]
        )
        self.assertEqual("available", taken.members[self.first].status)
        self.assertEqual(["missing", self.second], list(taken.failed))
        for volume_id, reason in (
            ("missing", "could not be found"),
            (self.second, "is being deleted"),
        ):
            member = taken.members[volume_id]
            self.assertEqual((None, None), (member.snapshot_id, member.status))
            self.assertIn(reason, member.reason)
        self.assertEqual(1, len(taken.snapshot_ids))

    def test_a_volume_counts_once(self) -> None:
        taken = self.manager.groups.create_snapshot([self.first, self.first])
        self.assertEqual([self.first], list(taken.members))
        self.assertEqual(1, len(self.snapshots_of(self.first)))

    def test_a_delete_that_fails_or_is_refused(self) -> None:
        taken = self.manager.groups.create_snapshot(self.group)
        first, second, third = taken.snapshot_ids
        self.driver.on[DELETE_BEGIN] = ValueError()
        self.kit.delete(first)
        del self.driver.on[DELETE_BEGIN]
        deleted = self.manager.groups.delete_snapshot(taken.snapshot_ids)
        self.assertEqual([self.first], list(deleted.failed))
        self.assertIn("error_deleting", deleted.failed[self.first].reason)
        self.assertEqual([first], deleted.snapshot_ids)
        self.assertEqual("deleted", self.kit.status(second))
        self.assertEqual("deleted", self.kit.status(third))

    def test_nothing_is_deleted_when_the_group_is_not_one(self) -> None:
        taken = self.manager.groups.create_snapshot(self.group)
        another = self.settled(self.first)
        self.assertRaises(
            ValueError,
            self.manager.groups.delete_snapshot,
            [*taken.snapshot_ids, another],
        )
        self.assertRaises(
            NotFound,
            self.manager.groups.delete_snapshot,
            [*taken.snapshot_ids, "missing"],
        )
        self.assertEqual([], self.driver.called(DELETE_BEGIN))

    def test_waits_in_order_on_each_chain(self) -> None:
        before = self.kit.manager.create_snapshot(self.second)
        taken = self.manager.groups.create_snapshot([self.second])
        begun = self.driver.called(CREATE_BEGIN)
        self.assertEqual([before, *taken.snapshot_ids], begun)

    def test_stop_lets_nobody_wait(self) -> None:
        self.nova.answer = stage = Stage()
        raised = []

        def take() -> None:
            with testtools.ExpectedException(ManagerStopped):
                self.manager.groups.create_snapshot(self.group)
            raised.append(True)

        taking = in_background(take)
        stage.wait()
        stage.go()
        self.manager.stop()
        self.assertTrue(ended(taking))
        self.assertEqual([True], raised)


class LegacyGroupTest(CallerTestCase):
    driver_class = CapableLegacyDriver

    def test_its_own_methods_are_called(self) -> None:
        group = [self.kit.volume(attached=True), self.kit.volume()]
        taken = self.manager.groups.create_snapshot(group)
        self.assertEqual({}, taken.failed)
        self.manager.groups.delete_snapshot(taken.snapshot_ids)
        for name in ("create_snapshot", "delete_snapshot"):
            self.assertEqual(
                set(taken.snapshot_ids), set(self.driver.called(name))
            )
