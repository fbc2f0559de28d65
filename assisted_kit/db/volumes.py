# SPDX-License-Identifier: Apache-2.0
"""Rows of volumes and attachments: what is around the snapshots."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from assisted_kit.clock import Clock
from assisted_kit.db import rows
from assisted_kit.db.engine import retry_on_contention
from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import NotAllowed

DEFAULT_VOLUME_TYPE = "00000000-0000-0000-0000-000000000000"
"""Cinder's column is NOT NULL; the kit has no table of volume types."""

WORKED_WITH = ("backing-up", "reverting", "uploading")
"""Statuses of volumes that are not deleted: an operation has them."""


class Volumes:
    """Creation, change and removal of volume and attachment rows."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def create(self, size: int, **fields: Any) -> str:
        """Insert a volume in ``creating``; returns its id.

        :param size: GiB.
        """
        volume_id = str(fields.pop("id", None) or uuid.uuid4())
        values = {
            "status": "creating",
            "attach_status": "detached",
            "volume_type_id": DEFAULT_VOLUME_TYPE,
            **fields,
            "id": volume_id,
            "size": size,
            "created_at": rows.utc(self._clock.now()),
            "deleted": False,
        }

        @retry_on_contention
        def transaction() -> None:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(rows.VOLUMES), values)

        transaction()
        return volume_id

    def update(
        self,
        volume_id: str,
        fields: Mapping[str, Any],
        *,
        admin_metadata: Mapping[str, str | None] | None = None,
    ) -> None:
        """Set columns of a volume and merge admin metadata into it."""

        @retry_on_contention
        def transaction() -> None:
            now = rows.utc(self._clock.now())
            with self._engine.begin() as connection:
                connection.execute(
                    rows.update_of(rows.VOLUMES, "id"),
                    {"its_id": volume_id, **fields, "updated_at": now},
                )
                rows.merge_pairs(
                    connection,
                    rows.VOLUME_ADMIN_METADATA,
                    {"volume_id": volume_id},
                    admin_metadata or {},
                    now,
                )

        transaction()

    def begin_delete(self, volume_id: str, *, lent: bool = False) -> None:
        """Take a volume into ``deleting``: no snapshot of it starts then.

        :param lent: by whoever has it as a temporary one.
        :raises NotFound: there is no such volume.
        :raises NotAllowed: it is attached, has snapshots, or another
            operation works with it.
        """

        @retry_on_contention
        def transaction() -> None:
            volumes, snapshots = rows.VOLUMES, rows.SNAPSHOTS
            with self._engine.begin() as connection:
                # A write first, as when a snapshot starts: whoever comes
                # second sees what the first one did.
                marked = connection.execute(
                    sa.update(volumes)
                    .where(volumes.c.id == volume_id, rows.live(volumes))
                    # In this order: MySQL assigns from left to right.
                    .ordered_values(
                        (volumes.c.previous_status, volumes.c.status),
                        (volumes.c.status, "deleting"),
                        (volumes.c.updated_at, rows.utc(self._clock.now())),
                    )
                )
                if not rows.changed(marked):
                    raise NotFound(f"volume {volume_id} could not be found")
                was = connection.execute(
                    sa.select(
                        volumes.c.previous_status, volumes.c.attach_status
                    ).where(volumes.c.id == volume_id)
                ).one()
                if was.attach_status == "attached":
                    raise NotAllowed(f"volume {volume_id} is attached")
                if was.previous_status in WORKED_WITH and not lent:
                    raise NotAllowed(
                        f"volume {volume_id} is {was.previous_status}"
                    )
                left = connection.execute(
                    sa.select(snapshots.c.id).where(
                        snapshots.c.volume_id == volume_id,
                        rows.live(snapshots),
                    )
                ).first()
                if left is not None:
                    raise NotAllowed(
                        f"volume {volume_id} has snapshots, {left.id} say"
                    )

        transaction()

    def destroy(self, volume_id: str) -> None:
        """Mark a volume and what belongs to it deleted."""

        @retry_on_contention
        def transaction() -> None:
            gone = {
                "deleted": True,
                "deleted_at": rows.utc(self._clock.now()),
            }
            with self._engine.begin() as connection:
                connection.execute(
                    rows.update_of(rows.VOLUMES, "id"),
                    {"its_id": volume_id, **gone, "status": "deleted"},
                )
                for table in (rows.VOLUME_ADMIN_METADATA, rows.ATTACHMENTS):
                    connection.execute(
                        rows.update_of_live(table, "volume_id"),
                        {"its_volume_id": volume_id, **gone},
                    )

        transaction()

    def attach(
        self,
        volume_id: str,
        *,
        instance_uuid: str,
        connector: Mapping[str, Any],
        connection_info: Mapping[str, Any],
    ) -> str:
        """Record an attachment; the volume is ``in-use`` afterwards."""
        attachment_id = str(uuid.uuid4())

        @retry_on_contention
        def transaction() -> None:
            now = rows.utc(self._clock.now())
            with self._engine.begin() as connection:
                connection.execute(
                    rows.update_of(rows.VOLUMES, "id"),
                    {
                        "its_id": volume_id,
                        "status": "in-use",
                        "attach_status": "attached",
                        "updated_at": now,
                    },
                )
                connection.execute(
                    sa.insert(rows.ATTACHMENTS),
                    {
                        "id": attachment_id,
                        "volume_id": volume_id,
                        "instance_uuid": instance_uuid,
                        "attached_host": connector.get("host"),
                        "attach_status": "attached",
                        "attach_mode": "rw",
                        "attach_time": now,
                        "connector": json.dumps(dict(connector)),
                        "connection_info": json.dumps(dict(connection_info)),
                        "created_at": now,
                        "deleted": False,
                    },
                )

        transaction()
        return attachment_id

    def detach(self, volume_id: str, attachment_id: str) -> None:
        """Remove an attachment; the last one makes it ``available``."""

        @retry_on_contention
        def transaction() -> None:
            now = rows.utc(self._clock.now())
            table = rows.ATTACHMENTS
            with self._engine.begin() as connection:
                connection.execute(
                    rows.update_of(table, "id"),
                    {
                        "its_id": attachment_id,
                        "deleted": True,
                        "deleted_at": now,
                        "detach_time": now,
                        "attach_status": "detached",
                    },
                )
                left = connection.execute(
                    sa.select(sa.func.count()).where(
                        table.c.volume_id == volume_id, rows.live(table)
                    )
                ).scalar()
                if not left:
                    connection.execute(
                        rows.update_of(rows.VOLUMES, "id"),
                        {
                            "its_id": volume_id,
                            "status": "available",
                            "attach_status": "detached",
                            "updated_at": now,
                        },
                    )

        transaction()
