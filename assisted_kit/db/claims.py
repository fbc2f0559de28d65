# SPDX-License-Identifier: Apache-2.0
"""Claims: the row that serializes work on one volume's chain (section 4)."""

from __future__ import annotations

import sqlalchemy as sa
from oslo_db import exception as db_exception

from assisted_kit.clock import Clock
from assisted_kit.db import rows
from assisted_kit.db.engine import retry_on_contention


class Claims:
    """Taking, releasing and taking over claims on chains."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def take(
        self, volume_id: str, owner: str, snapshot_id: str | None = None
    ) -> bool:
        """Claim a volume's chain; false when it is claimed.

        It may have been claimed for the same work already: when the
        database took the claim and could not say so any more.

        :param owner: the process that will do the work, which does not ask
            for other work on the chain meanwhile.
        :param snapshot_id: the snapshot that the work is for, if any.
        """

        @retry_on_contention
        def transaction() -> bool:
            now = rows.utc(self._clock.now())
            try:
                with self._engine.begin() as connection:
                    connection.execute(
                        sa.insert(rows.CLAIMS),
                        {
                            "volume_id": volume_id,
                            "owner": owner,
                            "snapshot_id": snapshot_id,
                            "created_at": now,
                        },
                    )
            except db_exception.DBDuplicateEntry:
                return self._is_for(volume_id, owner, snapshot_id)
            return True

        return transaction()

    def release(self, volume_id: str, owner: str) -> bool:
        """Give a claim up; false when ``owner`` does not hold it."""

        @retry_on_contention
        def transaction() -> bool:
            with self._engine.begin() as connection:
                return delete_claim(connection, volume_id, owner)

        return transaction()

    def take_over(
        self, gone: str, owner: str, *, volume_id: str | None = None
    ) -> int:
        """Take the claims of a process that is known to be gone.

        Never to be called because somebody is slow (section 4).

        :returns: how many claims changed hands.
        """

        @retry_on_contention
        def transaction() -> int:
            statement = sa.update(rows.CLAIMS).where(
                rows.CLAIMS.c.owner == gone
            )
            if volume_id is not None:
                statement = statement.where(
                    rows.CLAIMS.c.volume_id == volume_id
                )
            now = rows.utc(self._clock.now())
            with self._engine.begin() as connection:
                return rows.changed(
                    connection.execute(
                        statement.values(owner=owner, updated_at=now)
                    )
                )

        return transaction()

    def _is_for(
        self, volume_id: str, owner: str, snapshot_id: str | None
    ) -> bool:
        claims = rows.CLAIMS
        with self._engine.connect() as connection:
            found = connection.execute(
                sa.select(claims.c.owner, claims.c.snapshot_id).where(
                    claims.c.volume_id == volume_id
                )
            ).first()
        return found is not None and tuple(found) == (owner, snapshot_id)

    def owners(self) -> dict[str, tuple[str, str | None]]:
        """Every claim: volume id to owner and snapshot id."""
        claims = rows.CLAIMS
        with self._engine.connect() as connection:
            found = connection.execute(
                sa.select(
                    claims.c.volume_id, claims.c.owner, claims.c.snapshot_id
                )
            )
            return {row[0]: (row[1], row[2]) for row in found}


def delete_claim(
    connection: sa.Connection, volume_id: str, owner: str
) -> bool:
    """Release a claim within a transaction that does more."""
    claim = {"its_volume_id": volume_id, "its_owner": owner}
    return bool(rows.changed(connection.execute(_DELETE, claim)))


def holds_claim(connection: sa.Connection, volume_id: str, owner: str) -> bool:
    """Whether ``owner`` holds the claim, checked by a write.

    The write keeps the claim from changing hands until the transaction
    ends.
    """
    claim = {"its_volume_id": volume_id, "its_owner": owner}
    return bool(rows.changed(connection.execute(_WRITE, claim)))


_DELETE = sa.delete(rows.CLAIMS).where(
    rows.CLAIMS.c.volume_id == sa.bindparam("its_volume_id"),
    rows.CLAIMS.c.owner == sa.bindparam("its_owner"),
)
_WRITE = rows.update_of(rows.CLAIMS, "volume_id", "owner").values(
    updated_at=rows.CLAIMS.c.updated_at
)
