# SPDX-License-Identifier: Apache-2.0
"""State changes of snapshots: each one transaction, write first.

Contract section 4: a phase changes by compare-and-swap.  Every transaction
begins by updating the snapshot's own row, so whoever comes second waits
there (or, with SQLite, at the file's write lock) and then sees what the
first one did.  A transaction that read before it wrote would end in
"database is locked" with SQLite, and in a stale answer with the others.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from assisted_kit.clock import Clock
from assisted_kit.db import rows
from assisted_kit.db.claims import delete_claim
from assisted_kit.db.claims import holds_claim
from assisted_kit.db.engine import retry_on_contention
from assisted_kit.db.references import NotFound
from assisted_kit.errors import AssistedKitError
from assisted_kit.lifecycle import Phase
from assisted_kit.lifecycle import STARTING_PROGRESS
from assisted_kit.lifecycle import Status
from assisted_kit.lifecycle import status_before_delete
from assisted_kit.updates import ModelUpdate

PHASE = "manager:phase"
ATTEMPT = "manager:attempt"
DEADLINE = "manager:deadline"
COMPUTE_CALL = "manager:compute_call"
COMPUTE_TOLD_TO = "manager:compute_told_to"
COMPUTE_FAILED = "manager:compute_failed"
PREVIOUS_STATUS = "manager:previous_status"
SNAPSHOT_STATUS = "snapshot_status"
COMPUTE_PROGRESS = "compute_progress"

EARLIER_ATTEMPT = (
    SNAPSHOT_STATUS,
    COMPUTE_PROGRESS,
    "delete_info:type",
    "delete_info:file_to_merge",
    "delete_info:merge_target_file",
)
"""What entering the phase ``begin`` removes (section 2)."""


class NotAllowed(AssistedKitError):
    """The snapshot's status does not admit what was asked for."""


class _Lost(Exception):
    """The compare of a compare-and-swap did not hold."""


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """One operation on one snapshot, by one process."""

    snapshot_id: str
    volume_id: str
    number: str
    """Grows with every operation begun on the snapshot."""


@dataclasses.dataclass(frozen=True, slots=True)
class InFlight:
    """A snapshot in flight, as found in the database."""

    attempt: Attempt
    status: str
    phase: Phase | None
    """None: a legacy driver's call was under way."""
    admin_metadata: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What a transition stores beside status and phase."""

    update: ModelUpdate = dataclasses.field(default_factory=ModelUpdate)
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    admin_metadata: Mapping[str, str | None] = dataclasses.field(
        default_factory=dict
    )
    connection_info: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    """By attachment id, the whole of it."""


class Snapshots:
    """Creation, state changes and removal of snapshot rows."""

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
    ) -> Attempt:
        """Start a new row in ``creating``, progress ``0%``.

        :param assisted: whether the driver has the hooks; a legacy
            driver's snapshots have no phase.
        :raises NotFound: there is no such volume.
        :raises NotAllowed: the volume is being deleted.
        """
        snapshot_id = str((fields or {}).get("id") or uuid.uuid4())

        @retry_on_contention
        def transaction() -> Attempt:
            now = self._now()
            volumes = rows.VOLUMES
            inherited = (
                "size",
                "user_id",
                "project_id",
                "volume_type_id",
                "encryption_key_id",
            )
            with self._engine.begin() as connection:
                # A write first, and one that a concurrent deletion of the
                # volume cannot slip past.
                touched = connection.execute(
                    sa.update(volumes)
                    .where(volumes.c.id == volume_id, rows.live(volumes))
                    .values(updated_at=now)
                )
                if not rows.changed(touched):
                    raise NotFound(f"volume {volume_id} could not be found")
                volume = (
                    connection.execute(
                        sa.select(
                            volumes.c.status,
                            *(volumes.c[name] for name in inherited),
                        ).where(volumes.c.id == volume_id)
                    )
                    .mappings()
                    .one()
                )
                values = dict(volume)
                if values.pop("status") == Status.DELETING:
                    raise NotAllowed(f"volume {volume_id} is being deleted")
                values["volume_size"] = values.pop("size")
                values.update(fields or {})
                values.update(
                    id=snapshot_id,
                    volume_id=volume_id,
                    status=str(Status.CREATING),
                    progress=STARTING_PROGRESS,
                    created_at=now,
                    deleted=False,
                )
                connection.execute(sa.insert(rows.SNAPSHOTS).values(values))
                rows.merge_pairs(
                    connection,
                    rows.SNAPSHOT_METADATA,
                    {"snapshot_id": snapshot_id},
                    metadata or {},
                    now,
                )
                self._enter_begin(
                    connection, snapshot_id, volume_id, "1", assisted, now
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
                if not force and was not in (
                    Status.AVAILABLE,
                    Status.ERROR,
                ):
                    raise NotAllowed(
                        f"snapshot {snapshot_id} is {was}: only an "
                        f"available or error snapshot can be deleted, "
                        f"any other with os-force_delete"
                    )
                stored = _admin_metadata(connection, snapshot_id)
                number = str(int(stored.get(ATTEMPT, "0")) + 1)
                connection.execute(
                    sa.update(rows.SNAPSHOTS)
                    .where(rows.SNAPSHOTS.c.id == snapshot_id)
                    .values(
                        status=str(Status.DELETING),
                        progress=STARTING_PROGRESS,
                        updated_at=now,
                    )
                )
                rows.merge_snapshot_admin_metadata(
                    connection,
                    snapshot_id,
                    row["volume_id"],
                    {PREVIOUS_STATUS: status_before_delete(was)},
                    now,
                )
                _store_connection_info(connection, connection_info or {}, now)
                self._enter_begin(
                    connection,
                    snapshot_id,
                    row["volume_id"],
                    number,
                    assisted,
                    now,
                )
            return Attempt(snapshot_id, row["volume_id"], number)

        return transaction()

    def move(
        self,
        attempt: Attempt,
        owner: str,
        start: tuple[str, Phase | None],
        end: tuple[str, Phase | None],
        change: Change | None = None,
        *,
        release: bool = False,
        expect: Mapping[str, str | None] | None = None,
    ) -> bool:
        """Compare status, phase, attempt and claim, and swap.

        :param owner: the process that holds the claim.
        :param release: give the claim up in the same transaction.
        :param expect: admin metadata that must be stored as given, None
            for absent.
        :returns: false when the compare failed; nothing changed then.
        """
        change = change or Change()

        @retry_on_contention
        def transaction() -> bool:
            now = self._now()
            try:
                with self._engine.begin() as connection:
                    self._swap(
                        connection,
                        attempt.snapshot_id,
                        start,
                        end,
                        {**change.update.fields, **change.fields},
                        {ATTEMPT: attempt.number, **(expect or {})},
                        attempt.volume_id,
                        now,
                    )
                    held = (delete_claim if release else holds_claim)(
                        connection, attempt.volume_id, owner
                    )
                    if not held:
                        raise _Lost
                    self._store(connection, attempt, change, now)
                    if end[0] == Status.DELETED:
                        _destroy(connection, attempt.snapshot_id, now)
            except _Lost:
                return False
            return True

        return transaction()

    def report(
        self,
        snapshot_id: str,
        volume_id: str,
        start: tuple[str, Phase | None],
        end: tuple[str, Phase | None],
        *,
        progress: str | None,
        admin_metadata: Mapping[str, str | None],
        expect: Mapping[str, str | None],
    ) -> bool:
        """Store a report and move the phase, in one transaction.

        It is the status API's half of the compare-and-swap: whoever holds
        the claim does not matter here.

        :returns: false when the compare failed; nothing changed then.
        """

        @retry_on_contention
        def transaction() -> bool:
            now = self._now()
            fields = {} if progress is None else {"progress": progress}
            try:
                with self._engine.begin() as connection:
                    self._swap(
                        connection,
                        snapshot_id,
                        start,
                        end,
                        fields,
                        expect,
                        volume_id,
                        now,
                    )
                    rows.merge_snapshot_admin_metadata(
                        connection,
                        snapshot_id,
                        volume_id,
                        admin_metadata,
                        now,
                    )
            except _Lost:
                return False
            return True

        return transaction()

    def in_flight(
        self, snapshot_id: str | None = None, *, host: str | None = None
    ) -> list[InFlight]:
        """Snapshots in ``creating`` or ``deleting``, oldest first.

        :param snapshot_id: this one only.
        :param host: those of volumes on this host only.
        """
        table = rows.SNAPSHOTS
        statement = sa.select(
            table.c.id, table.c.volume_id, table.c.status
        ).where(
            rows.live(table),
            table.c.status.in_([str(Status.CREATING), str(Status.DELETING)]),
        )
        if snapshot_id is not None:
            statement = statement.where(table.c.id == snapshot_id)
        if host is not None:
            volumes = rows.VOLUMES
            # Cinder appends the name of a pool.
            statement = statement.join(
                volumes, volumes.c.id == table.c.volume_id
            ).where(
                sa.or_(
                    volumes.c.host == host,
                    volumes.c.host.startswith(f"{host}#", autoescape=True),
                )
            )
        with self._engine.connect() as connection:
            found = connection.execute(
                statement.order_by(table.c.created_at, table.c.id)
            ).all()
            stored = rows.pairs_of(
                connection,
                rows.SNAPSHOT_ADMIN_METADATA,
                "snapshot_id",
                [row[0] for row in found],
            )
        return [
            InFlight(
                Attempt(id_, volume_id, stored[id_].get(ATTEMPT, "0")),
                status,
                Phase(stored[id_][PHASE]) if PHASE in stored[id_] else None,
                stored[id_],
            )
            for id_, volume_id, status in found
        ]

    def status(self, snapshot_id: str) -> str:
        """The status that is stored; ``deleted`` when the row is gone."""
        table = rows.SNAPSHOTS
        with self._engine.connect() as connection:
            found = connection.execute(
                sa.select(table.c.status).where(
                    table.c.id == snapshot_id, rows.live(table)
                )
            ).scalar()
        return Status.DELETED if found is None else str(found)

    def _now(self) -> datetime.datetime:
        return rows.utc(self._clock.now())

    def _touch(
        self,
        connection: sa.Connection,
        snapshot_id: str,
        now: datetime.datetime,
    ) -> None:
        table = rows.SNAPSHOTS
        touched = connection.execute(
            sa.update(table)
            .where(table.c.id == snapshot_id, rows.live(table))
            .values(updated_at=now)
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
    ) -> None:
        pairs: dict[str, str | None] = dict.fromkeys(EARLIER_ATTEMPT)
        pairs[DEADLINE] = None
        pairs[ATTEMPT] = number
        pairs[PHASE] = Phase.BEGIN if assisted else None
        rows.merge_snapshot_admin_metadata(
            connection, snapshot_id, volume_id, pairs, now
        )

    def _swap(
        self,
        connection: sa.Connection,
        snapshot_id: str,
        start: tuple[str, Phase | None],
        end: tuple[str, Phase | None],
        fields: Mapping[str, Any],
        expect: Mapping[str, str | None],
        volume_id: str,
        now: datetime.datetime,
    ) -> None:
        table = rows.SNAPSHOTS
        swapped = connection.execute(
            sa.update(table)
            .where(
                table.c.id == snapshot_id,
                table.c.status == str(start[0]),
                rows.live(table),
            )
            .values({**fields, "status": str(end[0]), "updated_at": now})
        )
        if not rows.changed(swapped):
            raise _Lost
        # The row is ours until the transaction ends, so what is read from
        # here on is what the last writer left.
        stored = _admin_metadata(connection, snapshot_id)
        for key, value in {PHASE: start[1], **expect}.items():
            if stored.get(key) != value:
                raise _Lost
        if start[1] != end[1]:
            pairs: dict[str, str | None] = {PHASE: end[1]}
            if end[1] is None:
                pairs[DEADLINE] = None
            rows.merge_snapshot_admin_metadata(
                connection, snapshot_id, volume_id, pairs, now
            )

    def _store(
        self,
        connection: sa.Connection,
        attempt: Attempt,
        change: Change,
        now: datetime.datetime,
    ) -> None:
        rows.merge_pairs(
            connection,
            rows.SNAPSHOT_METADATA,
            {"snapshot_id": attempt.snapshot_id},
            change.update.metadata,
            now,
        )
        rows.merge_snapshot_admin_metadata(
            connection,
            attempt.snapshot_id,
            attempt.volume_id,
            {
                **change.update.snapshot_admin_metadata,
                **change.admin_metadata,
            },
            now,
        )
        rows.merge_pairs(
            connection,
            rows.VOLUME_ADMIN_METADATA,
            {"volume_id": attempt.volume_id},
            change.update.volume_admin_metadata,
            now,
        )
        _store_connection_info(connection, change.connection_info, now)


def _row(connection: sa.Connection, snapshot_id: str) -> dict[str, Any]:
    table = rows.SNAPSHOTS
    found = connection.execute(
        sa.select(table).where(table.c.id == snapshot_id)
    )
    return dict(found.mappings().one())


def _admin_metadata(
    connection: sa.Connection, snapshot_id: str
) -> dict[str, str]:
    return rows.pairs_of(
        connection,
        rows.SNAPSHOT_ADMIN_METADATA,
        "snapshot_id",
        [snapshot_id],
    )[snapshot_id]


def _store_connection_info(
    connection: sa.Connection,
    connection_info: Mapping[str, Mapping[str, Any]],
    now: datetime.datetime,
) -> None:
    for attachment_id, info in connection_info.items():
        connection.execute(
            sa.update(rows.ATTACHMENTS)
            .where(
                rows.ATTACHMENTS.c.id == attachment_id,
                rows.live(rows.ATTACHMENTS),
            )
            .values(connection_info=json.dumps(info), updated_at=now)
        )


def _destroy(
    connection: sa.Connection, snapshot_id: str, now: datetime.datetime
) -> None:
    gone = {"deleted": True, "deleted_at": now}
    for table in (rows.SNAPSHOT_METADATA, rows.SNAPSHOT_ADMIN_METADATA):
        connection.execute(
            sa.update(table)
            .where(table.c.snapshot_id == snapshot_id, rows.live(table))
            .values(gone)
        )
    connection.execute(
        sa.update(rows.SNAPSHOTS)
        .where(rows.SNAPSHOTS.c.id == snapshot_id)
        .values(gone)
    )
