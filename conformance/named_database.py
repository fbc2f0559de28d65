# SPDX-License-Identifier: Apache-2.0
"""The database that a configuration names, which tests have in common.

Any number of processes may use it at once. Whichever comes first makes the
tables. The volumes of a test are on a host that no other test knows, so
nobody takes its claims for those of a dead process, and its rows are removed
when it ends.
"""

from __future__ import annotations

import fcntl
import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from assisted_kit.db import migration
from assisted_kit.db import rows
from assisted_kit.db.engine import create_engine
from assisted_kit.db.engine import retry_on_contention

LOCK_NAME = "assisted_kit_migration"
LOCK_NUMBER = 0x6173736973746564
"""The same for PostgreSQL, which wants a number of 64 bits."""

LONGEST_MIGRATION = 600
"""In seconds."""


def open_at(connection: str) -> sa.Engine:
    """The engine of the database at a URL, its schema up to date."""
    _migrate(connection)
    return create_engine(connection)


def remove_rows(engine: sa.Engine, host: str) -> None:
    """Remove the volumes of a host, and everything that belongs to them."""
    with engine.connect() as connection:
        volumes = _ids(connection, rows.VOLUMES, rows.VOLUMES.c.host, [host])
        snapshots = _ids(
            connection, rows.SNAPSHOTS, rows.SNAPSHOTS.c.volume_id, volumes
        )
    # A statement that looks for rows locks those of others with MariaDB.
    wanted = engine.execution_options(isolation_level=_weakest(engine))

    @retry_on_contention
    def remove() -> None:
        with wanted.begin() as connection:
            for column, values in (
                (rows.SNAPSHOT_METADATA.c.snapshot_id, snapshots),
                (rows.SNAPSHOT_ADMIN_METADATA.c.snapshot_id, snapshots),
                (rows.CLAIMS.c.volume_id, volumes),
                (rows.ATTACHMENTS.c.volume_id, volumes),
                (rows.VOLUME_ADMIN_METADATA.c.volume_id, volumes),
                (rows.SNAPSHOTS.c.id, snapshots),
                (rows.VOLUMES.c.id, volumes),
            ):
                if values:
                    connection.execute(
                        sa.delete(column.table).where(column.in_(values))
                    )

    remove()


def _ids(
    connection: sa.Connection, table: Any, column: Any, values: list[str]
) -> list[str]:
    found = connection.execute(sa.select(table.c.id).where(column.in_(values)))
    return list(found.scalars())


def _weakest(engine: sa.Engine) -> Any:
    """The isolation level that locks least; SQLite has no such choice."""
    is_sqlite = engine.dialect.name == "sqlite"
    return "SERIALIZABLE" if is_sqlite else "READ COMMITTED"


def forget_migrations() -> None:
    """Look again which databases have the tables: one was replaced."""
    _migrate.cache_clear()


@functools.cache
def _migrate(connection: str) -> None:
    engine = create_engine(connection)
    try:
        with _alone(engine):
            migration.upgrade(engine)
    finally:
        engine.dispose()


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Keep other processes of the kit from migrating the same database."""
    match engine.dialect.name:
        case "postgresql":
            take = sa.func.pg_advisory_lock(LOCK_NUMBER)
            give = sa.func.pg_advisory_unlock(LOCK_NUMBER)
        case "mysql" | "mariadb":
            take = sa.func.get_lock(LOCK_NAME, LONGEST_MIGRATION)
            give = sa.func.release_lock(LOCK_NAME)
        case _:
            with _directory_of(engine.url):
                yield
            return
    with engine.connect() as connection:
        connection.execute(sa.select(take))
        yield
        connection.execute(sa.select(give))


@contextmanager
def _directory_of(url: sa.URL) -> Iterator[None]:
    """Lock the directory of an SQLite file, which may not be there yet.

    A lock on the file itself would be in SQLite's way.
    """
    directory = Path(url.database or ".").absolute().parent
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
