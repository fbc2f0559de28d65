# SPDX-License-Identifier: Apache-2.0
"""A probed format that Nova wrote is put right by the reference driver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assisted_kit.subject import load
from conformance.deployment import Deployment
from conformance.volume import VolumeUnderTest


@pytest.fixture
def volume() -> Iterator[VolumeUnderTest]:
    """A raw volume that holds a qcow2 image, and whose guest is stopped."""
    with Deployment(load()) as deployment:
        volume = VolumeUnderTest(deployment)
        volume.attach()
        volume.write_qcow2_image()
        for _ in range(2):
            volume.take_snapshot()
            volume.write()
        volume.instance.stop()
        yield volume


def test_volume_reads_right_again_and_a_retry_converges(
    volume: VolumeUnderTest,
) -> None:
    oldest, newest = volume.snapshots
    newest.delete(expect="error_deleting")
    assert volume.difference() is None
    newest.delete(force=True)
    assert volume.difference() is None
    assert volume.snapshot_difference(oldest) is None
    volume.instance.start()
    volume.write()
    oldest.delete()
    assert volume.difference() is None
