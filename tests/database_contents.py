# SPDX-License-Identifier: Apache-2.0
"""What the tests of migrations put into a database, and find there."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from cinder_database import SNAPSHOT
from cinder_database import TYPE
from cinder_database import VOLUME
from sqlalchemy import orm

from assisted_kit.db import migration
from assisted_kit.db import models
from assisted_kit.errors import AssistedKitError

IN_FLIGHT = {"key": "manager:phase", "value": "compute"}


def tables(engine):
    return set(sa.inspect(engine).get_table_names())


def dump(engine, but=frozenset()):
    """Schema and rows of every table, as SQLite tells them."""
    with engine.connect() as connection:
        made = connection.exec_driver_sql(
            "SELECT tbl_name, name, sql FROM sqlite_master ORDER BY 1, 2"
        ).all()
        return {
            name: (
                [row for row in made if row.tbl_name == name],
                connection.exec_driver_sql(
                    f'SELECT * FROM "{name}" ORDER BY 1'
                ).all(),
            )
            for name in {row.tbl_name for row in made} - but
        }


def rows_of(engine):
    """All rows of every table, whatever the database."""
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(sa.select(table))))
            for table in metadata.sorted_tables
        }


def add(engine, *rows):
    with orm.Session(engine) as session, session.begin():
        session.add_all(rows)


def a_volume():
    return models.Volume(id=VOLUME, volume_type_id=TYPE)


def a_snapshot():
    return models.Snapshot(id=SNAPSHOT, volume_id=VOLUME, volume_type_id=TYPE)


def a_fact(**values):
    return models.SnapshotAdminMetadata(
        volume_id=VOLUME, snapshot_id=SNAPSHOT, **values
    )


def refused(engine, revision):
    """Try to go back; nothing may have changed. Returns the message."""
    before = dump(engine)
    with pytest.raises(migration.MigrationRefused) as caught:
        migration.downgrade(engine, revision)
    assert isinstance(caught.value, AssistedKitError)
    assert dump(engine) == before
    return str(caught.value)
