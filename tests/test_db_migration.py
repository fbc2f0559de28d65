# SPDX-License-Identifier: Apache-2.0
"""Up and down with a database of the kit's own."""

from __future__ import annotations

import pytest
from alembic import autogenerate
from alembic import script as alembic_script
from alembic.runtime import migration as alembic_migration
from cinder_database import SNAPSHOT
from cinder_database import VOLUME
from database_contents import a_fact
from database_contents import a_snapshot
from database_contents import a_volume
from database_contents import add
from database_contents import dump
from database_contents import IN_FLIGHT
from database_contents import refused
from database_contents import tables

from assisted_kit.db import engine as db_engine
from assisted_kit.db import migration
from assisted_kit.db import models

FIRST = migration.CINDER_TABLES
SECOND = migration.ASSISTED_SNAPSHOTS
ADDED = {"snapshot_admin_metadata", "snapshot_claims"}
OWN = {*ADDED, migration.VERSION_TABLE}


@pytest.fixture
def engine(tmp_path):
    engine = db_engine.create_engine(f"sqlite:///{tmp_path}/kit.db")
    yield engine
    engine.dispose()


def test_a_fresh_database_is_at_no_revision(engine):
    assert migration.current(engine) is None
    assert tables(engine) == set()


def test_up_makes_what_the_models_describe(engine):
    migration.upgrade(engine)
    with engine.connect() as connection:
        context = alembic_migration.MigrationContext.configure(
            connection,
            opts={
                "version_table": migration.VERSION_TABLE,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert (
            autogenerate.compare_metadata(context, models.Base.metadata) == []
        )


def test_the_first_revision_is_the_release_before(engine):
    migration.upgrade(engine, FIRST)
    assert migration.current(engine) == FIRST
    assert tables(engine) == {
        *models.Base.metadata.tables.keys() - ADDED,
        migration.VERSION_TABLE,
    }


def test_up_in_steps_is_up_at_once(engine, tmp_path):
    migration.upgrade(engine, FIRST)
    migration.upgrade(engine, SECOND)
    other = db_engine.create_engine(f"sqlite:///{tmp_path}/other.db")
    migration.upgrade(other)
    assert dump(engine) == dump(other)
    other.dispose()


def test_up_again_changes_nothing(engine):
    migration.upgrade(engine)
    before = dump(engine)
    migration.upgrade(engine)
    migration.upgrade(engine, FIRST)
    assert dump(engine) == before
    assert migration.current(engine) == SECOND


def test_down_again_changes_nothing(engine):
    migration.upgrade(engine, FIRST)
    before = dump(engine)
    migration.downgrade(engine, SECOND)
    migration.downgrade(engine, FIRST)
    assert dump(engine) == before


def test_down_and_up_again(engine):
    migration.upgrade(engine)
    before = dump(engine)
    migration.downgrade(engine, "base")
    assert migration.current(engine) is None
    assert tables(engine) == {migration.VERSION_TABLE}
    migration.upgrade(engine)
    assert dump(engine) == before


def test_a_database_in_memory_migrates(engine):
    memory = db_engine.create_engine("sqlite://")
    migration.upgrade(memory)
    assert migration.current(memory) == SECOND
    migration.downgrade(memory, "base")
    memory.dispose()


def test_rows_of_the_release_before_survive_up_and_down(engine):
    migration.upgrade(engine, FIRST)
    add(engine, a_volume(), a_snapshot())
    before = dump(engine, but=OWN)
    migration.upgrade(engine)
    assert dump(engine, but=OWN) == before
    migration.downgrade(engine, FIRST)
    assert dump(engine, but=OWN) == before


def test_down_drops_what_is_not_in_flight(engine):
    migration.upgrade(engine)
    add(
        engine,
        a_volume(),
        a_snapshot(),
        a_fact(key="create_info:type", value="qcow2"),
        a_fact(deleted=True, **IN_FLIGHT),
    )
    migration.downgrade(engine, FIRST)
    assert not tables(engine) & ADDED


@pytest.mark.parametrize("revision", [FIRST, "base"])
@pytest.mark.parametrize("deleted", [False, None])
def test_no_way_down_with_a_snapshot_in_a_phase(engine, revision, deleted):
    migration.upgrade(engine)
    fact = a_fact(deleted=deleted, **IN_FLIGHT)
    add(engine, a_volume(), a_snapshot(), fact)
    assert SNAPSHOT in refused(engine, revision)


@pytest.mark.parametrize("snapshot_id", [SNAPSHOT, None])
def test_no_way_down_with_a_chain_claimed(engine, snapshot_id):
    migration.upgrade(engine)
    claim = models.SnapshotClaim(
        volume_id=VOLUME, owner="me", snapshot_id=snapshot_id
    )
    add(engine, a_volume(), a_snapshot(), claim)
    message = refused(engine, FIRST)
    assert VOLUME in message
    assert (SNAPSHOT in message) is (snapshot_id is not None)


def test_no_way_to_base_with_rows(engine):
    migration.upgrade(engine)
    add(engine, models.Volume(id="v", volume_type_id="t", deleted=True))
    assert "volumes holds rows" in refused(engine, "base")


def test_no_way_to_base_with_a_column_of_somebody_elses(engine):
    migration.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE snapshots ADD x INTEGER")
    assert "snapshots (it has a column x)" in refused(engine, "base")


@pytest.mark.parametrize("revision", ["0003", "", "+1", "head-1"])
def test_an_unknown_revision_is_refused(engine, revision):
    with pytest.raises(migration.MigrationRefused, match="unknown revision"):
        migration.upgrade(engine, revision)
    with pytest.raises(migration.MigrationRefused, match="unknown revision"):
        migration.downgrade(engine, revision)
    assert tables(engine) == set()


def test_half_of_cinders_tables_are_not_taken_for_cinders(engine):
    models.Volume.__table__.create(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE volumes DROP provider_auth")
    before = dump(engine)
    with pytest.raises(migration.MigrationRefused) as caught:
        migration.upgrade(engine)
    assert "snapshot_metadata" in str(caught.value)
    assert "volumes.provider_auth" in str(caught.value)
    assert dump(engine) == before


def test_tables_that_no_revision_made_are_not_made_again(engine):
    models.Base.metadata.create_all(engine)
    before = dump(engine)
    with pytest.raises(migration.MigrationRefused, match="no revision"):
        migration.upgrade(engine)
    assert dump(engine) == before


def test_the_list_of_revisions_is_complete():
    with db_engine.create_engine("sqlite://").connect() as connection:
        scripts = alembic_script.ScriptDirectory.from_config(
            migration._config(connection)
        )
    found = [script.revision for script in scripts.walk_revisions()]
    assert tuple(reversed(found)) == migration.REVISIONS
