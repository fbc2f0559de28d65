# SPDX-License-Identifier: Apache-2.0
"""Databases of the suite's tests: a new one each, whoever had the engine."""

from __future__ import annotations

import os

import sqlalchemy as sa

from assisted_kit.db import migration
from assisted_kit.db import rows
from conformance.temporary_database import TemporaryDatabase

VOLUME = {"id": "v", "volume_type_id": "t", "deleted": False}


def add_volume(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.insert(rows.VOLUMES).values(VOLUME))


def volumes(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return len(connection.execute(sa.select(rows.VOLUMES)).all())


def test_engine_is_used_again_and_its_database_is_not() -> None:
    with TemporaryDatabase() as first:
        engine = first.engine
        assert migration.current(engine) == migration.ASSISTED_SNAPSHOTS
        add_volume(engine)
        assert volumes(engine) == 1
    with TemporaryDatabase() as second:
        assert second.engine is engine
        assert volumes(engine) == 0
        add_volume(engine)


def test_two_at_once_have_nothing_in_common() -> None:
    with TemporaryDatabase() as one, TemporaryDatabase() as other:
        add_volume(one.engine)
        assert (volumes(one.engine), volumes(other.engine)) == (1, 0)


def test_connection_that_somebody_kept_leads_to_the_former_one() -> None:
    with TemporaryDatabase() as first:
        engine = first.engine
        add_volume(engine)
        kept = engine.connect()
        assert kept.execute(sa.select(rows.VOLUMES)).first() is not None
    with TemporaryDatabase() as second:
        assert second.engine is engine
        assert kept.execute(sa.select(rows.VOLUMES)).first() is not None
        assert volumes(engine) == 0
    kept.close()


def test_forked_child_has_an_engine_of_its_own() -> None:
    with TemporaryDatabase() as database:
        engine = database.engine
        add_volume(engine)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            with TemporaryDatabase() as childs:
                found = (childs.engine is engine, volumes(childs.engine))
                os.write(write, repr(found).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        assert os.read(read, 100) == b"(False, 0)"
        os.close(read)
        os.close(write)
        assert volumes(engine) == 1
