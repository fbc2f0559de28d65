# SPDX-License-Identifier: Apache-2.0
"""Failures of the compute service, and what they must not cost."""

from __future__ import annotations

import ddt

from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault


@expanded
class AttachmentsTest(ConformanceTest):
    """Contract section 1: any other number of attachments than one."""

    @ddt.data(Operation.CREATE, Operation.DELETE)
    @verifies("ERR-001")
    def test_begin_raises_before_it_makes_a_file(
        self, operation: Operation
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        files = volume.files()
        volume.attach_once_more()
        if operation is Operation.CREATE:
            snapshot = volume.start_snapshot()
        else:
            snapshot = volume.snapshots[0]
            snapshot.start_delete()
        volume.settle()
        begun = volume.deployment.journal.calls(
            Hook.begin(operation), snapshot.id
        )
        self.claim(
            begun[-1].error is not None,
            f"{Hook.begin(operation)} raises",
            str(begun[-1]),
        )
        self.claim_equal(
            sorted(files), sorted(volume.files()), "the files of the volume"
        )


@expanded
class RefusalTest(ConformanceTest):
    """Contract section 5: Nova refuses."""

    @ddt.data(400, 401, 403, 404, 409)
    @verifies("ERR-002")
    def test_refused_create_leaves_everything_as_before(
        self, code: int
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        before = volume.active(), volume.info()
        volume.deployment.faults.on(Operation.CREATE, Fault.REFUSE, code=code)
        refused = volume.take_snapshot(expect="error")
        self.claim_equal(
            before,
            (volume.active(), volume.info()),
            "the active image and the info file",
        )
        volume.snapshots.remove(refused)
        volume.write()
        volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()
        volume.snapshots.append(refused)
        refused.delete()
        self.claim_everything_reads_back()

    @ddt.data("oldest", "newest")
    @verifies("ERR-003")
    def test_refused_delete_leaves_everything_as_before(
        self, position: str
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        snapshot = volume.snapshots[0 if position == "oldest" else 1]
        before = volume.active(), volume.info(), volume.formats()
        volume.deployment.faults.on(Operation.DELETE, Fault.REFUSE)
        snapshot.start_delete()
        volume.settle()
        self.claim_equal(
            before,
            (volume.active(), volume.info(), volume.formats()),
            "the active image, the info file and the recorded formats",
        )
        self.claim_everything_reads_back()
        snapshot.delete(force=True)
        self.claim_everything_reads_back()


@expanded
class LostReportTest(ConformanceTest):
    """Contract section 5, while a create is pending."""

    def _given_pending(self, fault: Fault) -> VolumeUnderTest:
        """A volume whose guest was switched, as far as nobody knows."""
        volume = self.given_volume(attached=True, snapshots=1)
        volume.deployment.faults.on(Operation.CREATE, fault)
        snapshot = volume.start_snapshot()
        volume.settle()
        volume.write()
        volume.deployment.let_deadline_pass()
        volume.expect(snapshot, "an unreported create", "error")
        # It failed, so nobody is promised its data.
        volume.snapshots.remove(snapshot)
        volume.pending = snapshot
        return volume

    def _restart(self, volume: VolumeUnderTest, fault: Fault) -> None:
        """Restart the guest cold, with the connection that is right now."""
        if fault is Fault.NEVER_REPORT:
            volume.restart()
        else:
            # A Nova that has failed or died does not read the connection
            # information again, and no driver can help that.
            volume.detach()
            volume.attach()

    @ddt.data(Fault.NEVER_REPORT, Fault.DIE_AFTER_WORK, Fault.ERROR_AFTER_WORK)
    @verifies("ERR-004")
    def test_switched_guest_keeps_every_byte(self, fault: Fault) -> None:
        volume = self._given_pending(fault)
        self.claim_everything_reads_back()
        self._restart(volume, fault)
        volume.write()
        self.claim_everything_reads_back()
        volume.detach()
        volume.write()
        self.claim_everything_reads_back()

    @ddt.data(
        *crossed(
            GUESTS,
            (
                Fault.NEVER_REPORT,
                Fault.DIE_BEFORE_WORK,
                Fault.ERROR_REPORT,
                Fault.ERROR_AFTER_WORK,
            ),
        )
    )
    @ddt.unpack
    @verifies("ERR-005")
    def test_delete_of_the_failed_snapshot_keeps_every_byte(
        self, guest: str, fault: Fault
    ) -> None:
        volume = self._given_pending(fault)
        if guest == "detached":
            volume.detach()
        assert volume.pending is not None
        volume.snapshots.append(volume.pending)
        volume.pending.delete()
        self.claim_everything_reads_back()
        if guest == "attached":
            self._restart(volume, fault)
        volume.write()
        self.claim_everything_reads_back()
        volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()

    @ddt.data(*GUESTS)
    @verifies("ERR-006")
    def test_another_snapshot_is_refused(self, guest: str) -> None:
        volume = self._given_pending(Fault.NEVER_REPORT)
        if guest == "detached":
            volume.detach()
        files = volume.files()
        another = volume.start_snapshot()
        volume.settle()
        self.claim_equal("error", another.status, "another snapshot")
        self.claim_equal(
            sorted(files), sorted(volume.files()), "the files of the volume"
        )
        volume.snapshots.remove(another)
        self.claim_everything_reads_back()
