# SPDX-License-Identifier: Apache-2.0
"""Creates that ended badly: what is refused until they are deleted."""

from __future__ import annotations

from collections.abc import Callable

import ddt

from assisted_kit.capabilities import Capability
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Status
from conformance.case import verifies
from conformance.failing_qemu_img import FailingQemuImg
from conformance.pending import PendingTest
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import row
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault

CARRIED_OUT = "it was carried out"


class RefusalTest(PendingTest):
    """Operations on a chain that is in doubt."""

    def claim_operation_refused(
        self, volume: VolumeUnderTest, operation: str
    ) -> None:
        """Claim that an operation fails, and changes nothing."""
        before = volume.state()
        kept = volume.snapshots[0]
        volumes = volume.deployment.manager.volumes
        match operation:
            case "take a snapshot":
                another = volume.start_snapshot()
                volume.settle()
                volume.snapshots.remove(another)
                self.claim_equal("error", another.status, "another snapshot")
            case "delete another snapshot":
                kept.start_delete()
                volume.settle()
                self.claim_equal("error_deleting", kept.status, "the snapshot")
            case "extend":
                self._claim_raises(
                    operation, lambda: volumes.extend(volume.id, 2)
                )
            case "clone":
                self._claim_raises(operation, lambda: volumes.clone(volume.id))
            case "create from another snapshot":
                self._claim_raises(
                    operation, lambda: volumes.create_from_snapshot(kept.id)
                )
        self.claim_unchanged(before)
        self.claim_everything_reads_back()

    def _claim_raises(
        self, operation: str, carry_out: Callable[[], object]
    ) -> None:
        try:
            carry_out()
        except Exception as error:
            observed = f"{type(error).__name__}: {error}"
        else:
            observed = CARRIED_OUT
        self.claim(
            observed != CARRIED_OUT, f"to {operation} is refused", observed
        )


@expanded
class PendingRefusalTest(RefusalTest):
    """Contract section 5, while a create is pending."""

    @ddt.data(*GUESTS)
    @verifies("PND-001")
    def test_delete_of_another_snapshot(self, guest: str) -> None:
        volume = self.given_pending(
            Fault.NEVER_REPORT, attached=guest == "attached"
        )
        self.claim_operation_refused(volume, "delete another snapshot")

    @verifies("PND-002")
    def test_extend(self) -> None:
        volume = self.given_pending(Fault.NEVER_REPORT, attached=False)
        self.claim_operation_refused(volume, "extend")

    @verifies("PND-003")
    def test_clone(self) -> None:
        volume = self.given_pending(Fault.NEVER_REPORT, attached=False)
        self.claim_operation_refused(volume, "clone")

    @verifies("PND-004")
    def test_create_from_another_snapshot(self) -> None:
        volume = self.given_pending(Fault.NEVER_REPORT, attached=False)
        self.claim_operation_refused(volume, "create from another snapshot")


@expanded
class UnreportedDeleteTest(RefusalTest):
    """Contract section 5: a recorded overlay that is not in the chain."""

    @ddt.data(
        row("take a snapshot", "attached"),
        row("delete another snapshot", "detached"),
        row("extend", "detached", requires=[Capability.extend_with_snapshots]),
        row("clone", "detached", requires=[Capability.clone]),
        row(
            "create from another snapshot",
            "detached",
            requires=[Capability.create_from_snapshot],
        ),
    )
    @ddt.unpack
    @verifies("PND-005")
    def test_everything_else(self, operation: str, guest: str) -> None:
        volume = self.given_volume(attached=True, snapshots=3)
        unreported = volume.snapshots[1]
        unreported.delete_unreported()
        if guest == "detached":
            volume.detach()
        # What it held was merged away.
        volume.snapshots.remove(unreported)
        self.claim_operation_refused(volume, operation)


@expanded
class RefusedCreateTest(PendingTest):
    """Contract section 5: a create that is recorded as refused."""

    def _given_refused(self, *, attached: bool) -> VolumeUnderTest:
        volume = self.given_volume(attached=True, snapshots=2)
        volume.deployment.faults.on(Operation.CREATE, Fault.REFUSE)
        refused = volume.take_snapshot(expect="error")
        volume.snapshots.remove(refused)
        volume.write()
        if not attached:
            volume.detach()
        return volume

    @ddt.data(
        row("oldest", "attached"),
        row("newest", "attached"),
        row("newest", "detached"),
    )
    @ddt.unpack
    @verifies("PND-006")
    def test_other_snapshots_are_deleted(
        self, position: str, guest: str
    ) -> None:
        volume = self._given_refused(attached=guest == "attached")
        volume.snapshots[0 if position == "oldest" else 1].delete()
        self.claim_everything_reads_back()

    @ddt.data(row("newest", requires=[Capability.create_from_snapshot]))
    @ddt.unpack
    @verifies("PND-006")
    def test_volumes_are_created_from_others(self, position: str) -> None:
        volume = self._given_refused(attached=False)
        snapshot = volume.snapshots[0 if position == "oldest" else 1]
        self.claim_goes_well(
            "creating a volume from another snapshot",
            lambda: volume.copy_difference(snapshot),
        )
        self.claim_copy_reads_back(snapshot)


class AdoptedOverlayTest(PendingTest):
    """Contract section 5: an active image without a snapshot."""

    @verifies("PND-008")
    def test_what_is_below_is_deleted_without_the_guest(self) -> None:
        volume = self.given_pending(Fault.NEVER_REPORT)
        self.delete_pending(volume)
        volume.detach()
        volume.snapshots[0].delete()
        self.claim_no_orphans()
        self.claim_everything_reads_back()


@expanded
class DeletePendingTest(PendingTest):
    """Contract section 5: only the delete of the snapshot goes ahead."""

    @ddt.data(Fault.NEVER_REPORT, Fault.ERROR_AFTER_WORK, Fault.ERROR_REPORT)
    @verifies("PND-007")
    def test_detached_its_overlay_is_gone(self, fault: Fault) -> None:
        volume = self.given_pending(fault, attached=False)
        assert volume.pending is not None
        before = volume.overlay(volume.snapshots[0])
        self.delete_pending(volume)
        self.claim_equal(before, volume.active().path.name, "the active image")
        self.claim_no_orphans()
        self.claim_everything_reads_back()

    @ddt.data(
        row("detached", Fault.NEVER_REPORT, "at once"),
        row("detached", Fault.ERROR_AFTER_WORK, "late"),
        row("attached", Fault.NEVER_REPORT, "at once"),
    )
    @ddt.unpack
    @verifies("PND-009")
    def test_failed_delete_is_repeated(
        self, guest: str, fault: Fault, when: str
    ) -> None:
        volume = self.given_pending(fault, attached=guest == "attached")
        with FailingQemuImg(1, late=when == "late"):
            self.start_deleting_pending(volume)
            volume.settle()
        if volume.snapshots[-1].status == Status.DELETED:
            volume.snapshots.pop()
        else:
            volume.snapshots[-1].delete(force=True)
        if guest == "attached":
            self.reconnect(volume, fault)
        self.claim_no_orphans()
        self.claim_everything_reads_back()

    @ddt.data(Fault.NEVER_REPORT, Fault.DIE_BEFORE_WORK, Fault.ERROR_REPORT)
    @verifies("PND-008")
    def test_attached_nothing_is_requested(self, fault: Fault) -> None:
        volume = self.given_pending(fault)
        assert volume.pending is not None
        asked = volume.deployment.nova_calls(volume.pending.id)
        in_use = volume.active()
        self.delete_pending(volume)
        if fault is not Fault.ERROR_REPORT:
            # Without an error report the guest may be switched to it yet.
            self.claim_equal(in_use, volume.active(), "the active image")
        self.claim_equal(
            asked,
            volume.deployment.nova_calls(volume.pending.id),
            "what the compute service was asked",
        )
        self.claim_no_orphans()
        self.reconnect(volume, fault)
        volume.write()
        # The image in use, without a snapshot, is like any other: there
        # are snapshots on it, and of it.
        volume.take_snapshot()
        volume.write()
        volume.snapshots[0].delete()
        self.claim_everything_reads_back()
        self.claim_no_orphans()
