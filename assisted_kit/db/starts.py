# SPDX-License-Identifier: Apache-2.0
"""Starting a create or a delete: into ``creating`` or ``deleting``."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from assisted_kit.clock import Clock
from assisted_kit.db import rows
from assisted_kit.db.engine import retry_on_contention
from assisted_kit.db.references import NotFound
from assisted_kit.db.snapshot_values import ATTEMPT
from assisted_kit.db.snapshot_values import Attempt
from assisted_kit.db.snapshot_values import DEADLINE
from assisted_kit.db.snapshot_values import EARLIER_ATTEMPT
from assisted_kit.db.snapshot_values import PHASE
from assisted_kit.db.snapshot_values import PREVIOUS_STATUS
from assisted_kit.errors import AssistedKitError
from assisted_kit.lifecycle import after
from assisted_kit.lifecycle import Event
from assisted_kit.lifecycle import Phase
from assisted_kit.lifecycle import STARTING_PROGRESS
from assisted_kit.lifecycle import State
from assisted_kit.lifecycle import Status
from assisted_kit.lifecycle import status_before_delete
from assisted_kit.lifecycle import TransitionError


class NotAllowed(AssistedKitError):
    """The snapshot's status does not admit what was asked for."""


class SnapshotStarts:
    """What the API asks for: snapshots to be created and deleted."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def begin_create(
        self,
        volume_id: str,
        *,
        assisted: bool,
        fields: Mapping[str, Any] | None = None,
        metadata: Mapping[str, str] | None = None,
        internal: bool = False,
    ) -> Attempt:
        """Start a new row in ``creating``, progress ``0%``.

        :param assisted: whether the driver has the hooks; a legacy
            driver's snapshots have no phase.
        :param internal: another operation takes it for itself: it counts
            for no quota (bug 1923828), and is taken of a volume that is
            being reverted too.  Its name says nothing (bug 1875570).
        :raises NotFound: there is no such volume.
        :raises NotAllowed: the volume is being deleted, or reverted.
        """
        snapshot_id = str((fields or {}).get("id") or uuid.uuid4())

        @retry_on_contention
        def transaction() -> Attempt:
            now = self._now()
            with self._engine.begin() as connection:
                # A write first, and one that a concurrent deletion of the
                # volume cannot slip past.
                touched = connection.execute(
                    rows.update_of_live(rows.VOLUMES, "id"),
                    {"its_id": volume_id, "updated_at": now},
                )
                if not rows.changed(touched):
                    raise NotFound(f"volume {volume_id} could not be found")
                volume = connection.execute(_INHERITED, {"id": volume_id})
                values = dict(volume.mappings().one())
                status = values.pop("status")
                if status == Status.DELETING:
                    raise NotAllowed(f"volume {volume_id} is being deleted")
                if status == "reverting" and not internal:
                    raise NotAllowed(f"volume {volume_id} is being reverted")
                values["volume_size"] = values.pop("size")
                values.update(fields or {})
                if internal:
                    values["use_quota"] = False
                values.update(
                    id=snapshot_id,
                    volume_id=volume_id,
                    status=str(Status.CREATING),
                    progress=STARTING_PROGRESS,
                    created_at=_after_the_others(connection, volume_id, now),
                    deleted=False,
                )
                connection.execute(sa.insert(rows.SNAPSHOTS), values)
                rows.merge_pairs(
                    connection,
                    rows.SNAPSHOT_METADATA,
                    {"snapshot_id": snapshot_id},
                    metadata or {},
                    now,
                )
                self._enter_begin(
                    connection, snapshot_id, volume_id, "1", assisted, now, {}
                )
            return Attempt(snapshot_id, volume_id, "1")

        return transaction()

    def begin_delete(
        self,
        snapshot_id: str,
        *,
        assisted: bool,
        force: bool = False,
        connection_info: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Attempt:
        """Take a snapshot into ``deleting``, progress ``0%``.

        :param force: from any status, instead of ``available`` and
            ``error`` only.
        :param connection_info: by attachment id, the whole of it.
        :raises NotFound: there is no such snapshot.
        :raises NotAllowed: the status does not admit it.
        """

        @retry_on_contention
        def transaction() -> Attempt:
            now = self._now()
            with self._engine.begin() as connection:
                self._touch(connection, snapshot_id, now)
                row = _row(connection, snapshot_id)
                was = row["status"]
                if not force and not may_be_deleted(was):
                    raise NotAllowed(
                        f"snapshot {snapshot_id} is {was}: only an "
                        f"available or error snapshot can be deleted, "
                        f"any other with os-force_delete"
                    )
                stored = rows.stored_admin_metadata(connection, snapshot_id)
                number = str(int(rows.live_value(stored, ATTEMPT) or "0") + 1)
                connection.execute(
                    rows.update_of(rows.SNAPSHOTS, "id"),
                    {
                        "its_id": snapshot_id,
                        "status": str(Status.DELETING),
                        "progress": STARTING_PROGRESS,
                        "updated_at": now,
                    },
                )
                rows.store_connection_info(
                    connection, connection_info or {}, now
                )
                self._enter_begin(
                    connection,
                    snapshot_id,
                    row["volume_id"],
                    number,
                    assisted,
                    now,
                    stored,
                    {PREVIOUS_STATUS: status_before_delete(was)},
                )
            return Attempt(snapshot_id, row["volume_id"], number)

        return transaction()

    def _touch(
        self,
        connection: sa.Connection,
        snapshot_id: str,
        now: datetime.datetime,
    ) -> None:
        touched = connection.execute(
            rows.update_of_live(rows.SNAPSHOTS, "id"),
            {"its_id": snapshot_id, "updated_at": now},
        )
        if not rows.changed(touched):
            raise NotFound(f"snapshot {snapshot_id} could not be found")

    def _enter_begin(
        self,
        connection: sa.Connection,
        snapshot_id: str,
        volume_id: str,
        number: str,
        assisted: bool,
        now: datetime.datetime,
        stored: Mapping[str, str | object],
        others: Mapping[str, str | None] | None = None,
    ) -> None:
        pairs: dict[str, str | None] = {
            **dict.fromkeys(EARLIER_ATTEMPT),
            **(others or {}),
        }
        pairs[DEADLINE] = None
        pairs[ATTEMPT] = number
        pairs[PHASE] = Phase.BEGIN if assisted else None
        rows.merge_snapshot_admin_metadata(
            connection, snapshot_id, volume_id, pairs, now, stored
        )

    def _now(self) -> datetime.datetime:
        return rows.utc(self._clock.now())


def _after_the_others(
    connection: sa.Connection, volume_id: str, now: datetime.datetime
) -> datetime.datetime:
    """A time that tells which of a volume's snapshots is the newest.

    The volume's row has been written to, so no other one starts meanwhile.
    Of several in one second some are dated later than now with MariaDB and
    MySQL, whose DATETIME, as Cinder has it, knows no fractions.
    """
    newest: datetime.datetime | None = connection.execute(
        _NEWEST, {"id": volume_id}
    ).scalar()
    if newest is None:
        return now
    step = (
        datetime.timedelta(seconds=1)
        if connection.dialect.name in ("mariadb", "mysql")
        else datetime.timedelta(microseconds=1)
    )
    return max(now, newest + step)


def _row(connection: sa.Connection, snapshot_id: str) -> dict[str, Any]:
    found = connection.execute(_SNAPSHOT, {"id": snapshot_id})
    return dict(found.mappings().one())


_ID: sa.BindParameter[str] = sa.bindparam("id")
_SNAPSHOT = sa.select(rows.SNAPSHOTS).where(rows.SNAPSHOTS.c.id == _ID)
_INHERITED = sa.select(
    *(
        rows.VOLUMES.c[name]
        for name in (
            "status",
            "size",
            "user_id",
            "project_id",
            "volume_type_id",
            "encryption_key_id",
        )
    )
).where(rows.VOLUMES.c.id == _ID)
_NEWEST = sa.select(sa.func.max(rows.SNAPSHOTS.c.created_at)).where(
    rows.SNAPSHOTS.c.volume_id == _ID, rows.live(rows.SNAPSHOTS)
)


def may_be_deleted(status: str) -> bool:
    """Whether a snapshot in this status is deleted without force."""
    try:
        after(State(Status(status)), Event.DELETE)
    except (ValueError, TransitionError):
        return False
    return True
