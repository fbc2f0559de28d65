# SPDX-License-Identifier: Apache-2.0
"""When the fake Nova reads connection information again, and what then."""

from __future__ import annotations

import pytest
from toy_cloud import Cloud
from toy_cloud import filled
from toy_cloud import PATIENCE
from toy_cloud import PIECE

from assisted_kit.driver import Operation
from fakes.compute import Fault
from fakes.compute import HypervisorError
from fakes.compute.history import Refresh


@pytest.fixture
def cloud(tmp_path):
    cloud = Cloud(tmp_path)
    yield cloud
    cloud.close()


def test_a_create_reads_the_new_name_when_creating_is_over(cloud):
    seen = []

    def look(_snapshot):
        cloud.nova.join(PATIENCE)
        seen.append((cloud.stored_name(), cloud.known_name()))

    cloud.driver.on_complete = look
    snapshot_id = cloud.snapshot()
    # Before the status changed there was only the old name to read.
    assert seen == [(cloud.base, cloud.base)]
    overlay = cloud.overlay(snapshot_id)
    assert (cloud.stored_name(), cloud.known_name()) == (overlay, overlay)
    (refresh,) = cloud.history.of(Refresh)
    assert refresh.connection_info["name"] == overlay
    assert overlay in str(refresh)


def test_a_delete_reads_right_after_its_report(cloud):
    snapshot_id = cloud.snapshot()
    seen = []

    def look(_snapshot):
        cloud.nova.join(PATIENCE)
        seen.append(len(cloud.history.of(Refresh)))

    cloud.driver.on_complete = look
    cloud.delete(snapshot_id)
    assert cloud.settle() == "deleted"
    assert seen == [2]
    assert len(cloud.history.of(Refresh)) == 2


def test_an_error_report_is_not_followed_by_a_look(cloud):
    cloud.faults.on(Operation.CREATE, Fault.ERROR_AFTER_WORK)
    cloud.create()
    assert cloud.settle() == "error"
    assert cloud.history.of(Refresh) == []
    assert cloud.known_name() == cloud.base


def test_a_deadline_ends_the_wait_of_a_create(cloud):
    cloud.faults.on(Operation.CREATE, Fault.NEVER_REPORT)
    cloud.create()
    cloud.quiet()
    assert cloud.history.of(Refresh) == []
    cloud.clock.advance(8000)
    assert cloud.settle() == "error"
    assert len(cloud.history.of(Refresh)) == 1


def test_a_forced_delete_ends_the_wait_of_a_create(cloud):
    cloud.faults.on(Operation.CREATE, Fault.NEVER_REPORT)
    snapshot_id = cloud.create()
    cloud.quiet()
    cloud.delete(snapshot_id, force=True)
    cloud.settle()
    cloud.quiet()
    assert len(cloud.history.of(Refresh)) == 1


def test_a_running_guest_does_not_open_what_nova_has_read(cloud):
    cloud.faults.on(Operation.CREATE, Fault.DONE_WITHOUT_WORK)
    snapshot_id = cloud.create()
    assert cloud.settle() == "available"
    assert cloud.known_name() == cloud.overlay(snapshot_id)
    assert cloud.disk.image.path.name == cloud.base
    cloud.instance.restart()
    assert cloud.disk.image.path.name == cloud.overlay(snapshot_id)


def test_a_restart_opens_what_nova_knows_and_not_what_is_stored(cloud):
    cloud.disk.write(0, filled(1))
    cloud.faults.on(Operation.CREATE, Fault.DIE_AFTER_WORK)
    snapshot_id = cloud.create()
    cloud.quiet()
    cloud.disk.write(0, filled(2))
    assert cloud.time_out() == "error"
    assert cloud.stored_name() == cloud.overlay(snapshot_id)
    cloud.instance.restart()
    # That is how a dead compute service forks a disk: LP#1304695.
    assert cloud.disk.image.path.name == cloud.base
    assert cloud.disk.read(0, PIECE) == filled(1)


def test_what_is_read_after_a_detach_is_nobodys(cloud):
    cloud.faults.on(Operation.CREATE, Fault.REPORT_LATE)
    cloud.create()
    cloud.quiet()
    cloud.instance.detach(cloud.volume.id)
    cloud.nova.release()
    cloud.settle()
    assert cloud.history.of(Refresh) == []


def test_an_attachment_that_does_not_open_is_undone(cloud):
    other = cloud.manager.volumes.create(1)
    (cloud.share / other.name).unlink()
    with pytest.raises(HypervisorError, match="No such file"):
        cloud.instance.attach(cloud.manager.volumes, other.id)
    assert cloud.manager.volumes.ref(other.id).volume_attachment == []
    assert cloud.instance.disks == (cloud.disk,)


def test_an_instance_that_does_not_find_its_image_stays_off(cloud):
    cloud.instance.stop()
    (cloud.share / cloud.base).unlink()
    with pytest.raises(HypervisorError, match="No such file"):
        cloud.instance.start()
    assert not cloud.instance.active
    with pytest.raises(HypervisorError, match="not running"):
        cloud.disk.read(0, PIECE)
