# SPDX-License-Identifier: Apache-2.0
"""Databases of the suite's tests: a new one each."""

from __future__ import annotations

import sqlalchemy as sa

from assisted_kit.db import migration
from assisted_kit.db import rows
from conformance.temporary_database import TemporaryDatabase

NEWEST = migration.ASSISTED_SNAPSHOTS
VOLUME = {"id": "v", "volume_type_id": "t", "deleted": False}


def add_volume(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(rows.VOLUMES).values(VOLUME))


def volumes(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(sa.select(rows.VOLUMES)).all())


def test_two_at_once_have_nothing_in_common() -> None:
    with TemporaryDatabase() as one, TemporaryDatabase() as other:
        for database in (one, other):
            assert migration.current(database.engine) == NEWEST
        add_volume(one.engine)
        assert (volumes(one.engine), volumes(other.engine)) == (1, 0)
