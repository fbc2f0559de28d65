# SPDX-License-Identifier: Apache-2.0
"""The ordinary operations around snapshots: volumes and attachments.

They call what every Cinder driver has, in order with the snapshots of the
same volume (contract section 4).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from assisted_kit.db.database import Database
from assisted_kit.db.starts import NotAllowed
from assisted_kit.manager.chains import ChainQueue
from assisted_kit.manager.connections import to_be_stored
from assisted_kit.manager.gates import Gates
from assisted_kit.manager.temporary import DISPLAY_NAME
from assisted_kit.manager.temporary import TemporarySnapshots
from assisted_kit.refs import AttachmentRef
from assisted_kit.refs import VolumeRef

_UPDATE_FIELDS = frozenset(
    {"provider_location", "provider_id", "provider_auth"}
)

EXTENDING = "extending"
"""The status of a volume while it is extended."""

COPIED_FROM = ("available", "backing-up", "restoring")
"""Statuses of snapshots that a volume is created from (bug 1888951)."""


class VolumeOperations:
    """Create, extend, delete, attach and detach volumes.

    :param assisted: false for a legacy driver, which clones an attached
        volume by itself.
    """

    def __init__(
        self,
        driver: Any,
        database: Database,
        *,
        queue: ChainQueue,
        gates: Gates,
        snapshots: TemporarySnapshots,
        assisted: bool,
        host: str,
        context: Any,
    ) -> None:
        self._driver = driver
        self._database = database
        self._queue = queue
        self._gates = gates
        self._snapshots = snapshots
        self._assisted = assisted
        self._host = host
        self._context = context

    def ref(self, volume_id: str) -> VolumeRef:
        """The volume, as ordinary methods of a driver get it."""
        return self._database.references.volume(
            volume_id, context=self._context, writable=True
        )

    def attachments(self, volume_id: str) -> list[AttachmentRef]:
        """What a volume is attached to, as it is stored."""
        return self._database.references.attachments(
            volume_id, context=self._context
        )

    @contextlib.contextmanager
    def exclusively(self, volume_id: str) -> Iterator[VolumeRef]:
        """The volume, its chain ours for the body and nobody attaching it.

        Waits in order for the chain (section 4).

        :raises NotFound: there is no such volume.
        :raises ManagerStopped: before the chain was free.
        """
        # Nobody waits for what is not there.
        self.ref(volume_id)
        with self._queue.hold(volume_id), self._gates.of(volume_id):
            yield self.ref(volume_id)

    def create(self, size: int, **fields: Any) -> VolumeRef:
        """Create an empty volume of ``size`` GiB."""
        return self._make(
            size, lambda volume: self._driver.create_volume(volume), fields
        )

    def create_from_snapshot(
        self, snapshot_id: str, *, size: int | None = None, **fields: Any
    ) -> VolumeRef:
        """Create a volume that holds what a snapshot holds.

        :param size: in GiB, the snapshot's or more.
        :raises NotFound: there is no such snapshot.
        :raises NotAllowed: its status does not admit it.
        """
        status = self._snapshot(snapshot_id).status
        if status not in COPIED_FROM:
            raise NotAllowed(
                f"snapshot {snapshot_id} is {status}: a volume is created "
                f"from one that is {' or '.join(COPIED_FROM)}"
            )
        fields = {"snapshot_id": snapshot_id, **fields}
        return self.copy(snapshot_id, fields, size=size)

    def clone(
        self,
        source_id: str,
        *,
        size: int | None = None,
        temporary_name: str | None = DISPLAY_NAME,
        **fields: Any,
    ) -> VolumeRef:
        """Create a volume that holds what another one holds.

        An attached source is copied from a temporary snapshot
        (section 1).

        :param size: in GiB, the source's or more.
        :param temporary_name: the display name of that snapshot.
        :raises NotFound: there is no such volume.
        :raises TemporarySnapshotFailed: that snapshot could not be taken.
        """
        fields = {"source_volid": source_id, **fields}
        with self.exclusively(source_id) as source:
            if not self._assisted or source.attach_status != "attached":
                return self._make(
                    size or source.size,
                    lambda volume: self._driver.create_cloned_volume(
                        volume, source
                    ),
                    fields,
                )
        with self._snapshots.of(source_id, temporary_name) as snapshot_id:
            return self.copy(snapshot_id, fields, size=size)

    def copy(
        self,
        snapshot_id: str,
        fields: Mapping[str, Any],
        *,
        size: int | None = None,
        status: str = "available",
    ) -> VolumeRef:
        """Create a volume from a snapshot for another operation.

        :param fields: columns of the new row.
        :param size: in GiB, the snapshot's unless it is given.
        :param status: what the volume is afterwards.
        """
        snapshot = self._snapshot(snapshot_id)
        with self._queue.hold(snapshot.volume_id):
            return self._make(
                size or snapshot.volume_size,
                lambda volume: self._driver.create_volume_from_snapshot(
                    volume, self._snapshot(snapshot_id)
                ),
                fields,
                status=status,
            )

    def extend(self, volume_id: str, new_size: int) -> None:
        """Grow a volume to ``new_size`` GiB.

        :raises NotFound: there is no such volume.
        """
        with self.exclusively(volume_id) as volume:
            # What the API sets, whether or not the volume is attached; here
            # who comes meanwhile waits, and is not refused.
            before, volume.status = volume.status, EXTENDING
            try:
                self._driver.extend_volume(volume, new_size)
            finally:
                # A driver that saves what it was handed has saved that too.
                if self.ref(volume_id).status == EXTENDING:
                    self._database.volumes.update(
                        volume_id, {"status": before}
                    )
            self._database.volumes.update(volume_id, {"size": new_size})

    def delete(self, volume_id: str, *, lent: bool = False) -> None:
        """Delete a volume and its row.

        :param lent: by whoever has it as a temporary one.
        :raises NotFound: there is no such volume.
        :raises NotAllowed: it is attached, has snapshots, or another
            operation works with it.
        """
        with self.exclusively(volume_id):
            self._database.volumes.begin_delete(volume_id, lent=lent)
            try:
                self._driver.delete_volume(self.ref(volume_id))
            except BaseException:
                self._database.volumes.update(
                    volume_id, {"status": "error_deleting"}
                )
                raise
            self._database.volumes.destroy(volume_id)
        self._gates.forget(volume_id)

    def attach(
        self,
        volume_id: str,
        *,
        instance_uuid: str,
        connector: Mapping[str, Any],
    ) -> AttachmentRef:
        """Attach a volume to an instance.

        :raises NoConnectionInfo: what the driver returned cannot be stored.
        """
        with self._gates.of(volume_id):
            connection = self._driver.initialize_connection(
                self.ref(volume_id), connector
            )
            attachment_id = self._database.volumes.attach(
                volume_id,
                instance_uuid=instance_uuid,
                connector=connector,
                connection_info=to_be_stored(volume_id, connection),
            )
        return self._database.references.attachment(
            attachment_id, context=self._context, writable=True
        )

    def detach(self, volume_id: str, attachment: AttachmentRef) -> None:
        """Detach a volume from an instance."""
        with self._gates.of(volume_id):
            self._driver.terminate_connection(
                self.ref(volume_id), attachment.connector
            )
            self._database.volumes.detach(volume_id, attachment.id)

    def _snapshot(self, snapshot_id: str) -> Any:
        return self._database.references.snapshot(
            snapshot_id, context=self._context, writable=True
        )

    def _make(
        self,
        size: int,
        create: Any,
        fields: Mapping[str, Any],
        *,
        status: str = "available",
    ) -> VolumeRef:
        volume_id = self._database.volumes.create(
            size, host=self._host, **fields
        )
        try:
            update = create(self.ref(volume_id)) or {}
        except BaseException:
            self._database.volumes.update(volume_id, {"status": "error"})
            raise
        self._database.volumes.update(
            volume_id,
            {
                "status": status,
                **{
                    key: value
                    for key, value in update.items()
                    if key in _UPDATE_FIELDS
                },
            },
            admin_metadata=update.get("admin_metadata"),
        )
        return self.ref(volume_id)
