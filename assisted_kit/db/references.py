# SPDX-License-Identifier: Apache-2.0
"""Building references from rows, and storing what drivers save on them."""

from __future__ import annotations

import collections
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from assisted_kit import refs
from assisted_kit.clock import Clock
from assisted_kit.db import rows
from assisted_kit.db.engine import retry_on_contention
from assisted_kit.errors import AssistedKitError


class NotFound(AssistedKitError):
    """No live row with this id."""


class References:
    """Volumes and snapshots as drivers are handed them."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def volume(
        self, volume_id: str, *, context: Any = None, writable: bool = False
    ) -> refs.VolumeRef:
        """The volume with everything that hangs on it.

        :param writable: for ordinary methods and legacy drivers, which may
            ``save()``; a hook's reference is not.
        :raises NotFound: there is no such volume.
        """
        with self._engine.connect() as connection:
            found = self._volume(
                connection, _VOLUME, volume_id, context, writable
            )
        if found is None:
            raise _no_such_volume(volume_id)
        return found

    def _volume(
        self,
        connection: sa.Connection,
        statement: sa.Select[Any],
        its_id: str,
        context: Any,
        writable: bool,
    ) -> refs.VolumeRef | None:
        """The volume that a statement finds for an id."""
        saver = self if writable else None
        fields, attachments = _volume_and_attachments(
            connection, statement, its_id
        )
        if fields is None:
            return None
        pairs = self._pairs_of(connection, fields["id"])
        snapshots = self._snapshots_of(connection, fields["id"], pairs)
        volume = refs.VolumeRef(
            {
                **_with_pairs(fields, pairs),
                "snapshots": [
                    refs.SnapshotRef(row, obj_context=context, saver=saver)
                    for row in snapshots
                ],
                "volume_attachment": [
                    refs.AttachmentRef(row, obj_context=context, saver=saver)
                    for row in attachments
                ],
            },
            obj_context=context,
            saver=saver,
        )
        for snapshot in volume.snapshots:
            snapshot.bind(volume)
        return volume

    def snapshot(
        self,
        snapshot_id: str,
        *,
        context: Any = None,
        writable: bool = False,
    ) -> refs.SnapshotRef:
        """The snapshot, bound to its volume.

        :raises NotFound: there is no such snapshot, or it is deleted.
        """
        with self._engine.connect() as connection:
            volume = self._volume(
                connection, _VOLUME_OF_SNAPSHOT, snapshot_id, context, writable
            )
        for snapshot in volume.snapshots if volume is not None else ():
            if snapshot.id == snapshot_id:
                found: refs.SnapshotRef = snapshot
                return found
        raise NotFound(f"snapshot {snapshot_id} could not be found")

    def attachment(
        self,
        attachment_id: str,
        *,
        context: Any = None,
        writable: bool = False,
    ) -> refs.AttachmentRef:
        """One attachment, without its volume.

        :raises NotFound: there is no such attachment, or it is detached.
        """
        with self._engine.connect() as connection:
            found = _attachments(connection, _ATTACHMENT, attachment_id)
        if not found:
            raise NotFound(f"attachment {attachment_id} could not be found")
        return refs.AttachmentRef(
            found[0], obj_context=context, saver=self if writable else None
        )

    def attachments(
        self, volume_id: str, *, context: Any = None
    ) -> list[refs.AttachmentRef]:
        """What a volume is attached to, without the volume.

        :returns: none for a volume that is detached, or that is not there.
        """
        with self._engine.connect() as connection:
            found = _attachments(connection, _ATTACHMENTS_OF, volume_id)
        return [refs.AttachmentRef(row, obj_context=context) for row in found]

    def save(self, ref: refs.Ref, changes: Mapping[str, Any]) -> None:
        """Store what a driver changed on a reference."""

        @retry_on_contention
        def transaction() -> None:
            with self._engine.begin() as connection:
                self._save(connection, ref, dict(changes))

        transaction()

    def reload(self, ref: refs.Ref) -> Mapping[str, Any]:
        """The stored fields of a reference."""
        volume_id = (
            ref.id if isinstance(ref, refs.VolumeRef) else ref.volume_id
        )
        with self._engine.connect() as connection:
            match ref:
                case refs.VolumeRef():
                    fields, _ = _volume_and_attachments(
                        connection, _VOLUME, volume_id
                    )
                    if fields is None:
                        raise _no_such_volume(volume_id)
                    pairs = self._pairs_of(connection, volume_id)
                    return _with_pairs(fields, pairs)
                case refs.SnapshotRef():
                    pairs = self._pairs_of(connection, volume_id)
                    stored = self._snapshots_of(connection, volume_id, pairs)
                case _:
                    stored = _attachments(connection, _ATTACHMENT, ref.id)
        for row in stored:
            if row["id"] == ref.id:
                return row
        raise NotFound(f"{ref!r} could not be found")

    def _pairs_of(self, connection: sa.Connection, volume_id: str) -> _Pairs:
        """All key and value pairs of a volume and of its snapshots.

        They come in one answer: a volume is read so often that each further
        question is felt.
        """
        found: _Pairs = collections.defaultdict(dict)
        pairs = connection.execute(_PAIRS_OF_VOLUME, {"id": volume_id}).all()
        for part, owner, key, value in pairs:
            found[part, owner][key] = value
        return found

    def _snapshots_of(
        self, connection: sa.Connection, volume_id: str, pairs: _Pairs
    ) -> list[dict[str, Any]]:
        return [
            row | {part: pairs[part, row["id"]] for part in _PAIRS}
            for row in _rows(connection, _SNAPSHOTS_OF_VOLUME, volume_id)
        ]

    def _save(
        self,
        connection: sa.Connection,
        ref: refs.Ref,
        changes: dict[str, Any],
    ) -> None:
        now = rows.utc(self._clock.now())
        table, pairs_of, part = _WHERE_SAVED[type(ref)]
        pairs = changes.pop(part, None)
        for name in _JSON_COLUMNS & changes.keys():
            changes[name] = json.dumps(changes[name])
        connection.execute(
            rows.update_of(table, "id"),
            {"its_id": ref.id, **changes, "updated_at": now},
        )
        if pairs is not None and pairs_of is not None:
            # The whole mapping replaces what is there, as in Cinder.
            pairs_table, owner = pairs_of
            stored = rows.pairs_of(connection, pairs_table, owner, ref.id)
            gone = dict.fromkeys(stored.keys() - pairs.keys())
            rows.merge_pairs(
                connection,
                pairs_table,
                {owner: ref.id},
                {**gone, **pairs},
                now,
            )


def _no_such_volume(volume_id: str) -> NotFound:
    return NotFound(f"volume {volume_id} could not be found")


def _volume_and_attachments(
    connection: sa.Connection, statement: sa.Select[Any], its_id: str
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The volume that a statement finds for an id, and its attachments."""
    found = connection.execute(statement, {"id": its_id}).all()
    if not found:
        return None, []
    # An outer join has a row without an attachment where there is none.
    attachments = [
        dict(zip(_ATTACHMENT_NAMES, row[len(_VOLUME_NAMES) :], strict=True))
        for row in found
    ]
    return (
        dict(zip(_VOLUME_NAMES, found[0], strict=False)),
        [_parsed(each) for each in attachments if each["id"] is not None],
    )


def _with_pairs(fields: dict[str, Any], pairs: _Pairs) -> dict[str, Any]:
    return fields | {_VOLUME_PAIRS: pairs[_VOLUME_PAIRS, fields["id"]]}


def _parsed(attachment: dict[str, Any]) -> dict[str, Any]:
    return attachment | {
        name: json.loads(attachment[name] or "null") or {}
        for name in _JSON_COLUMNS
    }


def _attachments(
    connection: sa.Connection, statement: sa.Select[Any], its_id: str
) -> list[dict[str, Any]]:
    return [_parsed(row) for row in _rows(connection, statement, its_id)]


def _rows(
    connection: sa.Connection, statement: sa.Select[Any], its_id: str
) -> list[dict[str, Any]]:
    """What a statement finds for an id, by the columns' names."""
    result = connection.execute(statement, {"id": its_id})
    # An SQLAlchemy mapping is asked for each of its keys by itself.
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result.all()]


# Statements are built once: that takes longer than SQLite's answer.
_ID: sa.BindParameter[str] = sa.bindparam("id")
_VOLUMES = (
    sa.select(rows.VOLUMES, rows.ATTACHMENTS)
    .select_from(
        rows.VOLUMES.outerjoin(
            rows.ATTACHMENTS,
            sa.and_(
                rows.ATTACHMENTS.c.volume_id == rows.VOLUMES.c.id,
                rows.live(rows.ATTACHMENTS),
            ),
        )
    )
    .where(rows.live(rows.VOLUMES))
)
_VOLUME_NAMES = tuple(column.name for column in rows.VOLUMES.c)
_ATTACHMENT_NAMES = tuple(column.name for column in rows.ATTACHMENTS.c)
_VOLUME = _VOLUMES.where(rows.VOLUMES.c.id == _ID)
_VOLUME_OF_SNAPSHOT = _VOLUMES.where(
    rows.VOLUMES.c.id
    == sa.select(rows.SNAPSHOTS.c.volume_id)
    .where(rows.SNAPSHOTS.c.id == _ID, rows.live(rows.SNAPSHOTS))
    .scalar_subquery()
)
_SNAPSHOTS_OF_VOLUME = (
    sa.select(rows.SNAPSHOTS)
    .where(rows.SNAPSHOTS.c.volume_id == _ID, rows.live(rows.SNAPSHOTS))
    .order_by(rows.SNAPSHOTS.c.created_at, rows.SNAPSHOTS.c.id)
)
_VOLUME_PAIRS = "admin_metadata"
_PAIRS = {
    "metadata": rows.SNAPSHOT_METADATA,
    "snapshot_admin_metadata": rows.SNAPSHOT_ADMIN_METADATA,
}
"""Where a snapshot has pairs, and the tables with them."""
_Pairs = dict[tuple[str, str], dict[str, str]]
"""Pairs by the field that has them, and by the id of its owner."""
_PAIRS_OF_VOLUME = sa.union_all(
    rows.select_pairs(
        rows.VOLUME_ADMIN_METADATA, "volume_id", part=_VOLUME_PAIRS
    ).where(rows.VOLUME_ADMIN_METADATA.c.volume_id == _ID),
    *(
        rows.select_pairs(table, "snapshot_id", part=part).where(
            table.c.snapshot_id.in_(
                sa.select(rows.SNAPSHOTS.c.id).where(
                    rows.SNAPSHOTS.c.volume_id == _ID
                )
            )
        )
        for part, table in _PAIRS.items()
    ),
)
_ATTACHMENTS = sa.select(rows.ATTACHMENTS).where(rows.live(rows.ATTACHMENTS))
_ATTACHMENT = _ATTACHMENTS.where(rows.ATTACHMENTS.c.id == _ID)
_ATTACHMENTS_OF = _ATTACHMENTS.where(rows.ATTACHMENTS.c.volume_id == _ID)

_JSON_COLUMNS = frozenset({"connector", "connection_info"})

_WHERE_SAVED: Mapping[
    type[refs.Ref], tuple[sa.Table, tuple[sa.Table, str] | None, str]
] = {
    refs.VolumeRef: (
        rows.VOLUMES,
        (rows.VOLUME_ADMIN_METADATA, "volume_id"),
        "admin_metadata",
    ),
    refs.SnapshotRef: (
        rows.SNAPSHOTS,
        (rows.SNAPSHOT_METADATA, "snapshot_id"),
        "metadata",
    ),
    refs.AttachmentRef: (rows.ATTACHMENTS, None, ""),
}
