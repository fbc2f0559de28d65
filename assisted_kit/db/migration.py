# SPDX-License-Identifier: Apache-2.0
"""Bring a database to the kit's schema, and back.

The schema lives in one of two places: a database that the kit made for
itself, or a Cinder's. The kit counts its revisions in a version table of
its own, so that Cinder's ``alembic_version`` is neither read nor written.

In a Cinder database the first revision, which is Cinder's own tables, is
recorded and never run in either direction. Contract, section 6: every other
row stays as it is, and the way back is refused while a snapshot is in
flight.

Stop the volume managers before going back, and run one migration at a time:
not every database can undo a half-done change of its tables.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic import config as alembic_config
from alembic.runtime import migration as alembic_migration

from assisted_kit.db import models
from assisted_kit.errors import AssistedKitError

VERSION_TABLE = "assisted_kit_alembic_version"

CINDER_TABLES = "0001_cinder_tables"
ASSISTED_SNAPSHOTS = "0002_assisted_snapshots"
REVISIONS = (CINDER_TABLES, ASSISTED_SNAPSHOTS)

# What the first revision makes. A column that the models gain later has to
# be subtracted here by the revision that adds it.
_ADDED_TABLES = {
    models.SnapshotAdminMetadata.__tablename__,
    models.SnapshotClaim.__tablename__,
}
_FIRST_TABLES = {
    table.name: frozenset(column.name for column in table.columns)
    for table in models.Base.metadata.sorted_tables
    if table.name not in _ADDED_TABLES
}


class MigrationRefused(AssistedKitError):
    """The database is not in a state in which this step would be safe.

    Nothing has been changed.
    """


def current(engine: sa.Engine) -> str | None:
    """Return the revision that the database is at, None for none yet."""
    with engine.connect() as connection:
        return _current(connection)


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the database up to a revision, ``head`` being the newest.

    Where Cinder's tables exist and the kit has not been, the first revision
    is recorded instead of run. A database that is at the revision already,
    or past it, stays as it is.

    Raises `MigrationRefused` for a revision that does not exist, and for a
    database that has only some of Cinder's tables, an older release's, or
    the kit's own tables without a record of it.
    """
    target = _position(REVISIONS[-1] if revision == "head" else revision)
    with engine.begin() as connection:
        config = _config(connection)
        if target >= 0 and _current(connection) is None:
            found = set(sa.inspect(connection).get_table_names())
            if found & _FIRST_TABLES.keys():
                _refuse_other_schema(connection, found)
                command.stamp(config, CINDER_TABLES)
        if target > _position(_current(connection)):
            command.upgrade(config, REVISIONS[target])


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the database back to a revision, ``base`` being none at all.

    A database that is at the revision already, or before it, stays as it
    is. Going back to the first revision drops the kit's own two tables with
    what they hold. Going to ``base`` also drops the first revision's, which
    is for an empty database that the kit itself made.

    Raises `MigrationRefused` for a revision that does not exist, while a
    snapshot is in flight, and rather than drop a table that holds rows or
    may be Cinder's.
    """
    target = _position(revision)
    with engine.begin() as connection:
        position = _position(_current(connection))
        if target >= position:
            return
        if position >= _position(ASSISTED_SNAPSHOTS):
            _refuse_in_flight(connection)
        if target < _position(CINDER_TABLES):
            _refuse_to_drop_cinder(connection)
        command.downgrade(_config(connection), revision)


def _config(connection: sa.Connection) -> alembic_config.Config:
    # An alembic.ini would bring a logging configuration and a URL; the
    # application has both already.
    config = alembic_config.Config()
    scripts = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    return config


def _current(connection: sa.Connection) -> str | None:
    return alembic_migration.MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()


def _position(revision: str | None) -> int:
    if revision is None or revision == "base":
        return -1
    if revision not in REVISIONS:
        raise MigrationRefused(
            f"unknown revision {revision!r}; the kit has "
            f"{', '.join(REVISIONS)}"
        )
    return REVISIONS.index(revision)


def _refuse_other_schema(connection: sa.Connection, found: set[str]) -> None:
    """Take the tables for Cinder's only if they have what the kit uses."""
    added = sorted(_ADDED_TABLES & found)
    if added:
        raise MigrationRefused(
            f"{', '.join(added)}: made already, but no revision is recorded "
            f"in {VERSION_TABLE}"
        )
    missing = sorted(_FIRST_TABLES.keys() - found)
    for name in sorted(_FIRST_TABLES.keys() & found):
        absent = _FIRST_TABLES[name] - _columns(connection, name)
        missing.extend(f"{name}.{column}" for column in sorted(absent))
    if missing:
        raise MigrationRefused(
            "the database has tables of Cinder's, but not all that Cinder 29"
            f" has; missing: {', '.join(missing)}"
        )


def _refuse_in_flight(connection: sa.Connection) -> None:
    """Raise while a row says that work on a chain has not ended."""
    facts = models.SnapshotAdminMetadata
    snapshots = set(
        connection.scalars(
            sa.select(facts.snapshot_id).where(
                facts.key == "manager:phase",
                facts.deleted.is_not(sa.true()),
            )
        )
    )
    claim = models.SnapshotClaim
    volumes = set()
    for volume_id, snapshot_id in connection.execute(
        sa.select(claim.volume_id, claim.snapshot_id)
    ):
        volumes.add(volume_id)
        if snapshot_id is not None:
            snapshots.add(snapshot_id)
    if snapshots or volumes:
        raise MigrationRefused(
            "work is in flight; let it end, then try again. Snapshots: "
            f"{', '.join(sorted(snapshots)) or 'none'}. Volumes whose chain "
            f"is claimed: {', '.join(sorted(volumes)) or 'none'}."
        )


def _refuse_to_drop_cinder(connection: sa.Connection) -> None:
    """Raise unless the tables are the kit's own make, and empty.

    Cinder's tables have columns that the kit has no use for and therefore
    never makes, and come with a version table of Cinder's. Either gives
    them away; no mark is needed that could get lost.
    """
    if sa.inspect(connection).has_table("alembic_version"):
        raise MigrationRefused(
            "the tables of the first revision belong to Cinder (there is an "
            f"alembic_version table); {CINDER_TABLES} is as far back as this "
            "database goes"
        )
    for name, columns in _FIRST_TABLES.items():
        foreign = sorted(_columns(connection, name) - columns)
        if foreign:
            raise MigrationRefused(
                f"the kit did not make table {name} (it has a column "
                f"{foreign[0]}) and does not drop it"
            )
        if connection.scalar(
            sa.select(sa.exists().select_from(sa.table(name)))
        ):
            raise MigrationRefused(
                f"table {name} holds rows; only an empty database goes back "
                "to base"
            )


def _columns(connection: sa.Connection, table: str) -> frozenset[str]:
    return frozenset(
        column["name"] for column in sa.inspect(connection).get_columns(table)
    )
