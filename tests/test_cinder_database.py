# SPDX-License-Identifier: Apache-2.0
"""Cinder's objects on a migrated database, and on one that was taken back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from cinder_database import needs_cinder
from cinder_death import Place
from cinder_process import in_cinders_process
from database_contents import dump

from assisted_kit.db import migration
from assisted_kit.driver import Operation
from fakes.compute import Fault

pytestmark = needs_cinder

OWN = {
    "snapshot_admin_metadata",
    "snapshot_claims",
    migration.VERSION_TABLE,
}


def a_volume(cinder, snapshots):
    """An attached volume of Cinder's with snapshots."""
    from travelling_volume import TravellingVolume

    volume = TravellingVolume(cinder.cloud(), attached=True)
    volume.take_many(snapshots)
    return volume


def contents(volume):
    """Every table but the kit's own."""
    engine = sa.create_engine(volume.cloud.url)
    try:
        return dump(engine, but=OWN)
    finally:
        engine.dispose()


def snapshots_of(volume):
    """What Cinder lists."""
    from cinder import objects

    return {
        found.id: found
        for found in objects.SnapshotList.get_all_for_volume(
            volume.cloud.serving.context, volume.id
        )
    }


@in_cinders_process
def test_an_upgrade_and_the_way_back_change_no_row(cinder):
    volume = a_volume(cinder, 2)
    before = contents(volume)
    volume.cloud.upgrade()
    assert contents(volume) == before
    volume.cloud.downgrade()
    assert contents(volume) == before


@in_cinders_process
def test_only_rows_in_flight_are_changed_by_a_start(cinder):
    volume = a_volume(cinder, 1)
    volume.cloud.faults.on(Operation.CREATE, Fault.DIE_AFTER_WORK)
    failed = volume.take(expect="creating", dying_at=Place.WAITING)
    before = contents(volume)
    volume.cloud.upgrade()
    after = contents(volume)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"snapshots", "volume_attachment"}
    assert {
        row.id
        for row, was in zip(
            after["snapshots"][1], before["snapshots"][1], strict=True
        )
        if row != was
    } == {failed}


@in_cinders_process
def test_cinder_uses_the_migrated_database(cinder):
    volume = a_volume(cinder, 2)
    volume.cloud.upgrade()
    ours = volume.take()
    volume.write()
    service = volume.cloud.hand_back()
    listed = snapshots_of(volume)
    assert listed.keys() == volume.snapshots.keys()
    assert {(s.status, s.progress) for s in listed.values()} == {
        ("available", "100%")
    }
    for snapshot in (listed[ours], *listed.values()):
        snapshot.display_name = "changed"
        snapshot.metadata = {"purpose": "test"}
        snapshot.save()
        found = service.snapshot(snapshot.id)
        assert found.display_name == "changed"
        assert found.metadata == {"purpose": "test"}
        assert found.volume.admin_metadata["base_format"] == "raw"
    theirs = volume.take()
    volume.delete(ours)
    assert ours not in snapshots_of(volume)
    volume.read_back()
    # And what Cinder did meanwhile is found by the next upgrade.
    volume.cloud.upgrade()
    volume.write()
    volume.read_back()
    volume.delete(theirs)
    volume.write()
    volume.read_back()


@in_cinders_process
def test_no_way_back_while_a_snapshot_is_in_flight(cinder):
    volume = a_volume(cinder, 1)
    volume.cloud.upgrade()
    volume.cloud.faults.on(Operation.CREATE, Fault.DIE_AFTER_WORK)
    in_flight = volume.take(expect="creating")
    before = contents(volume)
    volume.cloud.serving.close()
    with pytest.raises(migration.MigrationRefused, match=in_flight):
        volume.cloud.downgrade()
    assert contents(volume) == before
    volume.cloud.upgrade().let_deadline_pass()
    volume.expect(in_flight, "error")
    volume.write()
    volume.read_back()
    volume.delete(in_flight)
    volume.cloud.downgrade()
    volume.read_back()
    volume.take()
    volume.write()
    volume.read_back()
