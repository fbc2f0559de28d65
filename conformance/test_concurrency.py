# SPDX-License-Identifier: Apache-2.0
"""Operations on several volumes at the same time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import ddt

from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.volume import VolumeUnderTest

VOLUMES = 4
GENERATIONS = 100
"""Generations that each volume has to itself."""


@contextmanager
def restless_threads() -> Iterator[None]:
    """Have Python's threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


@expanded
class SeveralVolumesTest(ConformanceTest):
    """Contract section 4: other volumes proceed."""

    @ddt.data(*GUESTS)
    @verifies("CCY-001")
    def test_every_volume_keeps_every_byte(self, guest: str) -> None:
        volumes = self._given_volumes(attached=guest == "attached")
        for _ in range(2):
            self._take_snapshots_at_once(volumes)
            self._claim_all_read_back(volumes)
        self._delete_oldest_at_once(volumes)
        self._claim_all_read_back(volumes)

    def _given_volumes(self, *, attached: bool) -> list[VolumeUnderTest]:
        deployment = self.deploy()
        volumes = [
            VolumeUnderTest(
                deployment, first_generation=1 + GENERATIONS * number
            )
            for number in range(VOLUMES)
        ]
        for volume in volumes:
            if attached:
                volume.attach()
            volume.write()
        return volumes

    def _take_snapshots_at_once(self, volumes: list[VolumeUnderTest]) -> None:
        with restless_threads():
            started = [volume.start_snapshot() for volume in volumes]
            volumes[0].settle()
        for snapshot in started:
            self.volume = snapshot.volume
            snapshot.volume.finish_snapshot(snapshot)
            snapshot.volume.write()

    def _delete_oldest_at_once(self, volumes: list[VolumeUnderTest]) -> None:
        oldest = [volume.snapshots[0] for volume in volumes]
        with restless_threads():
            for snapshot in oldest:
                snapshot.start_delete()
            volumes[0].settle()
        for snapshot in oldest:
            self.volume = snapshot.volume
            snapshot.finish_delete()

    def _claim_all_read_back(self, volumes: list[VolumeUnderTest]) -> None:
        for volume in volumes:
            self.volume = volume
            self.claim_everything_reads_back()
