# SPDX-License-Identifier: Apache-2.0
"""State changes of snapshots: each one transaction, write first.

Contract section 4: a phase changes by compare-and-swap.  Every transaction
begins by updating the snapshot's own row, so whoever comes second waits
there (or, with SQLite, at the file's write lock) and then sees what the
first one did.  A transaction that read before it wrote would end in
"database is locked" with SQLite, and in a stale answer with the others.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from assisted_kit.db import rows
from assisted_kit.db.claims import delete_claim
from assisted_kit.db.claims import holds_claim
from assisted_kit.db.engine import retry_on_contention
from assisted_kit.db.snapshot_values import ATTEMPT
from assisted_kit.db.snapshot_values import Attempt
from assisted_kit.db.snapshot_values import Change
from assisted_kit.db.snapshot_values import CINDERS
from assisted_kit.db.snapshot_values import DEADLINE
from assisted_kit.db.snapshot_values import InFlight
from assisted_kit.db.snapshot_values import PHASE
from assisted_kit.db.starts import SnapshotStarts
from assisted_kit.lifecycle import Phase
from assisted_kit.lifecycle import Status


class _Lost(Exception):
    """The compare of a compare-and-swap did not hold."""


class Snapshots(SnapshotStarts):
    """Creation, state changes and removal of snapshot rows."""

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
                        {ATTEMPT: attempt.stored, **(expect or {})},
                        attempt.volume_id,
                        now,
                        {
                            **change.update.snapshot_admin_metadata,
                            **change.admin_metadata,
                        },
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
                        admin_metadata,
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
        statement = _IN_FLIGHT if snapshot_id is None else _THIS_IN_FLIGHT
        if host is not None:
            statement = statement.join(
                rows.VOLUMES, rows.VOLUMES.c.id == rows.SNAPSHOTS.c.volume_id
            ).where(rows.of_host(host))
        with self._engine.connect() as connection:
            found = connection.execute(
                statement, {} if snapshot_id is None else {"id": snapshot_id}
            ).all()
        return [
            _in_flight(row, [pair[4:] for pair in pairs])
            for row, pairs in itertools.groupby(found, lambda row: row[:4])
        ]

    def status(self, snapshot_id: str) -> str:
        """The status that is stored; ``deleted`` when the row is gone."""
        with self._engine.connect() as connection:
            found = connection.execute(_STATUS, {"id": snapshot_id}).scalar()
        return Status.DELETED if found is None else str(found)

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
        admin_metadata: Mapping[str, str | None],
    ) -> None:
        swapped = connection.execute(
            rows.update_of_live(rows.SNAPSHOTS, "id", "status"),
            {
                "its_id": snapshot_id,
                "its_status": str(start[0]),
                **fields,
                "status": str(end[0]),
                "updated_at": now,
            },
        )
        if not rows.changed(swapped):
            raise _Lost
        # The row is ours until the transaction ends, so what is read from
        # here on is what the last writer left.
        stored = rows.stored_admin_metadata(connection, snapshot_id)
        for key, value in {PHASE: start[1], **expect}.items():
            if rows.live_value(stored, key) != value:
                raise _Lost
        pairs = dict(admin_metadata)
        if start[1] != end[1]:
            pairs[PHASE] = end[1]
            if end[1] is None:
                pairs[DEADLINE] = None
        rows.merge_snapshot_admin_metadata(
            connection, snapshot_id, volume_id, pairs, now, stored
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
        rows.merge_pairs(
            connection,
            rows.VOLUME_ADMIN_METADATA,
            {"volume_id": attempt.volume_id},
            change.update.volume_admin_metadata,
            now,
        )
        rows.store_connection_info(connection, change.connection_info, now)


def _destroy(
    connection: sa.Connection, snapshot_id: str, now: datetime.datetime
) -> None:
    gone = {"deleted": True, "deleted_at": now}
    for table in (rows.SNAPSHOT_METADATA, rows.SNAPSHOT_ADMIN_METADATA):
        connection.execute(
            rows.update_of_live(table, "snapshot_id"),
            {"its_snapshot_id": snapshot_id, **gone},
        )
    connection.execute(
        rows.update_of(rows.SNAPSHOTS, "id"), {"its_id": snapshot_id, **gone}
    )


def _in_flight(row: Sequence[Any], pairs: Sequence[Sequence[Any]]) -> InFlight:
    id_, volume_id, status, owner = row
    # An outer join has a row without a key where there are no pairs.
    stored = {key: value for key, value in pairs if key is not None}
    return InFlight(
        Attempt(id_, volume_id, stored.get(ATTEMPT, CINDERS)),
        status,
        Phase(stored[PHASE]) if PHASE in stored else None,
        stored,
        owner,
    )


_ID: sa.BindParameter[str] = sa.bindparam("id")
_IN_FLIGHT = (
    sa.select(
        rows.SNAPSHOTS.c.id,
        rows.SNAPSHOTS.c.volume_id,
        rows.SNAPSHOTS.c.status,
        rows.CLAIMS.c.owner,
        rows.SNAPSHOT_ADMIN_METADATA.c.key,
        rows.SNAPSHOT_ADMIN_METADATA.c.value,
    )
    .select_from(
        rows.SNAPSHOTS.outerjoin(
            rows.CLAIMS, rows.CLAIMS.c.volume_id == rows.SNAPSHOTS.c.volume_id
        ).outerjoin(
            rows.SNAPSHOT_ADMIN_METADATA,
            sa.and_(
                rows.SNAPSHOT_ADMIN_METADATA.c.snapshot_id
                == rows.SNAPSHOTS.c.id,
                rows.live(rows.SNAPSHOT_ADMIN_METADATA),
            ),
        )
    )
    .where(
        rows.live(rows.SNAPSHOTS),
        rows.SNAPSHOTS.c.status.in_(
            [str(Status.CREATING), str(Status.DELETING)]
        ),
    )
    .order_by(rows.SNAPSHOTS.c.created_at, rows.SNAPSHOTS.c.id)
)
_THIS_IN_FLIGHT = _IN_FLIGHT.where(rows.SNAPSHOTS.c.id == _ID)
_STATUS = sa.select(rows.SNAPSHOTS.c.status).where(
    rows.SNAPSHOTS.c.id == _ID, rows.live(rows.SNAPSHOTS)
)
