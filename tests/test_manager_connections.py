# SPDX-License-Identifier: Apache-2.0
"""What attachments and copies of a volume have to do with snapshots."""

from __future__ import annotations

from scripted import CONNECT
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import create_request
from scripted import DELETE_BEGIN
from scripted import DELETE_COMPLETE
from scripted import ManagerTestCase

from assisted_kit.manager.temporary import TemporarySnapshotFailed


class ConnectionInfoTest(ManagerTestCase):
    """Nova re-reads it exactly when the status changes (section 4)."""

    def test_is_stored_before_the_status_leaves_creating(self) -> None:
        volume_id = self.kit.volume(attached=True, attachments=2)
        seen = []

        def connect(volume, connector):
            (snapshot,) = volume.snapshots
            seen.append((snapshot.status, connector["host"]))
            self.assertEqual("qcow2", volume.admin_metadata["format"])
            return {
                "driver_volume_type": "other",
                "data": {"name": "overlay", "seen": connector["host"]},
            }

        self.driver.on[CREATE_BEGIN] = create_request
        self.driver.on[CREATE_COMPLETE] = {
            "volume_admin_metadata": {"format": "qcow2"}
        }
        self.driver.on[CONNECT] = connect
        self.kit.available(volume_id)
        self.assertEqual(
            [("creating", "compute-0"), ("creating", "compute-1")],
            sorted(seen),
        )
        # Merged: what was there and is not mentioned stays.
        for info in self.kit.connection_info(volume_id):
            self.assertEqual("nfs", info["driver_volume_type"])
            self.assertEqual("raw", info["format"])
            self.assertEqual("overlay", info["name"])

    def test_is_stored_before_a_snapshot_is_deleted(self) -> None:
        volume_id = self.kit.volume(attached=True)
        snapshot_id = self.kit.available(volume_id)
        seen = []

        def connect(volume, connector):
            seen.extend(each.status for each in volume.snapshots)
            return {"driver_volume_type": "nfs", "data": {"name": "merged"}}

        self.driver.on[CONNECT] = connect
        self.kit.delete(snapshot_id)
        self.assertEqual([], seen)
        self.kit.report(snapshot_id, "deleting_compute_complete")
        self.assertEqual(["deleting"], seen)
        (info,) = self.kit.connection_info(volume_id)
        self.assertEqual("merged", info["name"])

    def test_a_guest_that_was_detached_meanwhile_has_none(self) -> None:
        volume_id = self.kit.volume(attached=True)
        snapshot_id = self.kit.create(volume_id)
        volume = self.kit.manager.volumes.ref(volume_id)
        self.kit.manager.volumes.detach(volume_id, volume.volume_attachment[0])
        self.driver.calls.clear()
        self.kit.report(snapshot_id, "creating_compute_complete")
        self.assertEqual("available", self.kit.status(snapshot_id))
        self.assertEqual([CREATE_COMPLETE], [n for n, _ in self.driver.calls])


class CloneTest(ManagerTestCase):
    def test_of_a_detached_volume(self) -> None:
        source = self.kit.volume()
        clone = self.kit.manager.volumes.clone(source)
        self.assertEqual([source], self.driver.called("create_cloned_volume"))
        self.assertEqual("available", clone.status)
        self.assertEqual([], self.driver.hooks)

    def test_of_an_attached_volume_takes_a_temporary_snapshot(self) -> None:
        source = self.kit.volume(attached=True)
        self.nova.answer = lambda info: self.kit.send(
            info.get("snapshot_id") or self.driver.called(DELETE_BEGIN)[-1],
            status="creating" if "new_file" in info else "deleting",
            progress="90%",
        )
        clone = self.kit.manager.volumes.clone(source)
        self.kit.idle()
        self.assertEqual("available", clone.status)
        self.assertEqual(
            (source, None), (clone.source_volid, clone.snapshot_id)
        )
        self.assertEqual(
            [
                CREATE_BEGIN,
                CREATE_COMPLETE,
                "create_volume_from_snapshot",
                DELETE_BEGIN,
                DELETE_COMPLETE,
            ],
            [name for name, _ in self.driver.calls if "snapshot" in name],
        )
        self.assertEqual([], self.kit.manager.volumes.ref(source).snapshots)

    def test_its_snapshot_is_deleted_in_failure_too(self) -> None:
        source = self.kit.volume(attached=True)
        self.driver.on[CREATE_BEGIN] = ValueError("no space")
        self.driver.on[DELETE_BEGIN] = None
        error = self.assertRaises(
            TemporarySnapshotFailed, self.kit.manager.volumes.clone, source
        )
        self.assertIn("is error", str(error))
        self.assertEqual([], self.kit.manager.volumes.ref(source).snapshots)
        self.driver.on[CREATE_BEGIN] = None
        self.driver.on["create_volume_from_snapshot"] = ValueError("broken")
        self.assertRaises(ValueError, self.kit.manager.volumes.clone, source)
        self.assertEqual([], self.kit.manager.volumes.ref(source).snapshots)
