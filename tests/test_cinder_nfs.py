# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's NfsDriver, unmodified, under the kit's manager and Nova.

A legacy driver that nobody of us wrote: adapter, references, manager and
status API have to fit it as they are.
"""

from __future__ import annotations

import inspect

import pytest
from cinder_database import needs_cinder
from cinder_process import in_cinders_process

from assisted_kit.driver import is_assisted
from assisted_kit.driver import Operation
from fakes.compute import Fault
from fakes.compute import Generation

pytestmark = needs_cinder


@in_cinders_process
def test_it_is_cinders_class_and_has_no_hooks(cinder):
    from cinder.volume.drivers.nfs import NfsDriver

    driver = cinder.deploy().driver
    handed_objects = driver._driver
    assert type(handed_objects._driver) is NfsDriver
    assert not is_assisted(driver)
    signature = inspect.signature(handed_objects.create_volume)
    assert [*signature.parameters] == ["volume"]


@pytest.mark.parametrize("base_format", ["raw", "qcow2"])
@in_cinders_process
def test_snapshots_of_a_detached_volume(cinder, base_format):
    volume = cinder.deploy(base_format=base_format).volume()
    oldest, inner, newest = (volume.written_and_taken() for _ in range(3))
    volume.write()
    volume.read_back()
    assert volume.formats() == {"format": "qcow2", "base_format": base_format}
    for snapshot in (inner, newest, oldest):
        snapshot.delete()
        volume.read_back()
        volume.write()
    volume.read_back()
    assert volume.formats()["format"] == base_format
    volume.delete()
    assert volume.files() == set()


@pytest.mark.parametrize(
    ("base_format", "generation"),
    [
        ("raw", Generation.JUNO),
        ("raw", Generation.DUAL),
        ("raw", Generation.NEW),
        ("qcow2", Generation.DUAL),
    ],
)
@in_cinders_process
def test_snapshots_of_an_attached_volume(cinder, base_format, generation):
    deployment = cinder.deploy(base_format=base_format, generation=generation)
    volume = deployment.volume()
    volume.attach()
    oldest, inner, newest = (volume.written_and_taken() for _ in range(3))
    volume.write()
    volume.read_back()
    assert deployment.nova_calls(newest.id)
    for snapshot in (inner, newest, oldest):
        snapshot.delete()
        volume.read_back()
        volume.write()
    volume.restart()
    volume.write()
    volume.read_back()
    volume.detach()
    volume.delete()
    assert volume.files() == set()


@in_cinders_process
def test_the_attachment_names_the_new_overlay(cinder):
    volume = cinder.deploy().volume()
    volume.attach()
    snapshot = volume.written_and_taken()
    info = volume.connection_info()
    assert info["name"] == f"{volume.name}.{snapshot.id}"
    assert info["format"] == "qcow2"
    # What Nova has read again, and opens at the guest's next start.
    assert volume.instance.disk(volume.id).connection_info == info


@in_cinders_process
def test_cinder_sees_what_the_manager_stored(cinder):
    from cinder_nfs import snapshot_of_cinders

    volume = cinder.deploy().volume()
    snapshot = volume.take_snapshot()
    seen = snapshot_of_cinders(snapshot.id)
    assert (seen.status, seen.progress) == ("available", "100%")
    assert seen.volume.admin_metadata == volume.formats()
    assert seen.volume.provider_location == volume.ref().provider_location


@in_cinders_process
def test_two_volumes_at_a_time(cinder):
    deployment = cinder.deploy()
    volumes = [deployment.volume() for _ in range(2)]
    for volume in volumes:
        volume.attach()
        volume.write()
    snapshots = [volume.start_snapshot() for volume in volumes]
    assert deployment.settle()
    assert [s.status for s in snapshots] == ["available"] * 2
    for volume in volumes:
        volume.read_back()


@in_cinders_process
def test_copies(cinder):
    volume = cinder.deploy().volume()
    volume.write()
    volume.read_copy_back(volume.clone())
    snapshot = volume.take_snapshot()
    volume.write()
    volume.read_copy_back(volume.volume_from(snapshot), snapshot.ledger)


@in_cinders_process
def test_growing(cinder):
    volume = cinder.deploy().volume()
    volume.extend(2)
    assert volume.ref().size == 2
    assert volume.active().path.stat().st_size == 2 * 1024**3


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.ERROR_REPORT])
@in_cinders_process
def test_a_create_that_nova_does_not_do(cinder, fault):
    deployment = cinder.deploy()
    volume = deployment.volume()
    volume.attach()
    volume.write()
    deployment.faults.on(Operation.CREATE, fault)
    failed = volume.take_snapshot(expect="error")
    failed.delete()
    volume.written_and_taken().delete()
    volume.restart()
    volume.read_back()
    volume.detach()
    volume.delete()
    # LIVE-17: the overlay outlives the snapshot and the volume.
    assert volume.files() == {f"{volume.name}.{failed.id}"}


@in_cinders_process
def test_a_create_that_is_never_reported(cinder):
    deployment = cinder.deploy()
    volume = deployment.volume()
    volume.attach()
    deployment.faults.on(Operation.CREATE, Fault.DIE_BEFORE_WORK)
    failed = volume.start_snapshot()
    assert deployment.settle()
    assert failed.status == "creating"
    deployment.let_time_pass(602)
    # Cinder's own deadline, 600 s, has passed for the driver.
    assert failed.status == "error"
    assert failed.ref().progress == "0%"
    volume.snapshots.remove(failed)
    volume.read_back()


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.ERROR_REPORT])
@in_cinders_process
def test_a_delete_that_nova_does_at_the_second_attempt(cinder, fault):
    deployment = cinder.deploy(generation=Generation.JUNO)
    volume = deployment.volume()
    volume.attach()
    volume.written_and_taken()
    # Not the only one: LIVE-8 records a wrong base_format for that.
    snapshot = volume.written_and_taken()
    deployment.faults.on(Operation.DELETE, fault)
    snapshot.delete(expect="error_deleting")
    volume.read_back()
    # LIVE-1 does not strike: the manager starts every delete at 0%.
    snapshot.delete(force=True)
    volume.restart()
    volume.read_back()


@in_cinders_process
def test_images_are_where_the_driver_has_them(cinder):
    deployment = cinder.deploy()
    volume = deployment.volume()
    path = str(volume.active().path)
    assert path == deployment.driver.local_path(volume.ref())
    # A service that was restarted has the share where it was.
    assert path == deployment.new_driver().local_path(volume.ref())
