# SPDX-License-Identifier: Apache-2.0
"""Groups, backups, reverts, cascades and clones of real files and guests.

The reference driver under the kit's manager, with guests that write.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from scripted import ended
from scripted import in_background

from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import NotAllowed
from assisted_kit.driver import Operation
from assisted_kit.subject import load
from conformance import oracle
from conformance.deployment import Deployment
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault
from reference_driver.errors import ChainUnsettled


@pytest.fixture(params=["raw", "qcow2"])
def deployment(request: Any) -> Iterator[Deployment]:
    """A deployment for each format of base images."""
    with Deployment(load(), base_format=request.param) as deployment:
        yield deployment


@pytest.fixture
def volume(deployment: Deployment) -> VolumeUnderTest:
    """A detached volume with two snapshots and more written since."""
    volume = VolumeUnderTest(deployment)
    for _ in range(2):
        volume.write()
        volume.take_snapshot()
    volume.write()
    return volume


def assert_reads_right(volume: VolumeUnderTest) -> None:
    """The volume and all its snapshots hold what they should."""
    assert volume.difference() is None
    for snapshot in volume.snapshots:
        assert volume.snapshot_difference(snapshot) is None


def back_up(volume: VolumeUnderTest) -> Any:
    """A backup; returns how what was read differs from what was written.

    The guest writes on while it is being read.
    """
    expected = volume.ledger.copy()

    def read(ref: Any, connection: Any) -> Any:
        if volume.instance is not None:
            volume.write()
        image = volume.deployment.image(connection["data"])
        return oracle.compare(image, expected)

    return volume.deployment.manager.backups.create(volume.id, read)


def status(volume: VolumeUnderTest) -> str:
    found: str = volume.ref().status
    return found


def snapshots_left(volume: VolumeUnderTest) -> set[str]:
    return {snapshot.id for snapshot in volume.ref().snapshots}


@pytest.mark.parametrize("attached", [False, True])
def test_backup(volume: VolumeUnderTest, attached: bool) -> None:
    if attached:
        volume.attach()
        volume.write()
    before = status(volume)
    assert back_up(volume) is None
    volume.settle()
    assert status(volume) == before
    assert len(snapshots_left(volume)) == 2
    if attached:
        assert_reads_right(volume)
        volume.restart()
        volume.detach()
    assert_reads_right(volume)


def test_backup_whose_temporary_snapshot_is_not_deleted(
    volume: VolumeUnderTest,
) -> None:
    volume.attach()
    volume.deployment.faults.on(Operation.DELETE, Fault.ERROR_REPORT)
    assert back_up(volume) is None
    volume.settle()
    (left,) = snapshots_left(volume) - {each.id for each in volume.snapshots}
    assert_reads_right(volume)
    volume.deployment.manager.delete_snapshot(left, force=True)
    volume.settle()
    assert len(snapshots_left(volume)) == 2
    volume.restart()
    assert_reads_right(volume)


def test_backup_whose_temporary_snapshot_fails(
    volume: VolumeUnderTest,
) -> None:
    volume.attach()
    volume.deployment.faults.on(Operation.CREATE, Fault.REFUSE)
    with pytest.raises(Exception, match="temporary snapshot"):
        back_up(volume)
    assert status(volume) == "in-use"
    assert len(snapshots_left(volume)) == 2
    assert_reads_right(volume)
    assert back_up(volume) is None


def test_group(deployment: Deployment) -> None:
    volumes = [VolumeUnderTest(deployment) for _ in range(3)]
    for number, volume in enumerate(volumes):
        if number:
            volume.attach()
        volume.write()
    then = {volume.id: volume.ledger.copy() for volume in volumes}
    groups = deployment.manager.groups
    taken = groups.create_snapshot([volume.id for volume in volumes])
    assert taken.failed == {}
    for volume in volumes:
        volume.write()
        copy = deployment.manager.volumes.create_from_snapshot(
            str(taken.members[volume.id].snapshot_id)
        )
        connection = deployment.driver.initialize_connection(copy, {})
        image = deployment.image(connection["data"])
        assert oracle.compare(image, then[volume.id]) is None
    assert groups.delete_snapshot(taken.snapshot_ids).failed == {}
    deployment.settle()
    for volume in volumes:
        assert snapshots_left(volume) == set()
        assert_reads_right(volume)


def test_group_with_a_member_that_fails(deployment: Deployment) -> None:
    volumes = [VolumeUnderTest(deployment) for _ in range(2)]
    volumes[0].attach()
    deployment.faults.on(Operation.CREATE, Fault.ERROR_AFTER_WORK)
    groups = deployment.manager.groups
    taken = groups.create_snapshot([volume.id for volume in volumes])
    assert list(taken.failed) == [volumes[0].id]
    for volume in volumes:
        volume.write()
        assert_reads_right(volume)
    assert groups.delete_snapshot(taken.snapshot_ids).failed == {}
    volumes[0].restart()
    assert_reads_right(volumes[0])


@pytest.mark.parametrize("order", tuple(itertools.permutations(range(3))))
def test_cascade_in_any_order(
    volume: VolumeUnderTest, order: tuple[int, ...]
) -> None:
    # The third one was never recorded.
    ids = [snapshot.id for snapshot in volume.snapshots]
    ids.append(volume.unborn_snapshot().id)
    volume.deployment.manager.cascade.delete(
        volume.id, order=[ids[position] for position in order]
    )
    assert volume.files() == set()
    with pytest.raises(NotFound):
        volume.ref()


def test_cascade_with_a_pending_create(volume: VolumeUnderTest) -> None:
    volume.attach()
    volume.deployment.faults.on(Operation.CREATE, Fault.NEVER_REPORT)
    volume.start_snapshot()
    volume.settle()
    volume.deployment.let_deadline_pass()
    volume.write()
    volume.detach()
    volume.deployment.manager.cascade.delete(volume.id)
    assert volume.files() == set()


def test_revert(volume: VolumeUnderTest) -> None:
    newest = volume.snapshots[-1]
    volume.deployment.manager.reverts.revert(volume.id, newest.id)
    volume.ledger = newest.ledger.copy()
    assert status(volume) == "available"
    assert newest.status == "available"
    assert len(snapshots_left(volume)) == 2
    assert_reads_right(volume)
    # The chain goes on from there.
    volume.attach()
    volume.write()
    volume.take_snapshot()
    volume.write()
    for snapshot in (newest, *volume.snapshots[:1]):
        snapshot.delete()
        assert_reads_right(volume)
    volume.restart()
    assert_reads_right(volume)


def test_revert_to_an_older_snapshot(volume: VolumeUnderTest) -> None:
    oldest = volume.snapshots[0]
    with pytest.raises(NotAllowed, match="newest snapshot only"):
        volume.deployment.manager.reverts.revert(volume.id, oldest.id)
    assert (status(volume), oldest.status) == ("available", "available")
    assert_reads_right(volume)


def test_what_a_pending_create_refuses(volume: VolumeUnderTest) -> None:
    deployment = volume.deployment
    newest = volume.snapshots[-1]
    volume.attach()
    deployment.faults.on(Operation.CREATE, Fault.NEVER_REPORT)
    pending = volume.start_snapshot()
    volume.settle()
    deployment.let_deadline_pass()
    volume.write()
    volume.detach()
    files = volume.files()
    with pytest.raises(NotAllowed, match="is pending"):
        deployment.manager.reverts.revert(volume.id, newest.id)
    meta = {"id": "image", "disk_format": "raw"}
    with pytest.raises(ChainUnsettled):
        deployment.manager.uploads.upload(volume.id, None, meta)
    # A backup reads what the volume's next connection reads.
    assert back_up(volume) is None
    assert status(volume) == "available"
    assert volume.files() == files
    assert volume.difference() is None
    pending.delete()
    deployment.manager.reverts.revert(volume.id, newest.id)
    volume.ledger = newest.ledger.copy()
    assert_reads_right(volume)


def test_revert_drops_what_a_pending_create_left(
    volume: VolumeUnderTest,
) -> None:
    deployment = volume.deployment
    newest = volume.snapshots[-1]
    volume.attach()
    deployment.faults.on(Operation.CREATE, Fault.NEVER_REPORT)
    pending = volume.start_snapshot()
    volume.settle()
    deployment.let_deadline_pass()
    volume.write()
    # Its overlay is the active image now, without a snapshot.
    pending.delete()
    volume.write()
    volume.detach()
    assert_reads_right(volume)
    deployment.manager.reverts.revert(volume.id, newest.id)
    volume.ledger = newest.ledger.copy()
    assert_reads_right(volume)
    # Base image, two overlays and the info file.
    assert len(volume.files()) == 4


def test_two_clones_of_one_attached_source(volume: VolumeUnderTest) -> None:
    deployment = volume.deployment
    volume.attach()
    volume.write()
    clones: list[Any] = []
    cloning = [
        in_background(
            lambda: clones.append(deployment.manager.volumes.clone(volume.id))
        )
        for _ in range(2)
    ]
    for clone in cloning:
        assert ended(clone)
    assert len(clones) == 2
    for ref in clones:
        connection = deployment.driver.initialize_connection(ref, {})
        image = deployment.image(connection["data"])
        assert oracle.compare(image, volume.ledger) is None
    volume.settle()
    assert len(snapshots_left(volume)) == 2
    assert_reads_right(volume)
    volume.restart()
    assert_reads_right(volume)
