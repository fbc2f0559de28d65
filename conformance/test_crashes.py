# SPDX-License-Identifier: Apache-2.0
"""The volume service killed inside a hook: each point of an operation."""

from __future__ import annotations

import ddt

from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Status
from conformance.case import verifies
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import row
from conformance.snapshot import SnapshotUnderTest
from conformance.sweeping import SweepingTest
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault

POSITIONS = ("oldest", "newest")


@expanded
class CrashTest(SweepingTest):
    """Contract section 4: a hook called again finishes the job."""

    @ddt.data(*GUESTS)
    @verifies("CRH-001")
    def test_create_killed_at_each_point(self, guest: str) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        sweep = self.sweep(volume, Operation.CREATE)
        while not sweep.is_over:
            with sweep.deadly(lambda: self.guest_writes(volume, sweep)):
                snapshot = volume.start_snapshot()
                volume.settle()
            self.claim_converged(sweep, snapshot, Status.AVAILABLE)
            snapshot.delete()
        if guest == "attached":
            volume.restart()
        self.claim_all_is_well(volume, sweep)

    @ddt.data(*crossed(GUESTS, POSITIONS))
    @ddt.unpack
    @verifies("CRH-002")
    def test_delete_killed_at_each_point(
        self, guest: str, position: str
    ) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        sweep = self.sweep(volume, Operation.DELETE)
        while not sweep.is_over:
            volume.take_snapshot()
            volume.write()
            snapshot = volume.snapshots[0 if position == "oldest" else -1]
            with sweep.deadly(lambda: self.guest_writes(volume, sweep)):
                snapshot.start_delete()
                volume.settle()
            self.claim_converged(sweep, snapshot, Status.DELETED)
        if guest == "attached":
            volume.restart()
        self.claim_all_is_well(volume, sweep)


@expanded
class CrashAfterDeathTest(SweepingTest):
    """Contract sections 4 and 5: a delete converges all the same."""

    @ddt.data(
        row("create", "attached"),
        row("create", "detached"),
        row("oldest", "attached"),
        row("newest", "attached"),
    )
    @ddt.unpack
    @verifies("CRH-003")
    def test_delete_after_the_compute_service_died(
        self, what: str, guest: str
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        sweep = self.sweep(volume, Operation.DELETE)
        while not sweep.is_over:
            snapshot = self._unreported(volume, what)
            if guest == "detached":
                volume.detach()
            with sweep.deadly(lambda: self.guest_writes(volume, sweep)):
                snapshot.start_delete(force=True)
                volume.settle()
            self.claim_converged(sweep, snapshot, Status.DELETED)
            if guest == "detached":
                volume.attach()
            volume.write()
        # A Nova that died does not read the connection information again.
        volume.detach()
        self.claim_all_is_well(volume, sweep)

    def _unreported(
        self, volume: VolumeUnderTest, what: str
    ) -> SnapshotUnderTest:
        """A snapshot about which nobody reported what was done."""
        faults = volume.deployment.faults
        if what == "create":
            faults.on(Operation.CREATE, Fault.DIE_AFTER_WORK)
            snapshot = volume.start_snapshot()
        else:
            volume.take_snapshot()
            volume.write()
            snapshot = volume.snapshots[0 if what == "oldest" else -1]
            faults.on(Operation.DELETE, Fault.DIE_AFTER_WORK)
            snapshot.start_delete()
        volume.settle()
        volume.deployment.let_deadline_pass()
        volume.write()
        return snapshot
