# SPDX-License-Identifier: Apache-2.0
"""Up, use and down with a real Cinder 29's database that has rows in it."""

from __future__ import annotations

import shutil

import pytest
import sqlalchemy as sa
from cinder_database import ask_cinder
from cinder_database import needs_cinder
from cinder_database import SNAPSHOT
from cinder_database import TYPE
from database_contents import a_fact
from database_contents import add
from database_contents import dump
from database_contents import IN_FLIGHT
from database_contents import refused
from sqlalchemy import orm

from assisted_kit.db import engine as db_engine
from assisted_kit.db import migration
from assisted_kit.db import models

FIRST = migration.CINDER_TABLES
SECOND = migration.ASSISTED_SNAPSHOTS
ADDED = {"snapshot_admin_metadata", "snapshot_claims"}
OWN = {*ADDED, migration.VERSION_TABLE}

pytestmark = needs_cinder


@pytest.fixture(scope="module")
def cinder_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("cinder") / "cinder.db"
    assert ask_cinder("make", file) == "9c74c1c6971f"
    return file


@pytest.fixture
def cinder(cinder_file, tmp_path):
    """A copy of a real Cinder 29 database with rows in it."""
    file = shutil.copy(cinder_file, tmp_path / "cinder.db")
    engine = db_engine.create_engine(f"sqlite:///{file}")
    yield engine
    engine.dispose()


def test_up_leaves_every_row_of_cinders(cinder):
    before = dump(cinder)
    migration.upgrade(cinder)
    after = dump(cinder)
    assert after.keys() - before.keys() == OWN
    assert {name: after[name] for name in before} == before
    assert migration.current(cinder) == SECOND


def test_the_first_revision_is_only_recorded(cinder):
    before = dump(cinder)
    migration.upgrade(cinder, FIRST)
    assert dump(cinder, but={migration.VERSION_TABLE}) == before
    assert migration.current(cinder) == FIRST


def test_use_and_down_leave_every_row_of_cinders(cinder):
    before = dump(cinder)
    migration.upgrade(cinder)
    add(cinder, a_fact(key="snapshot_status", value="creating_compute"))
    migration.downgrade(cinder, FIRST)
    assert dump(cinder, but={migration.VERSION_TABLE}) == before
    assert migration.current(cinder) == FIRST


def test_no_way_down_for_cinder_with_a_snapshot_in_flight(cinder):
    migration.upgrade(cinder)
    add(cinder, a_fact(**IN_FLIGHT))
    assert SNAPSHOT in refused(cinder, FIRST)


@pytest.mark.parametrize("at", [FIRST, SECOND])
def test_cinders_tables_are_never_dropped(cinder, at):
    migration.upgrade(cinder, at)
    assert "belong to Cinder" in refused(cinder, "base")


def test_cinders_tables_are_known_by_their_columns_too(cinder):
    migration.upgrade(cinder, FIRST)
    with cinder.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
        connection.exec_driver_sql("DELETE FROM volume_metadata")
        for table in reversed(models.Base.metadata.sorted_tables):
            if table.name not in ADDED:
                connection.execute(sa.delete(table))
    assert "did not make table" in refused(cinder, "base")


def test_the_models_read_what_cinder_wrote(cinder):
    with orm.Session(cinder) as session:
        snapshot = session.get_one(models.Snapshot, SNAPSHOT)
        assert (snapshot.status, snapshot.progress) == ("available", "100%")
        assert [row.key for row in snapshot.snapshot_metadata] == ["purpose"]
        volume = snapshot.volume
        assert [row.value for row in volume.volume_admin_metadata] == ["raw"]
        assert [row.connector for row in volume.volume_attachment] == ["{}"]


def test_cinder_reads_what_the_models_wrote(cinder):
    migration.upgrade(cinder)
    volume = models.Volume(id="v", volume_type_id=TYPE, size=2)
    volume.name_id = "w"
    snapshot = models.Snapshot(
        id="s", volume=volume, volume_type_id=TYPE, status="creating"
    )
    add(
        cinder,
        snapshot,
        models.VolumeAdminMetadata(volume=volume, key="format", value="raw"),
        models.VolumeAttachment(volume=volume, id="a"),
        models.SnapshotMetadata(snapshot=snapshot, key="k", value="x"),
    )
    seen = ask_cinder("read", cinder.url.database)
    assert [row for row in seen if row["id"] == "s"] == [
        {
            "id": "s",
            "name": "snapshot-s",
            "volume_name": "volume-w",
            "status": "creating",
            "metadata": {"k": "x"},
            "volume admin metadata": {"format": "raw"},
            "attachments": ["a"],
            "use_quota": True,
        }
    ]


def test_cinder_purges_the_kits_rows_before_those_they_refer_to(cinder):
    migration.upgrade(cinder)
    add(cinder, a_fact(key="snapshot_status", value="creating_compute"))
    with cinder.begin() as connection:
        for table in models.Base.metadata.sorted_tables:
            if "deleted" in table.columns:
                connection.execute(
                    sa.update(table).values(
                        deleted=True, deleted_at=sa.text("'2020-01-01'")
                    )
                )
        connection.exec_driver_sql(
            "UPDATE volume_metadata SET deleted=1, deleted_at='2020-01-01'"
        )
    ask_cinder("purge", cinder.url.database)
    with cinder.connect() as connection:
        for model in (models.SnapshotAdminMetadata, models.Volume):
            assert not connection.scalars(sa.select(model)).all()
