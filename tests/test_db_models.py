# SPDX-License-Identifier: Apache-2.0
"""The kit's models are Cinder 29's, where Cinder has them."""

from __future__ import annotations

import datetime

import pytest
import sqlalchemy as sa
from cinder_database import ask_cinder
from cinder_database import columns
from cinder_database import needs_cinder
from oslo_db import exception
from sqlalchemy import orm

from assisted_kit.db import engine as db_engine
from assisted_kit.db import models

FROM_CINDER = (
    "volumes",
    "volume_attachment",
    "volume_admin_metadata",
    "snapshots",
    "snapshot_metadata",
)


@pytest.fixture(scope="module")
def cinders():
    return ask_cinder("columns")


@pytest.fixture
def session():
    engine = db_engine.create_engine("sqlite://")
    models.Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        yield session
    engine.dispose()


def a_snapshot(**values):
    volume = models.Volume(id="v", volume_type_id="t", size=1)
    return models.Snapshot(
        id="s", volume=volume, volume_type_id="t", volume_size=1, **values
    )


@needs_cinder
@pytest.mark.parametrize("table", FROM_CINDER)
def test_columns_are_declared_as_in_cinder(table, cinders):
    ours = columns(models.Base, [table])[table]
    theirs = {name: cinders[table].get(name) for name in ours}
    assert ours == theirs


@needs_cinder
@pytest.mark.parametrize("table", FROM_CINDER)
def test_no_column_that_cinder_requires_is_missing(table, cinders):
    required = {
        name
        for name, (_, _, nullable, *_) in cinders[table].items()
        if not nullable
    }
    assert required <= columns(models.Base, [table])[table].keys()


@needs_cinder
def test_cinder_has_no_table_of_these_names(cinders):
    ours = set(models.Base.metadata.tables) - set(FROM_CINDER)
    assert ours == {"snapshot_admin_metadata", "snapshot_claims"}
    assert not ours & cinders.keys()


def test_admin_metadata_has_the_columns_of_the_contract():
    described = columns(models.Base, ["snapshot_admin_metadata"])
    table = described["snapshot_admin_metadata"]
    alike = columns(models.Base, ["volume_admin_metadata"])
    assert table.keys() == {
        *alike["volume_admin_metadata"],
        "snapshot_id",
    }
    assert table["key"][:3] == ["String", 255, False]
    assert table["value"][:3] == ["String", 255, True]
    assert table["volume_id"][4] == ["volumes.id"]
    assert table["snapshot_id"][4] == ["snapshots.id"]


def test_a_volume_is_named_by_its_name_id():
    volume = models.Volume(id="here")
    assert (volume.name_id, volume.name) == ("here", "volume-here")
    volume.name_id = "there"
    assert (volume.name_id, volume.name) == ("there", "volume-there")


def test_a_snapshot_is_named_by_its_id():
    snapshot = a_snapshot()
    assert snapshot.name == "snapshot-s"
    assert snapshot.volume_name == "volume-v"


def test_fields_are_reached_as_attributes_and_as_items():
    snapshot = a_snapshot(status="creating")
    assert snapshot["status"] == snapshot.status == "creating"
    snapshot["status"] = "available"
    assert snapshot.get("status") == "available"
    assert "provider_id" in snapshot
    assert "colour" not in snapshot


def test_a_stored_row_has_cinders_defaults_and_a_time(session):
    session.add(a_snapshot())
    session.commit()
    volume = session.get_one(models.Volume, "v")
    assert (volume.deleted, volume.deleted_at) == (False, None)
    assert (volume.bootable, volume.multiattach) == (False, False)
    assert volume.use_quota is True
    assert isinstance(volume.created_at, datetime.datetime)
    assert volume.updated_at is None


def test_a_change_by_statement_is_timed_too(session):
    session.add(a_snapshot())
    session.commit()
    session.execute(sa.update(models.Snapshot).values(status="error"))
    assert session.scalar(sa.select(models.Snapshot.updated_at))


def test_relationships_show_what_is_not_marked_deleted(session):
    snapshot = a_snapshot()
    volume = snapshot.volume
    for marked in (False, True):
        number = str(marked)
        pair = {"key": number, "value": "x", "deleted": marked}
        volume.volume_attachment.append(
            models.VolumeAttachment(id=number, deleted=marked)
        )
        volume.volume_admin_metadata.append(models.VolumeAdminMetadata(**pair))
        snapshot.snapshot_metadata.append(models.SnapshotMetadata(**pair))
        snapshot.snapshot_admin_metadata.append(
            models.SnapshotAdminMetadata(volume=volume, **pair)
        )
    session.add(snapshot)
    session.commit()
    assert [row.id for row in volume.volume_attachment] == ["False"]
    assert [row.key for row in volume.volume_admin_metadata] == ["False"]
    assert [row.key for row in snapshot.snapshot_metadata] == ["False"]
    assert [row.key for row in snapshot.snapshot_admin_metadata] == ["False"]


def test_a_snapshot_has_an_admin_metadata_key_once(session):
    snapshot = a_snapshot()
    for marked in (False, True):
        session.add(
            models.SnapshotAdminMetadata(
                key="k",
                value="x",
                deleted=marked,
                snapshot=snapshot,
                volume=snapshot.volume,
            )
        )
    with pytest.raises(exception.DBDuplicateEntry):
        session.commit()


def test_a_chain_has_one_claim(session):
    session.add_all(
        [
            a_snapshot(),
            models.SnapshotClaim(volume_id="v", owner="a", snapshot_id="s"),
        ]
    )
    session.commit()
    claim = sa.insert(models.SnapshotClaim)
    with pytest.raises(exception.DBDuplicateEntry):
        session.execute(claim.values(volume_id="v", owner="b"))


def test_a_claim_is_on_a_volume_that_exists(session):
    session.add(models.SnapshotClaim(volume_id="nowhere", owner="a"))
    with pytest.raises(exception.DBReferenceError):
        session.commit()
