# SPDX-License-Identifier: Apache-2.0
"""What else a Cinder 29 leaves: torn files, missing and wrong formats."""

from __future__ import annotations

import pytest
from cinder_database import needs_cinder
from cinder_death import Place
from cinder_process import in_cinders_process

from assisted_kit.driver import Operation
from fakes.compute import Fault
from reference_driver.errors import DamagedInfoFile
from reference_driver.errors import ForeignImage

pytestmark = needs_cinder

ATTACHED = {"detached": False, "attached": True}


def a_volume(cinder, *, attached=True, snapshots=0, **options):
    """A volume of Cinder's with snapshots."""
    from travelling_volume import TravellingVolume

    volume = TravellingVolume(cinder.cloud(**options), attached=attached)
    volume.take_many(snapshots)
    return volume


def refuses_everything(volume, error, snapshot_id=None):
    """Whatever is asked for is refused, and no file is touched."""
    service = volume.cloud.serving
    before = volume.files()
    with pytest.raises(error):
        service.connection(volume.id)
    taken = service.accept_snapshot(volume.id)
    service.take_snapshot(taken)
    volume.expect(taken, "error")
    if snapshot_id:
        service.delete_snapshot(snapshot_id, force=True)
        volume.expect(snapshot_id, "error_deleting")
    if volume.instance is None:
        with pytest.raises(error):
            service.clone(volume.id)
        with pytest.raises(error):
            service.extend(volume.id, 2)
    assert volume.files() == before


@pytest.mark.parametrize("attached", ATTACHED.values(), ids=ATTACHED)
@in_cinders_process
def test_an_info_file_torn_by_a_create(cinder, attached):
    volume = a_volume(cinder, attached=attached, snapshots=1)
    failed = volume.take(expect="creating", dying_at=Place.INSIDE_INFO_FILE)
    volume.cloud.upgrade()
    volume.expect(failed, "error")
    refuses_everything(volume, DamagedInfoFile, failed)


@pytest.mark.parametrize("attached", ATTACHED.values(), ids=ATTACHED)
@in_cinders_process
def test_an_info_file_torn_by_a_delete(cinder, attached):
    volume = a_volume(cinder, attached=attached, snapshots=2)
    oldest = next(iter(volume.snapshots))
    volume.delete(oldest, expect="deleting", dying_at=Place.INSIDE_INFO_FILE)
    volume.cloud.upgrade()
    volume.expect(oldest, "error_deleting")
    refuses_everything(volume, DamagedInfoFile, oldest)


@in_cinders_process
def test_a_torn_info_file_put_right(cinder):
    volume = a_volume(cinder, snapshots=1)
    whole = volume.files()[f"{volume.name}.info"]
    failed = volume.take(expect="creating", dying_at=Place.INSIDE_INFO_FILE)
    volume.write()
    volume.cloud.upgrade()
    volume.write_info(whole)
    volume.delete(failed)
    volume.write()
    volume.read_back()


@pytest.mark.parametrize("snapshots", [0, 2])
@pytest.mark.parametrize("attached", ATTACHED.values(), ids=ATTACHED)
@in_cinders_process
def test_no_format_was_recorded_of_a_raw_volume(cinder, attached, snapshots):
    volume = a_volume(cinder, attached=attached, snapshots=snapshots)
    volume.cloud.serving.forget_formats(volume.id)
    volume.cloud.upgrade()
    volume.read_back()
    taken = volume.take()
    volume.write()
    assert volume.cloud.serving.formats(volume.id) == {
        "format": "qcow2",
        "base_format": "raw",
    }
    volume.delete(next(iter(volume.snapshots)))
    volume.read_back()
    volume.cloud.downgrade()
    if snapshots:
        volume.delete(taken)
    volume.take()
    volume.write()
    volume.read_back()


@pytest.mark.parametrize("snapshots", [0, 1])
@in_cinders_process
def test_no_format_was_recorded_of_a_qcow2_volume(cinder, snapshots):
    volume = a_volume(
        cinder, attached=False, snapshots=snapshots, base_format="qcow2"
    )
    volume.write()
    volume.cloud.serving.forget_formats(volume.id)
    volume.cloud.upgrade()
    # It may be a raw volume whose guest has written a qcow2 image.
    refuses_everything(volume, ForeignImage)


@in_cinders_process
def test_cinder_failed_since_no_format_was_recorded(cinder):
    volume = a_volume(cinder)
    volume.cloud.serving.forget_formats(volume.id)
    # LIVE-6: the guest is on the overlay, which no info file names.
    failed = volume.take(expect="error")
    volume.write()
    volume.cloud.upgrade()
    volume.read_back()
    volume.delete(failed)
    volume.take()
    volume.write()
    volume.read_back()


@pytest.mark.parametrize("base_format", ["raw", "qcow2"])
@in_cinders_process
def test_base_format_is_stored_before_nova_is_asked(cinder, base_format):
    volume = a_volume(cinder, snapshots=1, base_format=base_format)
    (leaving,) = volume.snapshots
    volume.cloud.faults.on(Operation.DELETE, Fault.ERROR_REPORT)
    volume.delete(leaving, expect="error_deleting")
    # LIVE-8, wrong if the base image is raw.
    formats = volume.cloud.serving.formats(volume.id)
    assert formats["base_format"] == "qcow2"
    volume.cloud.upgrade()
    volume.read_back()
    taken = volume.take()
    volume.write()
    volume.read_back()
    assert volume.cloud.serving.formats(volume.id) == {
        "format": "qcow2",
        "base_format": base_format,
    }
    volume.detach()
    for snapshot_id in (leaving, taken):
        volume.delete(snapshot_id, force=True)
        volume.write()
        volume.read_back()
    assert volume.active().format == base_format


@pytest.mark.parametrize("attached", ATTACHED.values(), ids=ATTACHED)
@in_cinders_process
def test_a_migrated_volume(cinder, attached):
    volume = a_volume(cinder, attached=False)
    volume.cloud.serving.migrate(volume.id)
    assert volume.id not in volume.name
    if attached:
        volume.attach()
    volume.take_many(2)
    volume.cloud.upgrade()
    volume.read_back()
    volume.take()
    volume.write()
    for snapshot_id in list(volume.snapshots)[:2]:
        volume.delete(snapshot_id)
        volume.write()
        volume.read_back()
    assert volume.files_named_after(volume.id) == set()
    volume.cloud.downgrade()
    volume.read_back()
    volume.read_copies_back()
    volume.take()
    volume.write()
    volume.read_back()
