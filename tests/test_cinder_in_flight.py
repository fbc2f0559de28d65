# SPDX-License-Identifier: Apache-2.0
"""An upgrade while Cinder 29 is at work, or has failed, on a snapshot.

Rows in ``creating`` and ``deleting`` without a phase, overlays that nobody
recorded, merges that nobody heard of: the manager fails what it finds in
flight as a restart does, guests go on, and a delete converges.
"""

from __future__ import annotations

import pytest
from cinder_database import needs_cinder
from cinder_death import Place
from cinder_process import in_cinders_process

from assisted_kit.driver import Operation
from fakes.compute import Fault

pytestmark = needs_cinder

CREATES = {
    "overlay made": (None, Place.BEFORE_NOVA),
    "Nova told": (Fault.DIE_BEFORE_WORK, Place.WAITING),
    "guest switched": (Fault.DIE_AFTER_WORK, Place.WAITING),
    "reported": (None, Place.WAITING),
    "formats stored": (None, Place.INFO_FILE),
}
"""How far a create of Cinder's came: Nova's fault and where it died."""

FAILED_CREATES = {
    "refused": Fault.REFUSE,
    "error reported": Fault.ERROR_REPORT,
    "guest switched and error reported": Fault.ERROR_AFTER_WORK,
    "guest switched and timed out": Fault.DIE_AFTER_WORK,
}

DELETES = {
    "nothing done": (None, Place.BEFORE_NOVA),
    "Nova told": (Fault.DIE_BEFORE_WORK, Place.WAITING),
    "merged": (Fault.DIE_AFTER_WORK, Place.WAITING),
    "reported": (None, Place.WAITING),
    "info file due": (None, Place.INFO_FILE),
    "removal due": (None, Place.REMOVAL),
}

FAILED_DELETES = {
    "refused": Fault.REFUSE,
    "error reported": Fault.ERROR_REPORT,
    "merged and error reported": Fault.ERROR_AFTER_WORK,
}


def named(table, slow=()):
    """The rows of a table with readable names; some of them are slow."""
    return [
        pytest.param(
            value,
            id=name.replace(" ", "-"),
            marks=[pytest.mark.slow] if name in slow else [],
        )
        for name, value in table.items()
    ]


def a_volume(cinder, **options):
    """A volume of Cinder's, attached to a running guest."""
    from travelling_volume import TravellingVolume

    return TravellingVolume(cinder.cloud(**options), attached=True)


def goes_on(volume):
    """The guest writes, snapshots are taken, and Cinder takes over."""
    volume.write()
    volume.take()
    volume.write()
    volume.read_back()
    volume.cloud.downgrade()
    volume.read_back()
    volume.take()
    volume.write()
    volume.read_back()


def goes_on_to_its_end(volume):
    """And every snapshot and the volume itself are deleted."""
    volume.detach()
    volume.attach()
    goes_on(volume)
    volume.cloud.upgrade()
    for snapshot_id in list(volume.snapshots):
        volume.delete(snapshot_id)
        volume.write()
        volume.read_back()
    volume.detach()
    volume.cloud.serving.delete_volume(volume.id)
    assert not volume.files_named_after(volume.id)


def a_create_in_flight(cinder, came_to, earlier=0):
    """A volume, and its snapshot that Cinder died over."""
    fault, place = came_to
    volume = a_volume(cinder)
    volume.take_many(earlier)
    if fault:
        volume.cloud.faults.on(Operation.CREATE, fault)
    return volume, volume.take(expect="creating", dying_at=place)


@pytest.mark.parametrize("came_to", named(CREATES))
@in_cinders_process
def test_a_create_in_flight(cinder, came_to):
    volume, failed = a_create_in_flight(cinder, came_to, earlier=1)
    volume.cloud.upgrade()
    volume.expect(failed, "error")
    volume.write()
    volume.read_back()
    volume.delete(failed)
    volume.write()
    volume.read_back()
    # A guest that was never switched opens what is recorded now.
    volume.detach()
    volume.attach()
    goes_on(volume)


@pytest.mark.parametrize(
    "came_to", named(CREATES, slow=CREATES.keys() - {"guest switched"})
)
@in_cinders_process
def test_a_create_that_cinder_failed_when_it_started_again(cinder, came_to):
    volume, failed = a_create_in_flight(cinder, came_to)
    volume.cloud.hand_back().restart()
    volume.cloud.upgrade()
    volume.expect(failed, "error")
    volume.write()
    # Whoever set ``error`` has not told the attachment of the overlay.
    volume.read_back(attachment=False)
    volume.delete(failed)
    volume.write()
    volume.read_back()
    goes_on_to_its_end(volume)


@in_cinders_process
def test_nova_switches_the_guest_after_the_upgrade(cinder):
    volume, failed = a_create_in_flight(cinder, CREATES["Nova told"])
    volume.cloud.upgrade()
    volume.instance.disk(volume.id).switch(f"{volume.name}.{failed}")
    volume.write()
    volume.read_back()
    volume.delete(failed)
    volume.write()
    volume.read_back()
    goes_on(volume)


@in_cinders_process
def test_nothing_is_done_to_a_chain_with_a_create_of_unknown_outcome(cinder):
    volume, failed = a_create_in_flight(
        cinder, CREATES["guest switched"], earlier=1
    )
    (settled,) = volume.snapshots
    volume.cloud.upgrade()
    before = volume.files()
    volume.cloud.serving.delete_snapshot(settled)
    volume.expect(settled, "error_deleting")
    assert volume.files() == before
    volume.delete(failed)
    volume.delete(settled, force=True)
    goes_on(volume)


@pytest.mark.parametrize("fault", named(FAILED_CREATES))
@in_cinders_process
def test_a_failed_create(cinder, fault):
    volume = a_volume(cinder)
    volume.take_many(1)
    volume.cloud.faults.on(Operation.CREATE, fault)
    failed = volume.take(expect="error")
    volume.write()
    volume.cloud.upgrade()
    volume.delete(failed)
    volume.write()
    volume.read_back()
    goes_on_to_its_end(volume)


@pytest.mark.parametrize(
    "position",
    [
        pytest.param(0, id="oldest"),
        pytest.param(1, id="middle", marks=pytest.mark.slow),
        pytest.param(2, id="newest"),
    ],
)
@pytest.mark.parametrize(
    "came_to", named(DELETES, slow={"nothing done", "info file due"})
)
@in_cinders_process
def test_a_delete_in_flight(cinder, came_to, position):
    fault, place = came_to
    volume = a_volume(cinder)
    leaving = volume.take_many(3)[position]
    if fault:
        volume.cloud.faults.on(Operation.DELETE, fault)
    volume.delete(leaving, expect="deleting", dying_at=place)
    volume.write()
    volume.cloud.upgrade()
    volume.expect(leaving, "error_deleting")
    volume.read_back()
    volume.delete(leaving, force=True)
    volume.write()
    volume.read_back()
    if place is Place.REMOVAL:
        goes_on_to_its_end(volume)
    else:
        goes_on(volume)


@pytest.mark.parametrize(
    "base_format", ["raw", pytest.param("qcow2", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "came_to", named(DELETES, slow={"nothing done", "info file due"})
)
@in_cinders_process
def test_a_delete_of_the_only_snapshot_in_flight(cinder, came_to, base_format):
    fault, place = came_to
    volume = a_volume(cinder, base_format=base_format)
    (leaving,) = volume.take_many(1)
    if fault:
        volume.cloud.faults.on(Operation.DELETE, fault)
    volume.delete(leaving, expect="deleting", dying_at=place)
    volume.write()
    volume.cloud.upgrade()
    volume.expect(leaving, "error_deleting")
    volume.read_back()
    volume.delete(leaving, force=True)
    volume.write()
    volume.read_back()
    goes_on(volume)


@pytest.mark.parametrize(
    "position",
    [
        pytest.param(0, id="oldest"),
        pytest.param(1, id="middle", marks=pytest.mark.slow),
        pytest.param(2, id="newest"),
    ],
)
@pytest.mark.parametrize("fault", named(FAILED_DELETES, slow={"refused"}))
@in_cinders_process
def test_a_failed_delete(cinder, fault, position):
    volume = a_volume(cinder)
    leaving = volume.take_many(3)[position]
    volume.cloud.faults.on(Operation.DELETE, fault)
    volume.delete(leaving, expect="error_deleting")
    stale = "100%" if fault is Fault.REFUSE else "90%"
    assert volume.cloud.serving.snapshot(leaving).progress == stale
    volume.write()
    volume.cloud.upgrade()
    # LIVE-1: nothing is removed on the strength of an earlier report.
    volume.cloud.faults.on(Operation.DELETE, Fault.DIE_BEFORE_WORK)
    before = set(volume.files())
    volume.cloud.serving.delete_snapshot(leaving, force=True)
    if fault is not Fault.ERROR_AFTER_WORK:
        volume.expect(leaving, "deleting")
        assert set(volume.files()) == before
        volume.delete(leaving, force=True)
    volume.expect(leaving, "deleted")
    volume.write()
    volume.read_back()
    goes_on(volume)
