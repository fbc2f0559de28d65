# SPDX-License-Identifier: Apache-2.0
"""A driver that is written for the hooks, in a Cinder that calls none.

Rows are written by Cinder's own code, the driver gets Cinder's own objects,
and Nova, an old one, reports to Cinder's own controller.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from cinder_database import needs_cinder
from cinder_death import Place
from cinder_process import in_cinders_process

from assisted_kit.driver import Operation
from fakes.compute import Fault

pytestmark = needs_cinder


def a_volume(cinder, *, attached=True, **options):
    from travelling_volume import TravellingVolume

    cloud = cinder.cloud(driver="blocking", **options)
    return TravellingVolume(cloud, attached=attached)


def kept_of(volume):
    """What is kept of the volume's snapshots."""
    from assisted_kit.cinder.blocking import kept

    found = volume.cloud.serving.volume(volume.id).admin_metadata
    return {key for key in found if key.startswith(kept.PREFIX)}


@pytest.mark.parametrize(
    ("base_format", "attached"),
    [
        ("raw", True),
        ("qcow2", False),
        pytest.param("raw", False, marks=pytest.mark.slow),
        pytest.param("qcow2", True, marks=pytest.mark.slow),
    ],
)
@in_cinders_process
def test_snapshots_come_and_go(cinder, base_format, attached):
    volume = a_volume(cinder, base_format=base_format, attached=attached)
    oldest, inner, newest = volume.take_many(3)
    volume.read_back()
    volume.read_copies_back()
    for snapshot_id in (inner, newest, oldest):
        volume.delete(snapshot_id)
        volume.write()
        volume.read_back()
    assert kept_of(volume) == set()
    if attached:
        volume.detach()
    volume.cloud.serving.delete_volume(volume.id)
    assert not volume.files_named_after(volume.id)


@in_cinders_process
def test_nova_refuses(cinder):
    volume = a_volume(cinder)
    volume.cloud.faults.on(Operation.CREATE, Fault.REFUSE)
    failed = volume.take(expect="error")
    volume.read_back()
    taken = volume.take()
    volume.cloud.faults.on(Operation.DELETE, Fault.REFUSE)
    volume.delete(taken, expect="error_deleting")
    volume.write()
    volume.read_back()
    for snapshot_id in (failed, taken):
        volume.delete(snapshot_id, force=True)
        volume.read_back()
    assert kept_of(volume) == set()


@pytest.mark.parametrize(
    "fault",
    [Fault.ERROR_REPORT, Fault.ERROR_AFTER_WORK, Fault.DIE_AFTER_WORK],
)
@in_cinders_process
def test_a_failed_create_is_in_doubt_until_it_is_deleted(cinder, fault):
    volume = a_volume(cinder)
    volume.cloud.faults.on(Operation.CREATE, fault)
    failed = volume.take(expect="error")
    volume.write()
    volume.read_back()
    refused = volume.take(expect="error")
    volume.delete(refused, expect="error_deleting")
    volume.delete(failed)
    volume.delete(refused, force=True)
    volume.take()
    volume.write()
    volume.read_back()


@in_cinders_process
def test_what_was_reported_last_time_does_not_count(cinder):
    # LIVE-1: the progress of a failed delete is '90%' still.
    volume = a_volume(cinder)
    older, newer = volume.take_many(2)
    volume.cloud.faults.on(Operation.DELETE, Fault.ERROR_REPORT)
    volume.delete(older, expect="error_deleting")
    assert volume.cloud.serving.snapshot(older).progress == "90%"
    volume.cloud.faults.on(Operation.DELETE, Fault.DIE_BEFORE_WORK)
    volume.delete(older, force=True, expect="error_deleting")
    volume.write()
    volume.read_back()
    volume.delete(older, force=True)
    volume.delete(newer)
    volume.read_back()


@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize(
    ("place", "fault"),
    [
        (Place.BEFORE_NOVA, None),
        (Place.WAITING, Fault.DIE_BEFORE_WORK),
        (Place.WAITING, Fault.DIE_AFTER_WORK),
    ],
)
@in_cinders_process
def test_the_process_dies(cinder, operation, place, fault):
    volume = a_volume(cinder)
    survivor = volume.take()
    if operation is Operation.CREATE:
        if fault:
            volume.cloud.faults.on(operation, fault)
        snapshot_id = volume.take(expect="creating", dying_at=place)
    else:
        snapshot_id = volume.take()
        if fault:
            volume.cloud.faults.on(operation, fault)
        volume.delete(snapshot_id, expect="deleting", dying_at=place)
    volume.cloud.hand_back().restart()
    volume.write()
    volume.delete(snapshot_id, force=True)
    volume.write()
    volume.read_back()
    # A guest that was never switched opens what is recorded now.
    volume.detach()
    volume.attach()
    volume.delete(survivor)
    volume.take()
    volume.read_back()


@in_cinders_process
def test_a_clone_of_an_attached_volume_is_of_a_temporary_snapshot(cinder):
    volume = a_volume(cinder)
    volume.take()
    volume.write()
    serving = volume.cloud.serving
    source = serving.volume(volume.id)
    clone = serving._new_volume(source_volid=volume.id)
    serving._made(clone, serving.driver.create_cloned_volume(clone, source))
    (snapshot,) = serving.volume(volume.id).snapshots
    assert snapshot.id in volume.snapshots
    volume.read_copy_back(clone.id)
    volume.write()
    volume.read_back()


@in_cinders_process
def test_a_hook_cannot_save_what_it_is_handed(cinder):
    from assisted_kit.cinder.blocking.views import SnapshotView
    from assisted_kit.refs import NotWritable

    volume = a_volume(cinder)
    serving = volume.cloud.serving
    ref = SnapshotView(serving.snapshot(volume.take()))
    (attachment,) = ref.volume.volume_attachment
    for owner in (ref, ref.volume, attachment):
        for forbidden in (owner.save, owner.refresh):
            with pytest.raises(NotWritable):
                forbidden()
    with pytest.raises(NotWritable):
        ref.progress = "90%"
    with pytest.raises(TypeError):
        ref.snapshot_admin_metadata["key"] = "value"
    assert ref["volume"].name == volume.name
    assert attachment.connector["host"]
    assert attachment.connection_info["format"] == "qcow2"


@in_cinders_process
def test_admin_metadata_whoever_asks(cinder):
    from cinder import context
    from cinder import objects

    from assisted_kit.cinder.blocking.views import SnapshotView

    volume = a_volume(cinder)
    snapshot_id = volume.take()
    member = context.RequestContext(user_id="ab", project_id="ab")
    ref = SnapshotView(objects.Snapshot.get_by_id(member, snapshot_id))
    assert ref.volume.admin_metadata["base_format"] == "raw"
    assert ref.snapshot_admin_metadata["create_info:type"] == "qcow2"


@in_cinders_process
def test_a_driver_that_has_nothing_to_set_up(cinder):
    from assisted_kit.cinder.blocking import BlockingSnapshots

    cinder.cloud(driver="blocking")
    driver = type("Driver", (BlockingSnapshots, object), {})()
    driver.do_setup(None)
    assert driver._nova is not None


@in_cinders_process
def test_a_key_that_the_column_does_not_hold(cinder):
    from assisted_kit.cinder.blocking import kept

    volume = a_volume(cinder)
    row = volume.cloud.serving.volume(volume.id)
    with pytest.raises(kept.KeyTooLong, match="209 are the most"):
        kept.store(row, volume.take(), {"short": "1", "k" * 210: "2"})
    assert "short" not in {key.rpartition(":")[2] for key in kept_of(volume)}


@in_cinders_process
def test_who_holds_a_lock_gets_it_again(cinder):
    from assisted_kit.cinder.blocking import locks

    volume = a_volume(cinder, attached=False)
    got_in = threading.Event()

    def attach():
        volume.cloud.serving.connection(volume.id)
        got_in.set()

    with locks.chain(volume.id), locks.Gate(volume.id):
        # As a driver does whose method calls another one of its own.
        volume.cloud.serving.extend(volume.id, 2)
        volume.cloud.serving.connection(volume.id)
        other = threading.Thread(target=attach)
        other.start()
        assert not got_in.wait(0.2)
    other.join()
    assert got_in.is_set()


@in_cinders_process
def test_the_locks_of_a_deleted_volume_are_gone(cinder):
    from cinder.coordination import COORDINATOR

    volume = a_volume(cinder, attached=False)
    directory = Path(COORDINATOR._file_path).parent
    volume.take()
    assert list(directory.glob(f"*assisted-*{volume.id}"))
    for snapshot_id in list(volume.snapshots):
        volume.delete(snapshot_id)
    volume.cloud.serving.delete_volume(volume.id)
    assert not list(directory.glob(f"*assisted-*{volume.id}"))


def volume_manager(volume):
    """Cinder's own volume manager with the volume's driver."""
    from cinder import rpc
    from cinder.volume.manager import VolumeManager
    from cinder_service import HOST
    from oslo_config import cfg
    from oslo_messaging import transport

    # Nobody listens; what is not sent is not asked of.
    cfg.CONF.register_opts(transport._transport_opts)
    cfg.CONF.set_override("transport_url", "fake:/")
    rpc.init(cfg.CONF)
    manager = VolumeManager(
        volume_driver="reference_driver.blocking.BlockingNfsDriver", host=HOST
    )
    manager.driver = volume.cloud.serving.driver
    manager.driver.set_initialized()
    return manager


@in_cinders_process
def test_under_cinders_own_volume_manager(cinder):
    volume = a_volume(cinder)
    serving = volume.cloud.serving
    manager = volume_manager(volume)
    taken = []
    for _ in range(3):
        volume.write()
        taken.append(serving.accept_snapshot(volume.id))
        row = serving.snapshot(taken[-1])
        manager.create_snapshot(serving.context, row)
        volume.expect(taken[-1], "available")
        volume.snapshots[taken[-1]] = volume.ledger.copy()
    assert serving.snapshot(taken[0]).metadata == {"purpose": "upgrade"}
    volume.write()
    volume.read_back()
    for snapshot_id in (taken[1], taken[2], taken[0]):
        row = serving.snapshot(snapshot_id)
        row.status = "deleting"
        row.save()
        manager.delete_snapshot(serving.context, row)
        volume.expect(snapshot_id, "deleted")
        del volume.snapshots[snapshot_id]
        volume.write()
        volume.read_back()
    assert kept_of(volume) == set()
