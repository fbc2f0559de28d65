# SPDX-License-Identifier: Apache-2.0
"""Statuses that say that another operation has a volume or a snapshot.

Cinder's API sets them by compare-and-swap when it accepts a backup, a
revert, an upload or a cascading delete, and its managers take them back.
Whoever is in such a status is refused the next one, and a snapshot in one
is not deleted without force (bug 1970768).
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from assisted_kit.clock import Clock
from assisted_kit.db import rows
from assisted_kit.db.engine import retry_on_contention
from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import may_be_deleted
from assisted_kit.db.starts import NotAllowed


class VolumeStatus(enum.StrEnum):
    """The statuses of volumes that the kit's manager moves between."""

    AVAILABLE = "available"
    IN_USE = "in-use"
    BACKING_UP = "backing-up"
    REVERTING = "reverting"
    UPLOADING = "uploading"
    DELETING = "deleting"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"


class LentStatus(enum.StrEnum):
    """The statuses of snapshots that another operation works with."""

    BACKING_UP = "backing-up"
    RESTORING = "restoring"


AVAILABLE = "available"

INTERRUPTED = {
    VolumeStatus.BACKING_UP: None,
    VolumeStatus.UPLOADING: None,
    # Nobody knows how far the driver got.
    VolumeStatus.REVERTING: VolumeStatus.ERROR,
}
"""What a volume is after its operation died; None: what it was before."""


class Statuses:
    """Compare-and-swap of statuses, each one transaction, write first."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def swap_volume(self, volume_id: str, start: str, end: str | None) -> bool:
        """Take a volume from one status to another.

        :param end: None for what it was before :meth:`occupy`.
        :returns: false when it was in another status, which stands.
        """

        @retry_on_contention
        def transaction() -> bool:
            with self._engine.begin() as connection:
                return self._swap(
                    connection,
                    rows.VOLUMES,
                    [rows.VOLUMES.c.id == volume_id],
                    start,
                    _previous() if end is None else end,
                )

        return transaction()

    def swap_snapshot(self, snapshot_id: str, start: str, end: str) -> bool:
        """Take a snapshot from one status to another.

        :returns: false when it was in another status, which stands.
        """

        @retry_on_contention
        def transaction() -> bool:
            with self._engine.begin() as connection:
                return self._swap(
                    connection,
                    rows.SNAPSHOTS,
                    [rows.SNAPSHOTS.c.id == snapshot_id],
                    start,
                    end,
                )

        return transaction()

    def occupy(
        self,
        volume_id: str,
        status: VolumeStatus,
        *,
        of: Collection[str] = (VolumeStatus.AVAILABLE,),
    ) -> None:
        """Take a volume for an operation.

        :param of: the statuses that admit it.
        :raises NotFound: there is no such volume.
        :raises NotAllowed: it is in another status, or attached although
            it would have to be in use for that.
        """

        @retry_on_contention
        def transaction() -> None:
            with self._engine.begin() as connection:
                self._occupy(connection, volume_id, status, of)

        transaction()

    def begin_revert(self, volume_id: str, snapshot_id: str) -> None:
        """Take a volume and its newest snapshot for a revert.

        :raises NotFound: there is no such volume or snapshot of it.
        :raises NotAllowed: one of them is not available, there is a newer
            snapshot, or the volume has grown since.
        """
        snapshots = rows.SNAPSHOTS

        @retry_on_contention
        def transaction() -> None:
            with self._engine.begin() as connection:
                self._occupy(
                    connection,
                    volume_id,
                    VolumeStatus.REVERTING,
                    (VolumeStatus.AVAILABLE,),
                )
                found = {
                    row.id: row
                    for row in connection.execute(
                        sa.select(snapshots).where(
                            snapshots.c.volume_id == volume_id,
                            rows.live(snapshots),
                        )
                    )
                }
                if snapshot_id not in found:
                    raise NotFound(
                        f"volume {volume_id} has no snapshot {snapshot_id}"
                    )
                wanted = found[snapshot_id]
                _check_newest(wanted, found.values())
                size = connection.execute(
                    sa.select(rows.VOLUMES.c.size).where(
                        rows.VOLUMES.c.id == volume_id
                    )
                ).scalar()
                if size != wanted.volume_size:
                    raise NotAllowed(
                        f"volume {volume_id} has {size} GiB, and had "
                        f"{wanted.volume_size} GiB when snapshot "
                        f"{snapshot_id} was taken"
                    )
                if not self._swap(
                    connection,
                    snapshots,
                    [snapshots.c.id == snapshot_id],
                    AVAILABLE,
                    LentStatus.RESTORING,
                ):
                    raise NotAllowed(
                        f"snapshot {snapshot_id} is {wanted.status}: a "
                        f"volume is reverted to one that is available"
                    )

        transaction()

    def begin_cascade(self, volume_id: str) -> dict[str, str]:
        """Take a volume into ``deleting`` that may have snapshots.

        :returns: the snapshots' ids and statuses, oldest first.
        :raises NotFound: there is no such volume.
        :raises NotAllowed: it is in a status in which Cinder does not
            delete it, or one of its snapshots is.
        """
        table = rows.SNAPSHOTS

        @retry_on_contention
        def transaction() -> dict[str, str]:
            with self._engine.begin() as connection:
                self._occupy(
                    connection,
                    volume_id,
                    VolumeStatus.DELETING,
                    (
                        VolumeStatus.AVAILABLE,
                        VolumeStatus.ERROR,
                        # Repeated, after a failure or a restart.
                        VolumeStatus.DELETING,
                        VolumeStatus.ERROR_DELETING,
                    ),
                )
                found = connection.execute(
                    sa.select(table.c.id, table.c.status)
                    .where(table.c.volume_id == volume_id, rows.live(table))
                    .order_by(table.c.created_at, table.c.id)
                ).all()
                for snapshot_id, status in found:
                    if not may_be_deleted(status):
                        raise NotAllowed(
                            f"volume {volume_id} has a snapshot "
                            f"{snapshot_id} that is {status}"
                        )
            return {row[0]: row[1] for row in found}

        return transaction()

    def give_back(self, host: str) -> None:
        """Take back what operations of a process that is gone had set.

        :param host: of the volumes.  What was temporary then becomes an
            ordinary snapshot or volume, which can be deleted.
        """
        volumes, snapshots = rows.VOLUMES, rows.SNAPSHOTS
        of_host = rows.of_host(host)
        of_these = snapshots.c.volume_id.in_(
            sa.select(volumes.c.id).where(of_host)
        )

        @retry_on_contention
        def transaction() -> None:
            with self._engine.begin() as connection:
                for start, end in INTERRUPTED.items():
                    self._swap(
                        connection,
                        volumes,
                        [of_host],
                        start,
                        _previous() if end is None else end,
                    )
                for lent in LentStatus:
                    self._swap(
                        connection, snapshots, [of_these], lent, AVAILABLE
                    )

        transaction()

    def _occupy(
        self,
        connection: sa.Connection,
        volume_id: str,
        status: VolumeStatus,
        of: Collection[str],
    ) -> None:
        table = rows.VOLUMES
        # In this order: MySQL assigns from left to right.
        marked = connection.execute(
            sa.update(table)
            .where(table.c.id == volume_id, rows.live(table))
            .ordered_values(
                (table.c.previous_status, table.c.status),
                (table.c.status, str(status)),
                (table.c.updated_at, rows.utc(self._clock.now())),
            )
        )
        if not rows.changed(marked):
            raise NotFound(f"volume {volume_id} could not be found")
        row = connection.execute(
            sa.select(table.c.previous_status, table.c.attach_status).where(
                table.c.id == volume_id
            )
        ).one()
        was = row.previous_status
        if was not in of:
            raise NotAllowed(
                f"volume {volume_id} is {was}; it would have to be "
                f"{' or '.join(of)}"
            )
        if row.attach_status == "attached" and VolumeStatus.IN_USE not in of:
            raise NotAllowed(f"volume {volume_id} is attached")

    def _swap(
        self,
        connection: sa.Connection,
        table: Any,
        where: list[Any],
        start: str,
        end: Any,
    ) -> bool:
        swapped = connection.execute(
            sa.update(table)
            .where(*where, table.c.status == str(start), rows.live(table))
            .values(
                status=str(end) if isinstance(end, str) else end,
                updated_at=rows.utc(self._clock.now()),
            )
        )
        return bool(rows.changed(swapped))


def _previous() -> Any:
    return sa.func.coalesce(rows.VOLUMES.c.previous_status, AVAILABLE)


def _check_newest(wanted: Any, all_of_them: Collection[Any]) -> None:
    """See that no snapshot is newer, as far as the times tell.

    Where they do not, the driver knows.

    :raises NotAllowed: there is one.
    """
    for other in all_of_them:
        if other.created_at > wanted.created_at:
            raise NotAllowed(
                f"snapshot {other.id} is newer than {wanted.id}: a volume is "
                f"reverted to its newest snapshot only"
            )
