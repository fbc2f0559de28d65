# SPDX-License-Identifier: Apache-2.0
"""Restarts of the volume service: carrying on from the database alone."""

from __future__ import annotations

import ddt

from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import row
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault

REPORTS = ("reported meanwhile", "reported afterwards")
"""When the compute service is done: while no volume service is up, or not."""


@expanded
class RestartTest(ConformanceTest):
    """Contract section 4: any process can carry on."""

    def restart_service(self, volume: VolumeUnderTest, report: str) -> None:
        """Restart the volume service while the compute service is at work.

        It has done it already, but does not report before it is told to.
        """
        nova = volume.deployment.nova
        with volume.deployment.service_down():
            volume.write()
            if report == "reported meanwhile":
                nova.release()
        if report == "reported afterwards":
            nova.release()
        volume.settle()

    def claim_all_is_well(self, volume: VolumeUnderTest) -> None:
        """Claim that no byte is lost, now and after the guest's restart."""
        self.claim_everything_reads_back()
        self.claim_no_orphans()
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()

    @ddt.data(*REPORTS)
    @verifies("RST-001")
    def test_create_is_completed(self, report: str) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        volume.deployment.faults.on(Operation.CREATE, Fault.REPORT_LATE)
        snapshot = volume.start_snapshot()
        volume.settle()
        self.restart_service(volume, report)
        volume.finish_snapshot(snapshot)
        self.claim_all_is_well(volume)

    @ddt.data(
        row("oldest", "reported meanwhile"),
        row("middle", "reported afterwards"),
        row("newest", "reported meanwhile"),
        row("newest", "reported afterwards"),
    )
    @ddt.unpack
    @verifies("RST-002")
    def test_delete_is_completed(self, position: str, report: str) -> None:
        volume = self.given_volume(attached=True, snapshots=3)
        which = ("oldest", "middle", "newest").index(position)
        snapshot = volume.snapshots[which]
        volume.deployment.faults.on(Operation.DELETE, Fault.REPORT_LATE)
        snapshot.start_delete()
        volume.settle()
        self.restart_service(volume, report)
        snapshot.finish_delete()
        self.claim_all_is_well(volume)

    @ddt.data(
        row("raw", "attached"),
        row("raw", "detached"),
        row("qcow2", "detached"),
    )
    @ddt.unpack
    @verifies("RST-003")
    def test_create_complete_finishes_the_job(
        self, base: str, guest: str
    ) -> None:
        volume = self.given_volume(
            base, attached=guest == "attached", snapshots=1
        )
        volume.deployment.driver.crash_after(Hook.CREATE_COMPLETE)
        volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()
