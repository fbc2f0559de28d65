# SPDX-License-Identifier: Apache-2.0
"""Volumes of which a create is pending (contract section 5)."""

from __future__ import annotations

from assisted_kit.driver import Operation
from conformance.case import ConformanceTest
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault


class PendingTest(ConformanceTest):
    """What tests share that begin with a create that ended badly."""

    def given_pending(
        self,
        fault: Fault,
        base: str | None = None,
        *,
        attached: bool = True,
        snapshots: int = 1,
    ) -> VolumeUnderTest:
        """A volume with a snapshot, and another whose create failed.

        Whether its guest was switched to the overlay, nobody knows.
        """
        volume = self.given_volume(base, attached=True, snapshots=snapshots)
        with self.arranging():
            volume.deployment.faults.on(Operation.CREATE, fault)
            snapshot = volume.start_snapshot()
            volume.settle()
            volume.write()
            volume.deployment.let_deadline_pass()
            volume.expect(snapshot, "an unreported create", "error")
        # It failed, so nobody is promised its data.
        volume.snapshots.remove(snapshot)
        volume.pending = snapshot
        if not attached:
            volume.detach()
        return volume

    def start_deleting_pending(self, volume: VolumeUnderTest) -> None:
        """Accept the delete of the snapshot whose create failed."""
        assert volume.pending is not None
        volume.snapshots.append(volume.pending)
        volume.pending.start_delete()

    def delete_pending(self, volume: VolumeUnderTest) -> None:
        """Delete the snapshot whose create failed."""
        self.start_deleting_pending(volume)
        volume.settle()
        volume.snapshots[-1].finish_delete()

    def reconnect(self, volume: VolumeUnderTest, fault: Fault) -> None:
        """Restart the guest cold, with the connection that is right now."""
        if fault in (Fault.NEVER_REPORT, Fault.NO_ANSWER):
            volume.restart()
        else:
            # A Nova that has failed or died does not read the connection
            # information again, and no driver can help that.
            volume.detach()
            volume.attach()
