# SPDX-License-Identifier: Apache-2.0
"""Key and value tables, and the small things every statement needs."""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from assisted_kit.db import models

VOLUMES = models.Volume.__table__
ATTACHMENTS = models.VolumeAttachment.__table__
VOLUME_ADMIN_METADATA = models.VolumeAdminMetadata.__table__
SNAPSHOTS = models.Snapshot.__table__
SNAPSHOT_METADATA = models.SnapshotMetadata.__table__
SNAPSHOT_ADMIN_METADATA = models.SnapshotAdminMetadata.__table__
CLAIMS = models.SnapshotClaim.__table__


GONE = object()
"""What a key has whose row is marked deleted."""


def utc(seconds: float) -> datetime.datetime:
    """Seconds since the epoch as Cinder stores a time: naive UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(
        tzinfo=None
    )


def live(table: Any) -> Any:
    """The condition that a row is not marked deleted."""
    return table.c.deleted.is_(False)


def of_host(host: str) -> Any:
    """The condition that a volume is on this host, in whichever pool."""
    # Cinder appends the name of a pool.
    return sa.or_(
        VOLUMES.c.host == host,
        VOLUMES.c.host.startswith(f"{host}#", autoescape=True),
    )


def changed(result: Any) -> int:
    """How many rows a statement changed."""
    return int(result.rowcount)


@functools.cache
def update_of(table: Any, *columns: str) -> sa.Update:
    """The statement that changes the rows which have values in columns.

    Those values are its parameters, ``its_id`` for ``id``, and so is what is
    to be changed, by the columns' own names.  Building a statement takes
    longer than SQLite takes to answer it, hence each is built once.
    """
    return sa.update(table).where(
        *(table.c[name] == sa.bindparam(f"its_{name}") for name in columns)
    )


@functools.cache
def update_of_live(table: Any, *columns: str) -> sa.Update:
    """The same for rows that are not marked deleted."""
    return update_of(table, *columns).where(live(table))


def pairs_of(
    connection: sa.Connection, table: Any, owner: str, owner_id: str
) -> dict[str, str]:
    """The live pairs of one owner.

    :param owner: the column that says whose pairs they are.
    """
    found = connection.execute(
        _select_pairs_of(table, owner), {"its_owner": owner_id}
    )
    return {key: value for _, key, value in found}


def select_pairs(table: Any, owner: str, **constants: str) -> sa.Select[Any]:
    """The owner, key and value of live pairs, with constants before them."""
    columns: list[Any] = [
        sa.literal(value).label(name) for name, value in constants.items()
    ]
    columns += (table.c[owner], table.c.key, table.c.value)
    return sa.select(*columns).where(live(table))


@functools.cache
def _select_pairs_of(table: Any, owner: str) -> sa.Select[Any]:
    return select_pairs(table, owner).where(
        table.c[owner] == sa.bindparam("its_owner")
    )


_STORED = sa.select(
    SNAPSHOT_ADMIN_METADATA.c.key,
    SNAPSHOT_ADMIN_METADATA.c.value,
    SNAPSHOT_ADMIN_METADATA.c.deleted,
).where(SNAPSHOT_ADMIN_METADATA.c.snapshot_id == sa.bindparam("id"))


def merge_pairs(
    connection: sa.Connection,
    table: Any,
    identity: Mapping[str, str],
    pairs: Mapping[str, str | None],
    now: datetime.datetime,
) -> None:
    """Merge ``pairs`` into what is stored; ``None`` removes a key.

    :param identity: the columns that say whose pairs they are.
    """
    if pairs:
        owner, owner_id = next(iter(identity.items()))
        stored = pairs_of(connection, table, owner, owner_id)
        # Cinder's older tables get a new row for a key that was removed.
        _merge(connection, table, identity, pairs, now, stored, update_of_live)


def _merge(
    connection: sa.Connection,
    table: Any,
    identity: Mapping[str, str],
    pairs: Mapping[str, str | None],
    now: datetime.datetime,
    stored: Mapping[str, str | object],
    update: Callable[..., sa.Update],
) -> None:
    """The same, when it has been seen what is stored.

    That was one look instead of a statement for each key.  The transaction
    has written to the owner's row, so nobody else changes these meanwhile.
    """
    owner, owner_id = next(iter(identity.items()))
    gone, new, other = [], [], []
    for key, value in pairs.items():
        # Drivers of databases know str, and not what is derived from it.
        row = {f"its_{owner}": owner_id, "its_key": str(key)}
        if value is None:
            if stored.get(key, GONE) is not GONE:
                gone.append({**row, "deleted": True, "deleted_at": now})
        elif key not in stored:
            new.append(
                {
                    "key": str(key),
                    "value": str(value),
                    "created_at": now,
                    "deleted": False,
                    **identity,
                }
            )
        elif stored[key] != value:
            other.append(
                {
                    **row,
                    "value": str(value),
                    "updated_at": now,
                    "deleted": False,
                    "deleted_at": None,
                }
            )
    if other:
        connection.execute(update(table, owner, "key"), other)
    if gone:
        connection.execute(update_of_live(table, owner, "key"), gone)
    if new:
        connection.execute(sa.insert(table), new)


def stored_admin_metadata(
    connection: sa.Connection, snapshot_id: str
) -> dict[str, str | object]:
    """The admin metadata of one snapshot; a removed key has `GONE`."""
    found = connection.execute(_STORED, {"id": snapshot_id})
    return {key: GONE if deleted else value for key, value, deleted in found}


def live_value(stored: Mapping[str, Any], key: str) -> str | None:
    """What a key has, None for one that was removed or never there."""
    value = stored.get(key)
    return None if value is GONE else value


def merge_snapshot_admin_metadata(
    connection: sa.Connection,
    snapshot_id: str,
    volume_id: str,
    pairs: Mapping[str, str | None],
    now: datetime.datetime,
    stored: Mapping[str, str | object],
) -> None:
    """Merge pairs into a snapshot's admin metadata.

    :param stored: what `stored_admin_metadata` found.
    """
    _merge(
        connection,
        SNAPSHOT_ADMIN_METADATA,
        {"snapshot_id": snapshot_id, "volume_id": volume_id},
        pairs,
        now,
        stored,
        # The table is unique on owner and key, so the row of a key that was
        # removed is used again (contract section 6).
        update_of,
    )


def store_connection_info(
    connection: sa.Connection,
    connection_info: Mapping[str, Mapping[str, Any]],
    now: datetime.datetime,
) -> None:
    """Store the whole connection information of attachments, by id."""
    for attachment_id, info in connection_info.items():
        connection.execute(
            update_of_live(ATTACHMENTS, "id"),
            {
                "its_id": attachment_id,
                "connection_info": json.dumps(info),
                "updated_at": now,
            },
        )
