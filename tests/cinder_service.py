# SPDX-License-Identifier: Apache-2.0
"""What Cinder 29's API and volume manager do around an unmodified driver.

The driver gets Cinder's own versioned objects, their rows are written by
Cinder's own code, and Nova reports to Cinder's own controller.  Only what
lies between is written down here: which status and progress a row has when
the driver is called, and when it has returned, raised or died.
"""

from __future__ import annotations

import types
from pathlib import Path

from cinder import exception
from cinder import objects
from cinder.api.contrib import snapshot_actions
from cinder.api.openstack import api_version_request as api_version
from cinder.db import api as db_api
from cinder.volume import volume_types
from cinder_nfs import admin_context

from assisted_kit.db.references import NotFound

HOST = "storage@shares"
"""The service; its volumes' host has the name of a pool appended."""


class CinderService:
    """Cinder 29's volume service with one driver.

    :param driver: one of Cinder's.
    :param nova: what the driver asks for snapshots of attached volumes.
    """

    def __init__(self, driver, nova) -> None:
        self.driver = driver
        self.driver._nova = nova
        self.context = admin_context()
        self._actions = snapshot_actions.SnapshotActionsController()

    def close(self) -> None:
        """Nothing is left to be ended."""

    # -- what Nova reads and reports

    @property
    def references(self):
        """Volumes and snapshots by their ids, as Nova asks for them."""
        return self

    @property
    def snapshots(self):
        """Snapshots, as Nova asks for their status."""
        return self

    def attachment(self, attachment_id):
        """An attachment, as an object of Cinder's."""
        try:
            return objects.VolumeAttachment.get_by_id(
                self.context, attachment_id
            )
        except exception.VolumeAttachmentNotFound as error:
            raise NotFound(str(error)) from error

    def volume(self, volume_id):
        """A volume, as an object of Cinder's."""
        try:
            return objects.Volume.get_by_id(self.context, volume_id)
        except exception.VolumeNotFound as error:
            raise NotFound(str(error)) from error

    def snapshot(self, snapshot_id):
        """A snapshot, as an object of Cinder's."""
        try:
            return objects.Snapshot.get_by_id(self.context, snapshot_id)
        except exception.SnapshotNotFound as error:
            raise NotFound(str(error)) from error

    def update_snapshot_status(self, context, snapshot_id, body):
        """``os-update_snapshot_status``, of Cinder's own controller."""
        request = types.SimpleNamespace(
            environ={"cinder.context": self.context},
            api_version_request=api_version.max_api_version(),
        )
        answer = self._actions._update_snapshot_status(
            request, snapshot_id, body=body
        )
        return answer.status_int

    # -- volumes

    def create_volume(self, **fields) -> str:
        """Create an empty volume of 1 GiB."""
        volume = self._new_volume(**fields)
        self._made(volume, self.driver.create_volume(volume))
        return volume.id

    def volume_from(self, snapshot_id: str) -> str:
        """Create a volume from a snapshot."""
        snapshot = self.snapshot(snapshot_id)
        volume = self._new_volume(
            size=snapshot.volume.size, snapshot_id=snapshot_id
        )
        self._made(
            volume, self.driver.create_volume_from_snapshot(volume, snapshot)
        )
        return volume.id

    def extend(self, volume_id: str, size: int) -> None:
        """Grow a volume to ``size`` GiB."""
        volume = self.volume(volume_id)
        self.driver.extend_volume(volume, size)
        volume.size = size
        volume.save()

    def delete_volume(self, volume_id: str) -> None:
        """Delete a volume and its row."""
        volume = self.volume(volume_id)
        self.driver.delete_volume(volume)
        volume.destroy()

    def migrate(self, volume_id: str) -> None:
        """Move a volume as the end of a migration on the same share does.

        Its files have the name of another id from then on.
        """
        source = self.volume(volume_id)
        target = self.volume(self.create_volume())
        moved = Path(self.driver.local_path(target))
        # What a copy of everything would come to.
        Path(self.driver.local_path(source)).replace(moved)
        update = self.driver.update_migrated_volume(
            self.context, source, target, "in-use"
        )
        self.driver.delete_volume(source)
        source.update(update)
        source.save()
        target.destroy()
        found = Path(self.driver.local_path(self.volume(volume_id)))
        assert found == moved

    def connection(self, volume_id: str):
        """The driver's connection information, flat."""
        answer = self.driver.initialize_connection(
            self.volume(volume_id), {"host": "kit"}
        )
        return {
            "driver_volume_type": answer["driver_volume_type"],
            **answer["data"],
        }

    def attach(self, volume_id: str, *, instance_uuid: str, connector):
        """Attach a volume; returns the attachment."""
        volume = self.volume(volume_id)
        attachment = volume.begin_attach("rw")
        attachment.connector = dict(connector)
        attachment.connection_info = self.connection(volume_id)
        attachment.save()
        attachment.finish_attach(
            instance_uuid, connector["host"], connector["mountpoint"]
        )
        (attachment,) = self.volume(volume_id).volume_attachment
        return attachment

    def detach(self, volume_id: str, attachment) -> None:
        """Detach a volume."""
        volume = self.volume(volume_id)
        self.driver.terminate_connection(volume, attachment.connector)
        volume.finish_detach(attachment.id)

    def _new_volume(self, size: int = 1, **fields):
        default = volume_types.get_default_volume_type(self.context)
        volume = objects.Volume(
            self.context,
            size=size,
            status="creating",
            attach_status="detached",
            host=f"{HOST}#pool",
            user_id="ab",
            project_id="ab",
            volume_type_id=default["id"],
            **fields,
        )
        volume.create()
        return volume

    def _made(self, volume, update) -> None:
        volume.update(update or {})
        volume.status = "available"
        volume.save()

    # -- snapshots

    def accept_snapshot(self, volume_id: str) -> str:
        """The API's part of a create; returns the snapshot's id."""
        volume = self.volume(volume_id)
        snapshot = objects.Snapshot(
            self.context,
            volume_id=volume_id,
            status="creating",
            progress="0%",
            volume_size=volume.size,
            user_id=volume.user_id,
            project_id=volume.project_id,
            volume_type_id=volume.volume_type_id,
            metadata={"purpose": "upgrade"},
        )
        snapshot.create()
        return snapshot.id

    def take_snapshot(self, snapshot_id: str) -> None:
        """The manager's part: whatever the driver raises ends in error."""
        snapshot = self.snapshot(snapshot_id)
        try:
            update = self.driver.create_snapshot(snapshot)
        except Exception:
            snapshot.status = "error"
            snapshot.save()
            return
        snapshot.update(update or {})
        snapshot.status = "available"
        snapshot.progress = "100%"
        snapshot.save()

    def delete_snapshot(self, snapshot_id: str, *, force=False) -> None:
        """Delete a snapshot; a driver that raises leaves its row."""
        snapshot = self.snapshot(snapshot_id)
        assert force or snapshot.status in ("available", "error")
        # The progress stays as it is: LIVE-1.
        snapshot.status = "deleting"
        snapshot.save()
        try:
            self.driver.delete_snapshot(snapshot)
        except Exception:
            snapshot.status = "error_deleting"
            snapshot.save()
            return
        snapshot.destroy()

    def status(self, snapshot_id: str) -> str:
        """A snapshot's status; ``deleted`` when there is no row."""
        try:
            return self.snapshot(snapshot_id).status
        except NotFound:
            return "deleted"

    def formats(self, volume_id: str):
        """The formats that are recorded for a volume."""
        recorded = self.volume(volume_id).admin_metadata
        return {
            key: value for key, value in recorded.items() if "format" in key
        }

    def record_format(self, volume_id: str, format_: str) -> None:
        """Record the format of a volume's base image."""
        volume = self.volume(volume_id)
        with volume.obj_as_admin():
            volume.admin_metadata["format"] = format_
            volume.save()

    def forget_formats(self, volume_id: str) -> None:
        """Make a volume one from before formats were recorded."""
        for key in self.formats(volume_id):
            db_api.volume_admin_metadata_delete(self.context, volume_id, key)

    def restart(self) -> None:
        """What a start does with snapshots that are in flight."""
        for snapshot in objects.SnapshotList.get_all(
            self.context, {"status": "creating"}
        ):
            snapshot.status = "error"
            snapshot.save()
