# SPDX-License-Identifier: Apache-2.0
"""Commands of the driver's that fail, and what that must not cost.

A driver may do without ``qemu-img``, or without one more call of it: its
operation then ends well, and is judged by that.
"""

from __future__ import annotations

import ddt

from assisted_kit.capabilities import Capability
from conformance.callers import CallersTest
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.failing_qemu_img import FailingQemuImg
from conformance.rows import expanded
from conformance.rows import requires
from conformance.rows import row
from conformance.snapshot import SnapshotUnderTest
from conformance.volume import VolumeUnderTest

DELETES = (
    row("oldest", 1, "late"),
    row("oldest", 2, "at once"),
    row("newest", 1, "late"),
    row("newest", 1, "at once"),
)
"""Which snapshot is deleted, which call fails, and whether before or after
it has done its work."""


@expanded
class CreateTest(ConformanceTest):
    """Contract section 5: *begin* raises."""

    @ddt.data(
        row("detached", "at once"),
        row("detached", "late"),
        row("attached", "late"),
    )
    @ddt.unpack
    @verifies("CMD-001")
    def test_failing_begin_leaves_everything_as_before(
        self, guest: str, when: str
    ) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        before = volume.active(), volume.info(), sorted(volume.files())
        with FailingQemuImg(1, late=when == "late"):
            snapshot = volume.start_snapshot()
            volume.settle()
        if snapshot.status == "error":
            volume.snapshots.remove(snapshot)
            self.claim_equal(
                before,
                (volume.active(), volume.info(), sorted(volume.files())),
                "active image, info file and files",
            )
        self.claim_everything_reads_back()


@expanded
class DeleteTest(ConformanceTest):
    """Contract sections 4 and 5: *complete* raises, and is repeated."""

    def _fail_to_delete(
        self, volume: VolumeUnderTest, position: str, call: int, when: str
    ) -> SnapshotUnderTest:
        snapshot = volume.snapshots[0 if position == "oldest" else -1]
        with FailingQemuImg(call, late=when == "late"):
            snapshot.start_delete()
            volume.settle()
        return snapshot

    @ddt.data(*DELETES)
    @ddt.unpack
    @verifies("CMD-002")
    def test_data_stays_readable(
        self, position: str, call: int, when: str
    ) -> None:
        volume = self.given_volume(snapshots=2)
        snapshot = self._fail_to_delete(volume, position, call, when)
        # Nobody is promised the data of the one that is being deleted.
        volume.snapshots.remove(snapshot)
        self.claim_everything_reads_back()

    @ddt.data(*DELETES)
    @ddt.unpack
    @verifies("CMD-003")
    def test_repeated_delete_is_finished(
        self, position: str, call: int, when: str
    ) -> None:
        volume = self.given_volume(snapshots=2)
        snapshot = self._fail_to_delete(volume, position, call, when)
        if snapshot.status == "deleted":
            volume.snapshots.remove(snapshot)
        else:
            snapshot.delete(force=True)
        self.claim_everything_reads_back()


@expanded
class RevertTest(CallersTest):
    """Contract section 5: the rule above all others."""

    @ddt.data("at once", "late")
    @requires(Capability.revert)
    @verifies("CMD-004")
    def test_failed_revert_costs_nothing_and_is_repeated(
        self, when: str
    ) -> None:
        volume = self.given_volume(snapshots=2)
        newest = volume.snapshots[-1]
        with FailingQemuImg(1, late=when == "late"):
            refused = self.refused(lambda: self.revert(newest))
        if refused:
            self.claim_connected()
            before = volume.difference()
            if before is not None:
                # The command may have done its work, and the driver with it.
                volume.ledger = newest.ledger.copy()
            self.claim_everything_reads_back()
            self._clean_up_after(volume)
            self.revert(newest)
        self.claim_everything_reads_back()

    def _clean_up_after(self, volume: VolumeUnderTest) -> None:
        """Do what an administrator does before it is repeated."""
        kept = {snapshot.id for snapshot in volume.snapshots}
        for snapshot in volume.ref().snapshots:
            if snapshot.id not in kept:
                # A backup of what the volume held.
                self.manager.delete_snapshot(snapshot.id)
        volume.settle()
        volume.set_status("available")
