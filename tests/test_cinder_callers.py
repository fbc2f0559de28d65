# SPDX-License-Identifier: Apache-2.0
"""Cinder's NfsDriver goes through the same callers, by its own methods."""

from __future__ import annotations

import pytest
from cinder_database import needs_cinder
from cinder_process import in_cinders_process

from assisted_kit.manager.optional_methods import NotSupported
from conformance import oracle

pytestmark = needs_cinder


@pytest.mark.parametrize(
    "attached", [False, True], ids=["detached", "attached"]
)
@in_cinders_process
def test_backup(cinder, attached):
    volume = cinder.deploy().volume()
    volume.written_and_taken()
    volume.write()
    if attached:
        volume.attach()
        volume.write()
    before = volume.ref().status
    expected = volume.ledger.copy()

    def read(ref, connection):
        if attached:
            volume.write()
        image = volume.deployment.image(connection["data"])
        return oracle.compare(image, expected)

    assert volume.deployment.manager.backups.create(volume.id, read) is None
    assert volume.ref().status == before
    assert len(volume.ref().snapshots) == 1
    volume.read_back()


@in_cinders_process
def test_group(cinder):
    deployment = cinder.deploy()
    volumes = [deployment.volume() for _ in range(2)]
    volumes[0].attach()
    groups = deployment.manager.groups
    taken = groups.create_snapshot([volume.id for volume in volumes])
    assert taken.failed == {}
    for volume in volumes:
        volume.write()
    assert groups.delete_snapshot(taken.snapshot_ids).failed == {}
    for volume in volumes:
        volume.read_back()


@in_cinders_process
def test_cascade(cinder):
    deployment = cinder.deploy()
    volume = deployment.volume()
    ids = [volume.written_and_taken().id for _ in range(3)]
    order = [ids[1], ids[2], ids[0]]
    deployment.manager.cascade.delete(volume.id, order=order)
    assert volume.files() == set()


@in_cinders_process
def test_it_does_not_revert(cinder):
    deployment = cinder.deploy()
    volume = deployment.volume()
    snapshot = volume.written_and_taken()
    volume.write()
    with pytest.raises(NotSupported):
        deployment.manager.reverts.revert(volume.id, snapshot.id)
    assert (volume.ref().status, snapshot.status) == ("available", "available")
    volume.read_back()
