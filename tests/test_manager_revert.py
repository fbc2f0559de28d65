# SPDX-License-Identifier: Apache-2.0
"""Reverting a volume: who is in which status, and what is refused."""

from __future__ import annotations

import threading

import ddt
from calling import CallerTestCase
from calling import CapableDriver
from calling import CapableLegacyDriver
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import DELETE_BEGIN
from scripted import DELETE_COMPLETE
from scripted import ended
from scripted import in_background
from scripted import PATIENCE
from scripted import ScriptedDriver
from scripted import Stage

from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import NotAllowed
from assisted_kit.manager.optional_methods import NotSupported
from assisted_kit.manager.temporary import TemporarySnapshotFailed

REVERT = "revert_to_snapshot"


class RevertTestCase(CallerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume()
        self.older, self.id = (self.settled(self.volume_id) for _ in range(2))
        self.driver.calls.clear()

    def revert(self, snapshot_id: str = "", **options) -> None:
        self.manager.reverts.revert(
            self.volume_id, snapshot_id or self.id, **options
        )

    def assert_ended(self, volume_status: str = "available") -> None:
        self.assertEqual(volume_status, self.volume_status(self.volume_id))
        self.assertEqual("available", self.kit.status(self.id))
        self.assertEqual({}, self.kit.claims())

    def assert_nothing_done(self) -> None:
        self.assert_ended()
        self.assertEqual([], self.driver.called(REVERT))
        self.assertEqual(2, len(self.snapshots_of(self.volume_id)))


@ddt.ddt
class RevertTest(RevertTestCase):
    def test_with_a_backup_snapshot(self) -> None:
        seen = []

        def look(snapshot) -> None:
            volume = snapshot.volume
            seen.append((volume.status, snapshot.status))
            (backup,) = (
                each
                for each in volume.snapshots
                if each.id not in (self.older, self.id)
            )
            seen.append((backup.status, backup.use_quota))

        self.driver.on[REVERT] = look
        self.revert()
        self.assertEqual(
            [("reverting", "restoring"), ("available", False)], seen
        )
        self.assertEqual(
            [
                CREATE_BEGIN,
                CREATE_COMPLETE,
                REVERT,
                DELETE_BEGIN,
                DELETE_COMPLETE,
            ],
            [name for name, _ in self.driver.calls],
        )
        self.assertEqual([self.id], self.driver.called(REVERT))
        self.assertEqual(2, len(self.snapshots_of(self.volume_id)))
        self.assert_ended()

    def test_without_where_the_driver_wants_none(self) -> None:
        self.driver.wants_backup_snapshot = False
        self.revert()
        self.assertEqual([(REVERT, self.id)], self.driver.calls)
        self.assert_ended()

    @ddt.data("", None, "[revert] volume x backup snapshot")
    def test_the_backup_snapshot_s_name_does_not_matter(self, name) -> None:
        names = []
        self.driver.on[CREATE_BEGIN] = lambda snapshot: names.append(
            snapshot.display_name
        )
        self.revert(temporary_name=name)
        self.assertEqual([name], names)
        self.assert_ended()

    def test_the_driver_fails(self) -> None:
        self.driver.on[REVERT] = ValueError("disk")
        self.assertRaises(ValueError, self.revert)
        self.assert_ended("error")
        # What there was before is in the snapshot that is kept.
        self.assertEqual(3, len(self.snapshots_of(self.volume_id)))
        for snapshot in self.snapshots_of(self.volume_id):
            self.kit.delete(snapshot.id)
        self.manager.volumes.delete(self.volume_id)

    def test_again_after_an_administrator_reset_the_status(self) -> None:
        self.driver.wants_backup_snapshot = False
        self.driver.on[REVERT] = ValueError("disk")
        self.assertRaises(ValueError, self.revert)
        self.assertRaises(NotAllowed, self.revert)
        self.kit.database.volumes.update(
            self.volume_id, {"status": "available"}
        )
        self.driver.on.clear()
        self.revert()
        self.assert_ended()

    def test_the_backup_snapshot_fails(self) -> None:
        self.driver.on[CREATE_BEGIN] = ValueError()
        self.assertRaises(TemporarySnapshotFailed, self.revert)
        self.assert_nothing_done()

    def test_the_driver_has_no_such_method(self) -> None:
        self.driver.on[REVERT] = NotImplementedError()
        self.assertRaises(NotSupported, self.revert)
        self.assert_ended()
        self.assertEqual(2, len(self.snapshots_of(self.volume_id)))
        manager = self.kit.start_manager("other", ScriptedDriver())
        self.assertRaises(
            NotSupported, manager.reverts.revert, self.volume_id, self.id
        )
        self.assert_ended()

    def test_is_under_the_claim(self) -> None:
        self.driver.on[REVERT] = stage = Stage()
        reverting = in_background(self.revert)
        stage.wait()
        self.assertEqual([self.volume_id], list(self.kit.claims()))
        self.kit.manager.delete_snapshot(self.older)
        self.kit.idle()
        self.assertEqual([], self.driver.called(DELETE_BEGIN))
        stage.go()
        self.assertTrue(ended(reverting))
        self.kit.idle()
        self.assertEqual("deleted", self.kit.status(self.older))
        self.assert_ended()


@ddt.ddt
class RefusedTest(RevertTestCase):
    def test_an_older_snapshot(self) -> None:
        error = self.assertRaises(NotAllowed, self.revert, self.older)
        self.assertIn("its newest snapshot only", str(error))
        self.assert_nothing_done()

    def test_a_newer_one_that_failed(self) -> None:
        self.driver.on[CREATE_BEGIN] = ValueError()
        self.kit.create(self.volume_id)
        self.assertRaises(NotAllowed, self.revert)
        self.assertEqual([], self.driver.called(REVERT))
        self.assert_ended()

    def test_an_attached_volume(self) -> None:
        self.manager.volumes.attach(
            self.volume_id, instance_uuid="i", connector={"host": "h"}
        )
        self.assertRaises(NotAllowed, self.revert)
        self.assertEqual("in-use", self.volume_status(self.volume_id))
        self.assertEqual("available", self.kit.status(self.id))

    @ddt.data("error", "deleting", "backing-up")
    def test_a_volume_in_another_status(self, status) -> None:
        self.kit.database.volumes.update(self.volume_id, {"status": status})
        self.assertRaises(NotAllowed, self.revert)
        self.assert_ended(status)

    def test_a_snapshot_in_another_status(self) -> None:
        self.driver.on[DELETE_BEGIN] = ValueError()
        self.kit.delete(self.id)
        self.assertRaises(NotAllowed, self.revert)
        self.assertEqual("available", self.volume_status(self.volume_id))
        self.assertEqual("error_deleting", self.kit.status(self.id))

    def test_a_volume_that_has_grown(self) -> None:
        self.manager.volumes.extend(self.volume_id, 2)
        error = self.assertRaises(NotAllowed, self.revert)
        self.assertIn("had 1 GiB", str(error))
        self.assert_nothing_done()

    def test_a_volume_that_grows_while_the_revert_waits(self) -> None:
        # The backup snapshot waits behind the extend.
        self.driver.on["extend_volume"] = stage = Stage()
        extending = in_background(
            lambda: self.manager.volumes.extend(self.volume_id, 2)
        )
        stage.wait()
        raised = []

        def revert() -> None:
            raised.append(self.assertRaises(NotAllowed, self.revert))

        begun = threading.Event()
        occupy = self.kit.database.statuses.begin_revert

        def begin(volume_id, snapshot_id) -> None:
            occupy(volume_id, snapshot_id)
            begun.set()

        self.kit.database.statuses.begin_revert = begin
        reverting = in_background(revert)
        self.assertTrue(begun.wait(PATIENCE))
        stage.go()
        self.assertTrue(ended(extending))
        self.assertTrue(ended(reverting))
        self.assertIn("has grown", str(raised[0]))
        self.assert_nothing_done()

    def test_what_is_not_there(self) -> None:
        another = self.kit.volume()
        for volume_id, snapshot_id in (
            ("missing", self.id),
            (self.volume_id, "missing"),
            (another, self.id),
        ):
            self.assertRaises(
                NotFound, self.manager.reverts.revert, volume_id, snapshot_id
            )
        self.assert_nothing_done()
        self.assertEqual("available", self.volume_status(another))

    def test_while_a_create_is_pending(self) -> None:
        volume_id = self.kit.volume(attached=True)
        snapshot_id = self.kit.available(volume_id)
        self.nova.answer = None
        pending = self.kit.create(volume_id)
        self.kit.advance(600)
        attachment = self.manager.volumes.ref(volume_id).volume_attachment[0]
        self.manager.volumes.detach(volume_id, attachment)
        error = self.assertRaises(
            NotAllowed, self.manager.reverts.revert, volume_id, snapshot_id
        )
        self.assertIn(f"{pending} is pending", str(error))
        self.assertEqual("available", self.volume_status(volume_id))
        self.assertEqual([], self.driver.called(REVERT))
        # Deleting the snapshot concerned is the way out.
        self.driver.on[DELETE_BEGIN] = None
        self.kit.delete(pending)
        self.manager.reverts.revert(volume_id, snapshot_id)
        self.assertEqual([snapshot_id], self.driver.called(REVERT))

    def test_attached_before_the_chain_was_free(self) -> None:
        # Between the backup snapshot and the revert nobody has the gate.
        def attach(snapshot) -> None:
            self.kit.database.volumes.attach(
                self.volume_id,
                instance_uuid="instance",
                connector={"host": "compute"},
                connection_info={},
            )

        self.driver.on[CREATE_COMPLETE] = attach
        self.assertRaises(NotAllowed, self.revert)
        self.assertEqual("in-use", self.volume_status(self.volume_id))
        self.assertEqual("available", self.kit.status(self.id))
        self.assertEqual([], self.driver.called(REVERT))

    def test_a_user_s_snapshot_meanwhile(self) -> None:
        refused = []

        def take(snapshot) -> None:
            # Whatever it is called, it is a user's.
            for name in (None, "temporary", "[revert] backup snapshot"):
                self.assertRaises(
                    NotAllowed,
                    self.manager.create_snapshot,
                    self.volume_id,
                    display_name=name,
                )
                refused.append(name)

        self.driver.on[REVERT] = take
        self.revert()
        self.assertEqual(3, len(refused))
        self.assertEqual(2, len(self.snapshots_of(self.volume_id)))
        self.assert_ended()

    def test_deleting_either_of_them_meanwhile(self) -> None:
        refused = []

        def delete(snapshot) -> None:
            for call in (
                lambda: self.manager.delete_snapshot(self.id),
                lambda: self.manager.cascade.delete(self.volume_id),
                lambda: self.kit.database.volumes.begin_delete(self.volume_id),
            ):
                self.assertRaises(NotAllowed, call)
                refused.append(call)

        self.driver.on[REVERT] = delete
        self.revert()
        self.assertEqual(3, len(refused))
        self.assert_ended()

    def test_deleted_by_force_before_the_chain_was_free(self) -> None:
        # The delete begins while the backup snapshot is being taken.
        self.driver.on[CREATE_BEGIN] = lambda snapshot: (
            self.manager.delete_snapshot(self.id, force=True)
        )
        self.assertRaises(NotAllowed, self.revert)
        self.kit.idle()
        self.assertEqual("deleted", self.kit.status(self.id))
        self.assertEqual("available", self.volume_status(self.volume_id))
        self.assertEqual([], self.driver.called(REVERT))
        self.assertEqual(1, len(self.snapshots_of(self.volume_id)))

    def test_the_process_dies(self) -> None:
        self.kit.database.statuses.begin_revert(self.volume_id, self.id)
        self.kit.restart()
        self.assert_ended("error")


class LegacyTest(CallerTestCase):
    driver_class = CapableLegacyDriver

    def test_its_own_methods_are_called(self) -> None:
        volume_id = self.kit.volume()
        snapshot_id = self.settled(volume_id)
        self.driver.calls.clear()
        self.manager.reverts.revert(volume_id, snapshot_id)
        self.assertEqual(
            ["create_snapshot", REVERT, "delete_snapshot"],
            [name for name, _ in self.driver.calls],
        )
        self.assertEqual("available", self.volume_status(volume_id))


class DriverThatDoesNotSay(CapableDriver):
    """Without ``snapshot_revert_use_temp_snapshot``."""

    snapshot_revert_use_temp_snapshot = None  # type: ignore[assignment]


class DefaultTest(RevertTestCase):
    driver_class = DriverThatDoesNotSay

    def test_is_to_take_a_backup_snapshot(self) -> None:
        self.revert()
        self.assertEqual(1, len(self.driver.called(CREATE_BEGIN)))
