# SPDX-License-Identifier: Apache-2.0
"""Backups: what is read is a volume that nobody has attached."""

from __future__ import annotations

import ddt
from calling import CallerTestCase
from calling import CapableLegacyDriver
from scripted import CONNECT
from scripted import CREATE_BEGIN
from scripted import DELETE_BEGIN
from scripted import DELETE_COMPLETE
from scripted import ended
from scripted import in_background
from scripted import Stage

from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import NotAllowed
from assisted_kit.manager.temporary import TemporarySnapshotFailed

HOOKS_AND_COPIES = (
    "create_snapshot_assisted_begin",
    "create_snapshot_assisted_complete",
    "create_volume_from_snapshot",
    "delete_volume",
    "delete_snapshot_assisted_begin",
    "delete_snapshot_assisted_complete",
)


class BackupTestCase(CallerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.read: list = []

    def back_up(self, volume_id: str, **options):
        """Back up; notes what was read and how it was then."""

        def read(volume, connection):
            self.read.append((volume, connection))
            return f"content of {volume.id}"

        return self.manager.backups.create(volume_id, read, **options)

    def assert_as_before(self, volume_id: str, status: str) -> None:
        self.assertEqual(status, self.volume_status(volume_id))
        self.assertEqual([], self.snapshots_of(volume_id))
        self.assertEqual({volume_id}, self.volumes())
        self.assertEqual({}, self.kit.claims())


class DetachedTest(BackupTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume()

    def test_the_volume_itself_is_read(self) -> None:
        self.assertEqual(
            f"content of {self.volume_id}",
            self.back_up(self.volume_id, connector={"host": "backup"}),
        )
        ((volume, connection),) = self.read
        self.assertEqual(
            (self.volume_id, "backing-up", "detached"),
            (volume.id, volume.status, volume.attach_status),
        )
        self.assertEqual(volume.name, connection["data"]["name"])
        self.assertEqual(
            [CONNECT, "terminate_connection"],
            [name for name, _ in self.driver.calls][-2:],
        )
        self.assert_as_before(self.volume_id, "available")

    def test_a_failing_reader(self) -> None:
        self.assertRaises(
            ZeroDivisionError,
            self.manager.backups.create,
            self.volume_id,
            lambda volume, connection: 1 / 0,
        )
        self.assertEqual(1, len(self.driver.called("terminate_connection")))
        self.assert_as_before(self.volume_id, "available")

    def test_a_driver_that_does_not_connect(self) -> None:
        self.driver.on[CONNECT] = ValueError()
        self.assertRaises(ValueError, self.back_up, self.volume_id)
        self.assert_as_before(self.volume_id, "available")

    def test_snapshots_and_attachments_wait(self) -> None:
        stage = Stage()
        backup = in_background(
            lambda: self.manager.backups.create(
                self.volume_id, lambda volume, connection: stage()
            )
        )
        stage.wait()
        snapshot_id = self.kit.manager.create_snapshot(self.volume_id)
        attaching = in_background(
            lambda: self.manager.volumes.attach(
                self.volume_id,
                instance_uuid="instance",
                connector={"host": "compute"},
            )
        )
        self.kit.idle()
        self.assertEqual([], self.driver.hooks)
        self.assertEqual([self.volume_id], list(self.kit.claims()))
        self.assertEqual("backing-up", self.volume_status(self.volume_id))
        stage.go()
        self.assertTrue(ended(backup))
        self.assertTrue(ended(attaching))
        self.kit.idle()
        self.assertEqual("in-use", self.volume_status(self.volume_id))
        self.assertEqual("available", self.kit.status(snapshot_id))

    def test_another_operation_is_refused_meanwhile(self) -> None:
        def read(volume, connection):
            for refused in (
                lambda: self.back_up(self.volume_id),
                lambda: self.manager.cascade.delete(self.volume_id),
                lambda: self.manager.uploads.upload(self.volume_id, None, {}),
            ):
                error = self.assertRaises(NotAllowed, refused)
                self.assertIn("is backing-up", str(error))

        self.manager.backups.create(self.volume_id, read)
        self.assert_as_before(self.volume_id, "available")

    def test_what_is_not_there_or_in_error_is_refused(self) -> None:
        self.assertRaises(NotFound, self.back_up, "missing")
        self.kit.database.volumes.update(self.volume_id, {"status": "error"})
        self.assertRaises(NotAllowed, self.back_up, self.volume_id)
        self.assert_as_before(self.volume_id, "error")


@ddt.ddt
class AttachedTest(BackupTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume(attached=True)
        self.driver.calls.clear()

    def test_a_volume_made_from_a_temporary_snapshot_is_read(self) -> None:
        seen = []
        self.driver.on[CREATE_BEGIN] = lambda snapshot: (
            seen.append(
                (snapshot.volume.status, snapshot.volume.attach_status)
            ),
            self.driver.on.clear(),
            self.driver.create_snapshot_assisted_begin(snapshot),
        )[-1]
        self.back_up(self.volume_id)
        # attach_status is what decides, not status (section 2).
        self.assertEqual([("backing-up", "attached")], seen)
        ((volume, connection),) = self.read
        self.assertNotEqual(self.volume_id, volume.id)
        self.assertEqual(
            ("backing-up", "detached", False),
            (volume.status, volume.attach_status, volume.use_quota),
        )
        self.assertEqual(volume.name, connection["data"]["name"])
        self.assertEqual(2, len(self.nova.requests))
        self.assertEqual(
            [
                "create_volume_from_snapshot",
                "delete_volume",
                DELETE_BEGIN,
                DELETE_COMPLETE,
            ],
            [n for n, _ in self.driver.calls if n in HOOKS_AND_COPIES][-4:],
        )
        self.assert_as_before(self.volume_id, "in-use")

    def test_the_snapshot_is_nobody_s_to_delete_meanwhile(self) -> None:
        def copy(snapshot):
            self.assertEqual("backing-up", snapshot.status)
            self.assertFalse(snapshot.use_quota)
            self.assertRaises(
                NotAllowed, self.manager.delete_snapshot, snapshot.id
            )

        self.driver.on["create_volume_from_snapshot"] = copy
        self.back_up(self.volume_id)
        self.assert_as_before(self.volume_id, "in-use")

    def test_the_copy_is_nobody_s_to_delete_meanwhile(self) -> None:
        self.manager.backups.create(
            self.volume_id,
            lambda volume, _: self.assertRaises(
                NotAllowed,
                self.kit.database.volumes.begin_delete,
                volume.id,
            ),
        )
        self.assert_as_before(self.volume_id, "in-use")

    @ddt.data("", None, "backup-snap-x", "tmp-snap-x")
    def test_the_temporary_name_does_not_matter(self, name) -> None:
        names = []
        self.driver.on["create_volume_from_snapshot"] = lambda snapshot: (
            names.append(snapshot.display_name)
        )
        self.back_up(self.volume_id, temporary_name=name)
        self.assertEqual([name], names)
        self.assert_as_before(self.volume_id, "in-use")

    def test_a_user_s_snapshot_that_looks_like_it_stays(self) -> None:
        names = ("temporary", f"backup-snap-{self.volume_id}", "tmp-snap-1")
        ids = [
            self.kit.create(self.volume_id, display_name=name)
            for name in names
        ]
        self.back_up(self.volume_id)
        left = self.snapshots_of(self.volume_id)
        self.assertEqual(set(ids), {each.id for each in left})
        self.assertEqual({"available"}, {each.status for each in left})
        self.assertEqual({True}, {each.use_quota for each in left})
        self.assertEqual("in-use", self.volume_status(self.volume_id))

    @ddt.data(CREATE_BEGIN, "create_snapshot_assisted_complete")
    def test_the_snapshot_fails(self, hook) -> None:
        self.driver.on[hook] = ValueError()
        self.assertRaises(
            TemporarySnapshotFailed, self.back_up, self.volume_id
        )
        self.assertEqual([], self.read)
        self.assert_as_before(self.volume_id, "in-use")

    def test_the_copy_fails(self) -> None:
        self.driver.on["create_volume_from_snapshot"] = ValueError()
        self.assertRaises(ValueError, self.back_up, self.volume_id)
        self.assertEqual([], self.read)
        self.assert_as_before(self.volume_id, "in-use")

    def test_the_reader_fails(self) -> None:
        self.assertRaises(
            ZeroDivisionError,
            self.manager.backups.create,
            self.volume_id,
            lambda volume, connection: 1 / 0,
        )
        self.assert_as_before(self.volume_id, "in-use")

    def test_what_cannot_be_deleted_is_left_to_be_deleted_later(self) -> None:
        self.driver.on = {
            "delete_volume": ValueError(),
            DELETE_BEGIN: ValueError(),
        }
        # What was read has been read.
        self.assertIn("content of", self.back_up(self.volume_id))
        self.driver.on.clear()
        (copy_id,) = self.volumes() - {self.volume_id}
        self.assertEqual("error_deleting", self.volume_status(copy_id))
        (snapshot,) = self.snapshots_of(self.volume_id)
        self.assertEqual("error_deleting", snapshot.status)
        self.manager.volumes.delete(copy_id)
        self.kit.delete(snapshot.id, force=True)
        self.assert_as_before(self.volume_id, "in-use")

    def test_detached_meanwhile(self) -> None:
        attachment = self.manager.volumes.ref(
            self.volume_id
        ).volume_attachment[0]
        self.manager.backups.create(
            self.volume_id,
            lambda volume, connection: self.manager.volumes.detach(
                self.volume_id, attachment
            ),
        )
        self.assert_as_before(self.volume_id, "available")

    def test_a_user_s_snapshot_goes_on_while_it_is_read(self) -> None:
        taken = []
        self.manager.backups.create(
            self.volume_id,
            lambda volume, connection: taken.append(
                self.kit.available(self.volume_id)
            ),
        )
        self.assertEqual("available", self.kit.status(taken[0]))

    def test_the_process_dies(self) -> None:
        raised = []
        self.nova.answer = stage = Stage()

        def back_up() -> None:
            try:
                self.back_up(self.volume_id)
            except BaseException as error:
                raised.append(type(error).__name__)

        backup = in_background(back_up)
        stage.wait()
        stage.go()
        self.manager.stop()
        self.assertTrue(ended(backup))
        self.assertEqual(["ManagerStopped"], raised)
        # As if nothing of it had run.
        self.kit.database.volumes.update(
            self.volume_id, {"status": "backing-up"}
        )
        self.kit.restart()
        self.assertEqual("in-use", self.volume_status(self.volume_id))
        (snapshot,) = self.snapshots_of(self.volume_id)
        self.kit.report(snapshot.id, "creating_compute_complete")
        self.nova.answer = self.report_done
        self.kit.delete(snapshot.id)
        self.assert_as_before(self.volume_id, "in-use")


class LegacyTest(BackupTestCase):
    driver_class = CapableLegacyDriver

    def test_its_own_methods_are_called(self) -> None:
        volume_id = self.kit.volume(attached=True)
        self.back_up(volume_id)
        created = self.driver.called("create_snapshot")
        self.assertEqual(1, len(created))
        self.assertEqual(created, self.driver.called("delete_snapshot"))
        self.assertNotEqual(volume_id, self.read[0][0].id)
        self.assert_as_before(volume_id, "in-use")
