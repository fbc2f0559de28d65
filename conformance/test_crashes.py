# SPDX-License-Identifier: Apache-2.0
"""A service killed at each point of an operation."""

from __future__ import annotations

import ddt

from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Status
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import row
from conformance.snapshot import SnapshotUnderTest
from conformance.sweeping import SweepingTest
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault


@expanded
class CrashTest(SweepingTest):
    """Contract section 4: a hook called again finishes the job."""

    @ddt.data(*GUESTS)
    @verifies("CRH-001")
    def test_create_killed_at_each_point(self, guest: str) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        sweep = self.hook_sweep(volume, Operation.CREATE)
        while not sweep.is_over:
            with sweep.deadly(lambda: self.guest_writes(volume, sweep)):
                snapshot = volume.start_snapshot()
                volume.settle()
            self.claim_converged(sweep, snapshot, Status.AVAILABLE)
            snapshot.delete()
        if guest == "attached":
            volume.restart()
        self.claim_all_is_well(volume, sweep)

    # A sweep takes seconds. Detached, the oldest overlay is merged below
    # another one that then needs a new header, and the newest is the active
    # image, which the volume's record names.
    @ddt.data(
        row("detached", "oldest"),
        row("detached", "newest"),
        row("attached", "newest"),
    )
    @ddt.unpack
    @verifies("CRH-002")
    def test_delete_killed_at_each_point(
        self, guest: str, position: str
    ) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        sweep = self.hook_sweep(volume, Operation.DELETE)
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


class CommitCrashTest(SweepingTest):
    """Contract section 4: a hook called again finishes the job."""

    @verifies("CRH-002")
    def test_delete_of_what_was_committed_killed_at_each_point(self) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        sweep = self.hook_sweep(volume, Operation.DELETE)
        while not sweep.is_over:
            volume.take_snapshot()
            volume.write()
            snapshot = volume.snapshots[0]
            with sweep.deadly(lambda: self.guest_writes(volume, sweep)):
                snapshot.start_delete()
                volume.settle()
            self.claim_converged(sweep, snapshot, Status.DELETED)
        volume.restart()
        self.claim_all_is_well(volume, sweep)


@expanded
class CrashAfterDeathTest(SweepingTest):
    """Contract sections 4 and 5: a delete converges all the same."""

    @ddt.data(
        row("create", "detached"),
        row("newest", "attached"),
    )
    @ddt.unpack
    @verifies("CRH-003")
    def test_delete_after_the_compute_service_died(
        self, what: str, guest: str
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        sweep = self.hook_sweep(volume, Operation.DELETE)
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


@expanded
class ComputeDeathTest(SweepingTest):
    """Contract section 5: the chain tells what was done, and a retry works."""

    @ddt.data(
        row(Operation.CREATE, "newest"),
        row(Operation.DELETE, "newest"),
        row(Operation.DELETE, "oldest"),
    )
    @ddt.unpack
    @verifies("CRH-005")
    def test_compute_service_dies_at_each_point(
        self, operation: Operation, position: str
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        sweep = self.compute_sweep(volume, operation)
        while not sweep.is_over:
            if operation is Operation.DELETE:
                volume.take_snapshot()
                volume.write()
            with sweep.deadly(volume.write):
                if operation is Operation.CREATE:
                    snapshot = volume.start_snapshot()
                else:
                    newest_first = volume.snapshots[::-1]
                    snapshot = newest_first[0 if position == "newest" else -1]
                    snapshot.start_delete()
                volume.settle()
            if not sweep.is_reported:
                if operation is Operation.CREATE:
                    # While its guest may not have been switched the delete
                    # is refused (section 5).
                    volume.detach()
                snapshot.start_delete(force=True)
                volume.settle()
            is_taken = operation is Operation.CREATE and sweep.is_reported
            self.claim_converged(
                sweep,
                snapshot,
                Status.AVAILABLE if is_taken else Status.DELETED,
            )
            if volume.instance is None:
                volume.attach()
            else:
                # A Nova that died has not read the connection information.
                volume.reboot_hard()
            volume.write()
        self.claim_all_is_well(volume, sweep)


@expanded
class CommitTest(SweepingTest):
    """Contract section 4: any process carries on from the database."""

    @ddt.data(
        row(Operation.CREATE, "attached"),
        row(Operation.DELETE, "detached"),
    )
    @ddt.unpack
    @verifies("CRH-004")
    def test_killed_before_each_commit(
        self, operation: Operation, guest: str
    ) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        sweep = self.commit_sweep(volume)
        while not sweep.is_over:
            if operation is Operation.DELETE:
                volume.take_snapshot()
                volume.write()
            # Its guest waits, since it may not have been switched yet.
            with sweep.deadly(lambda: None):
                snapshot = self._started(volume, operation)
                volume.settle()
            if not sweep.nova_was_asked:
                self._delete_what_failed(volume, snapshot)
            is_taken = operation is Operation.CREATE and sweep.nova_was_asked
            self.claim_converged(
                sweep,
                snapshot,
                Status.AVAILABLE if is_taken else Status.DELETED,
            )
            if is_taken:
                snapshot.delete()
            volume.write()
        if guest == "attached":
            volume.restart()
        self.claim_all_is_well(volume, sweep)

    def _started(
        self, volume: VolumeUnderTest, operation: Operation
    ) -> SnapshotUnderTest:
        if operation is Operation.CREATE:
            return volume.start_snapshot()
        snapshot = volume.snapshots[0]
        snapshot.start_delete()
        return snapshot

    def _delete_what_failed(
        self, volume: VolumeUnderTest, snapshot: SnapshotUnderTest
    ) -> None:
        """Have the deadline pass, and delete what nobody will ever do."""
        volume.deployment.let_deadline_pass()
        snapshot.start_delete(force=True)
        volume.settle()
        # Of a create, its guest was never switched.
        volume.detach()
        volume.attach()


@expanded
class LeftAfterCrashTest(SweepingTest):
    """Contract section 1, of delete_volume, and section 4."""

    @ddt.data(*Operation)
    @verifies("CRH-006")
    def test_nothing_is_left_of_the_volume(self, operation: Operation) -> None:
        other = VolumeUnderTest(self.deploy())
        before = self.files_on_share()
        volume = self.volume = VolumeUnderTest(other.deployment)
        with self.arranging():
            self._kill_at_each_point(volume, operation)
            volume.deployment.manager.volumes.delete(volume.id)
        self.claim_equal(
            before, self.files_on_share(), "the files on the share"
        )

    def _kill_at_each_point(
        self, volume: VolumeUnderTest, operation: Operation
    ) -> None:
        volume.write()
        kept = volume.take_snapshot()
        sweep = self.hook_sweep(volume, operation)
        while not sweep.is_over:
            if operation is Operation.DELETE:
                volume.take_snapshot()
            with sweep.deadly(lambda: None):
                if operation is Operation.CREATE:
                    snapshot = volume.start_snapshot()
                else:
                    snapshot, kept = kept, volume.snapshots[-1]
                    snapshot.start_delete()
                volume.settle()
            volume.settle()
            if operation is Operation.CREATE:
                volume.finish_snapshot(snapshot)
                snapshot.delete()
            else:
                snapshot.finish_delete()
        kept.delete()
