# SPDX-License-Identifier: Apache-2.0
"""A share written by Cinder stays usable, and the other way round.

Contract section 3.  NfsDriver's snapshots have no admin metadata and its
failures leave things behind; the reference driver takes over share and
database, and Cinder's driver takes them back.
"""

from __future__ import annotations

import pytest
from cinder_database import needs_cinder
from cinder_process import in_cinders_process

from assisted_kit.driver import Operation
from fakes.compute import Fault

pytestmark = needs_cinder


@pytest.mark.parametrize("base_format", ["raw", "qcow2"])
@pytest.mark.parametrize(
    "attached", [False, True], ids=["detached", "attached"]
)
@in_cinders_process
def test_cinders_snapshots_deleted(cinder, base_format, attached):
    deployment = cinder.deploy(base_format=base_format)
    volume = deployment.volume()
    if attached:
        volume.attach()
    oldest, inner, newest = (volume.written_and_taken() for _ in range(3))
    volume.write()
    deployment.hand_over_to_the_reference_driver()
    volume.read_back()
    for snapshot in (inner, newest, oldest):
        snapshot.delete()
        volume.read_back()
        volume.write()
    if attached:
        volume.restart()
        volume.detach()
    volume.read_back()
    volume.delete()
    assert volume.files() == set()


@in_cinders_process
def test_cinders_chain_continued_and_given_back(cinder):
    deployment = cinder.deploy(base_format="qcow2")
    volume = deployment.volume()
    oldest, second = (volume.written_and_taken() for _ in range(2))
    deployment.hand_over_to_the_reference_driver()
    volume.attach()
    newest = volume.written_and_taken()
    volume.write()
    oldest.delete()
    volume.detach()
    deployment.hand_back_to_cinders_driver()
    volume.read_back()
    for snapshot in (second, newest):
        snapshot.delete()
        volume.read_back()
        volume.write()
    volume.read_back()


@in_cinders_process
def test_our_snapshots_deleted_by_cinders_driver(cinder):
    deployment = cinder.deploy()
    deployment.hand_over_to_the_reference_driver()
    volume = deployment.volume()
    oldest = volume.written_and_taken()
    volume.attach()
    inner, newest = (volume.written_and_taken() for _ in range(2))
    volume.write()
    volume.detach()
    deployment.hand_back_to_cinders_driver()
    volume.read_back()
    for snapshot in (inner, newest, oldest):
        snapshot.delete()
        volume.read_back()
        volume.write()
    volume.read_back()
    assert volume.formats()["format"] == "raw"
    volume.delete()
    assert volume.files() == set()


@in_cinders_process
def test_a_create_that_cinder_took_for_failed(cinder):
    deployment = cinder.deploy()
    volume = deployment.volume()
    volume.attach()
    deployment.faults.on(Operation.CREATE, Fault.ERROR_AFTER_WORK)
    failed = volume.take_snapshot(expect="error")
    # The guest goes on in the overlay, which nothing records.
    volume.write()
    deployment.hand_over_to_the_reference_driver()
    failed.delete()
    volume.restart()
    volume.read_back()


@pytest.mark.parametrize("position", [0, 1], ids=["oldest", "newest"])
@in_cinders_process
def test_a_delete_that_cinder_took_for_failed(cinder, position):
    deployment = cinder.deploy()
    volume = deployment.volume()
    volume.attach()
    snapshots = [volume.written_and_taken() for _ in range(2)]
    deployment.faults.on(Operation.DELETE, Fault.ERROR_AFTER_WORK)
    snapshots[position].delete(expect="error_deleting")
    volume.write()
    deployment.hand_over_to_the_reference_driver()
    snapshots[position].delete(force=True)
    volume.restart()
    volume.read_back()


@in_cinders_process
def test_an_overlay_that_a_refused_create_left(cinder):
    deployment = cinder.deploy()
    volume = deployment.volume()
    volume.attach()
    deployment.faults.on(Operation.CREATE, Fault.REFUSE)
    # LIVE-17: it outlives the snapshot.
    volume.take_snapshot(expect="error").delete()
    volume.detach()
    deployment.hand_over_to_the_reference_driver()
    volume.written_and_taken()
    volume.read_back()


@in_cinders_process
def test_a_format_that_a_refused_delete_left(cinder):
    deployment = cinder.deploy()
    volume = deployment.volume()
    volume.attach()
    snapshot = volume.written_and_taken()
    deployment.faults.on(Operation.DELETE, Fault.REFUSE)
    snapshot.delete(expect="error_deleting")
    # LIVE-8: it was recorded before Nova was asked.
    assert volume.formats()["base_format"] == "qcow2"
    deployment.hand_over_to_the_reference_driver()
    snapshot.delete(force=True)
    volume.read_back()


@in_cinders_process
def test_a_clone_of_a_volume_with_snapshots(cinder):
    deployment = cinder.deploy()
    volume = deployment.volume()
    volume.written_and_taken()
    # NfsDriver records the format of the source's active image for it.
    clone = volume.clone()
    assert clone.admin_metadata == {"format": "qcow2"}
    deployment.hand_over_to_the_reference_driver()
    volume.read_copy_back(clone)
