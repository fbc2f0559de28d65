# SPDX-License-Identifier: Apache-2.0
"""What a driver is handed (contract section 1)."""

from __future__ import annotations

import copy

import ddt
from scripted import DatabaseTestCase
from scripted import Deployment

from assisted_kit.db.references import NotFound
from assisted_kit.refs import NotWritable

SNAPSHOT_NAMES = (
    "id",
    "name",
    "volume",
    "volume_id",
    "volume_name",
    "volume_size",
    "status",
    "progress",
    "display_name",
    "metadata",
    "obj_context",
    "_context",
    "provider_location",
    "encryption_key_id",
    "snapshot_admin_metadata",
)
VOLUME_NAMES = (
    "id",
    "name",
    "name_id",
    "size",
    "status",
    "attach_status",
    "display_name",
    "obj_context",
    "_context",
    "provider_location",
    "encryption_key_id",
    "admin_metadata",
    "snapshots",
    "volume_attachment",
    "volume_type",
    "metadata",
)


class RefsTestCase(DatabaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.kit = self.useFixture(Deployment())
        self.volume_id = self.kit.volume(attached=True)
        self.older = self.kit.available(self.volume_id)
        self.kit.advance(1)
        self.snapshot_id = self.kit.available(self.volume_id)

    def snapshot(self, **options):
        return self.kit.database.references.snapshot(
            self.snapshot_id, **options
        )


@ddt.ddt
class ReadingTest(RefsTestCase):
    @ddt.data(*SNAPSHOT_NAMES)
    def test_a_snapshot_has(self, name: str) -> None:
        ref = self.snapshot()
        self.assertEqual(getattr(ref, name), ref[name])
        self.assertIn(name, ref)

    @ddt.data(*VOLUME_NAMES)
    def test_a_volume_has(self, name: str) -> None:
        ref = self.snapshot().volume
        self.assertEqual(getattr(ref, name), ref[name])
        self.assertIn(name, ref)

    def test_an_attachment_has_what_is_stored(self) -> None:
        (attachment,) = self.snapshot().volume.volume_attachment
        self.assertEqual({"host": "compute-0"}, attachment["connector"])
        self.assertEqual(
            "nfs", attachment.connection_info["driver_volume_type"]
        )

    def test_names(self) -> None:
        ref = self.snapshot()
        self.assertEqual(f"snapshot-{self.snapshot_id}", ref.name)
        self.assertEqual(f"volume-{self.volume_id}", ref.volume.name)
        self.assertEqual(ref.volume.name, ref.volume_name)

    def test_a_migrated_volume_keeps_its_name(self) -> None:
        self.kit.database.volumes.update(self.volume_id, {"_name_id": "old"})
        volume = self.snapshot().volume
        self.assertEqual(("old", "volume-old"), (volume.name_id, volume.name))

    def test_siblings_and_their_admin_metadata(self) -> None:
        ref = self.snapshot()
        self.assertEqual(
            [self.older, self.snapshot_id],
            [other.id for other in ref.volume.snapshots],
        )
        sibling = ref.volume.snapshots[0]
        self.assertEqual(
            "accepted", sibling.snapshot_admin_metadata["manager:compute_call"]
        )
        self.assertIs(ref.volume, sibling.volume)

    def test_what_is_missing(self) -> None:
        ref = self.snapshot()
        self.assertNotIn("colour", ref)
        self.assertIsNone(ref.get("colour"))
        self.assertRaises(AttributeError, getattr, ref, "colour")
        self.assertRaises(KeyError, ref.__getitem__, "colour")

    def test_can_be_copied(self) -> None:
        self.assertEqual(self.snapshot_id, copy.deepcopy(self.snapshot()).id)

    def test_a_deleted_snapshot_is_gone(self) -> None:
        self.kit.delete(self.snapshot_id)
        self.kit.report(self.snapshot_id, "deleting_compute_complete")
        self.assertRaises(NotFound, self.snapshot)
        self.assertRaises(
            NotFound, self.kit.database.references.volume, "missing"
        )

    def test_an_attachment_of_cinders_without_documents(self) -> None:
        with self.kit.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE volume_attachment SET connector = NULL,"
                " connection_info = 'null'"
            )
        (attachment,) = self.snapshot().volume.volume_attachment
        self.assertEqual({}, attachment.connector)
        self.assertEqual({}, attachment.connection_info)


class WritingTest(RefsTestCase):
    def test_a_hooks_reference_cannot_be_saved(self) -> None:
        ref = self.snapshot()
        ref.progress = "50%"
        self.assertRaises(NotWritable, ref.save)
        self.assertRaises(NotWritable, ref.refresh)
        self.assertRaises(NotWritable, ref.volume.save)
        self.assertEqual("100%", self.snapshot().progress)

    def test_admin_metadata_is_read_only(self) -> None:
        for writable in (False, True):
            ref = self.snapshot(writable=writable)
            self.assertFalse(
                hasattr(ref.snapshot_admin_metadata, "__setitem__")
            )
            self.assertRaises(
                AttributeError, setattr, ref, "snapshot_admin_metadata", {}
            )
            self.assertRaises(
                AttributeError, ref.update, {"snapshot_admin_metadata": {}}
            )

    def test_save_stores_what_changed_and_nothing_else(self) -> None:
        ref = self.snapshot(writable=True)
        other = self.snapshot(writable=True)
        other.update({"provider_id": "lun-1"})
        other.save()
        ref["progress"] = "42%"
        ref.metadata["key"] = "value"
        ref.save()
        stored = self.snapshot()
        self.assertEqual("42%", stored.progress)
        self.assertEqual("lun-1", stored.provider_id)
        self.assertEqual({"key": "value"}, stored.metadata)

    def test_save_removes_a_key_that_was_taken_out(self) -> None:
        ref = self.snapshot(writable=True)
        with ref.volume.obj_as_admin():
            ref.volume.admin_metadata.update(format="raw", other="x")
            ref.volume.save()
            del ref.volume.admin_metadata["other"]
            ref.volume.save()
        self.assertEqual(
            {"format": "raw"}, self.snapshot().volume.admin_metadata
        )

    def test_refresh_sees_what_others_stored(self) -> None:
        ref = self.snapshot(writable=True)
        other = self.snapshot(writable=True)
        other.progress = "7%"
        other.save()
        self.assertEqual("100%", ref.progress)
        ref.refresh()
        self.assertEqual("7%", ref.progress)
        ref.save()
        self.assertEqual("7%", self.snapshot().progress)

    def test_an_attachment_is_saved(self) -> None:
        (attachment,) = self.snapshot(writable=True).volume.volume_attachment
        attachment.connection_info["name"] = "overlay"
        attachment.save()
        (info,) = self.kit.connection_info(self.volume_id)
        self.assertEqual("overlay", info["name"])

    def test_an_attachment_alone(self) -> None:
        references = self.kit.database.references
        (attachment,) = self.snapshot().volume.volume_attachment
        found = references.attachment(attachment.id)
        self.assertEqual(attachment.connector, found.connector)
        self.assertEqual(attachment.connection_info, found.connection_info)
        self.assertRaises(NotWritable, found.save)
        self.kit.manager.volumes.detach(self.volume_id, attachment)
        self.assertRaises(NotFound, references.attachment, attachment.id)
        self.assertRaises(NotFound, references.attachment, "other")

    def test_the_attachments_alone(self) -> None:
        references = self.kit.database.references
        self.assertEqual([], references.attachments("other"))
        (attachment,) = self.snapshot().volume.volume_attachment
        (found,) = references.attachments(self.volume_id)
        self.assertEqual(attachment.id, found.id)
        self.assertEqual(attachment.connection_info, found.connection_info)
        self.assertRaises(NotWritable, found.save)
        self.kit.manager.volumes.detach(self.volume_id, attachment)
        self.assertEqual([], references.attachments(self.volume_id))

    def test_unknown_fields_and_names_cannot_be_set(self) -> None:
        ref = self.snapshot(writable=True)
        for name in ("colour", "name", "volume"):
            self.assertRaises(AttributeError, setattr, ref, name, "x")
