# SPDX-License-Identifier: Apache-2.0
"""Tests of what is seen while hooks run, however they end."""

from __future__ import annotations

from conformance.case import ConformanceTest
from conformance.volume import VolumeUnderTest
from conformance.watch import Sort


class HookWork(ConformanceTest):
    """Volumes whose hooks all run, however they end."""

    def given_work_done(self, guest: str) -> VolumeUnderTest:
        """A volume that had two snapshots, both deleted again."""
        volume = self.given_volume(attached=guest == "attached")
        taken = []
        for _ in range(2):
            taken.append(volume.start_snapshot())
            volume.settle()
        for snapshot in taken:
            snapshot.start_delete()
            volume.settle()
        return volume

    def claim_never(self, sort: Sort) -> None:
        """Claim that no hook was seen to do something."""
        assert self.deployment is not None
        seen = self.deployment.watch.sightings(sort)
        self.claim(
            not seen,
            f"no hook {sort}",
            "\n".join(dict.fromkeys(map(str, seen))),
        )
