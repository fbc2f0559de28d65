# SPDX-License-Identifier: Apache-2.0
"""Attempts that ended without anybody knowing how, and the next one."""

from __future__ import annotations

import ddt

from assisted_kit.driver import Operation
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import row
from fakes.compute import Fault

POSITIONS = ("oldest", "middle", "newest")


@expanded
class FailedDeleteTest(ConformanceTest):
    """Contract section 5: error report, or deadline passed."""

    @ddt.data(
        # The fault matrix has more of them, each looked at in one way.
        row("newest", Fault.ERROR_REPORT, name="newest, error"),
        row("middle", Fault.DIE_BEFORE_WORK, name="middle, not begun"),
        row("newest", Fault.DIE_AFTER_WORK, name="newest, done"),
    )
    @ddt.unpack
    @verifies("ATT-001")
    def test_nothing_is_removed_and_it_is_repeated(
        self, position: str, fault: Fault
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=3)
        files = volume.files()
        snapshot = volume.snapshots[POSITIONS.index(position)]
        volume.deployment.faults.on(Operation.DELETE, fault)
        snapshot.start_delete()
        volume.settle()
        volume.deployment.let_deadline_pass()
        volume.expect(snapshot, "a delete that failed", "error_deleting")
        self.claim_equal(
            sorted(files), sorted(volume.files()), "the files of the volume"
        )
        volume.write()
        snapshot.delete(force=True)
        self.claim_everything_reads_back()
        self.claim_no_orphans()

    @ddt.data("create", "newest")
    @verifies("ATT-002")
    def test_report_comes_too_late(self, what: str) -> None:
        volume = self.given_volume(attached=True, snapshots=3)
        if what == "create":
            volume.deployment.faults.on(Operation.CREATE, Fault.REPORT_LATE)
            snapshot = volume.start_snapshot()
        else:
            volume.deployment.faults.on(Operation.DELETE, Fault.REPORT_LATE)
            snapshot = volume.snapshots[POSITIONS.index(what)]
            snapshot.start_delete()
        volume.settle()
        volume.write()
        volume.deployment.let_deadline_pass()
        volume.deployment.nova.release()
        volume.settle()
        volume.write()
        snapshot.delete(force=True)
        self.claim_everything_reads_back()
        self.claim_no_orphans()
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()


@expanded
class ForcedDeleteTest(ConformanceTest):
    """Contract section 4: force on a snapshot in flight."""

    @ddt.data(
        row("create", Fault.REPORT_LATE, name="create, switched"),
        row("create", Fault.DIE_BEFORE_WORK, name="create, not switched"),
        row("oldest", Fault.REPORT_LATE, name="oldest, merged"),
        row("newest", Fault.REPORT_LATE, name="newest, merged"),
        row("newest", Fault.DIE_BEFORE_WORK, name="newest, not merged"),
    )
    @ddt.unpack
    @verifies("ATT-003")
    def test_snapshot_in_flight(self, what: str, fault: Fault) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        if what == "create":
            volume.deployment.faults.on(Operation.CREATE, fault)
            snapshot = volume.start_snapshot()
        else:
            volume.deployment.faults.on(Operation.DELETE, fault)
            snapshot = volume.snapshots[0 if what == "oldest" else 1]
            snapshot.start_delete()
        volume.settle()
        volume.write()
        snapshot.delete(force=True)
        volume.deployment.nova.release()
        volume.settle()
        self.claim_everything_reads_back()
        self.claim_no_orphans()
        volume.write()
        # Nova looks connections up again for snapshots that there are.
        volume.detach()
        volume.attach()
        volume.write()
        self.claim_everything_reads_back()
