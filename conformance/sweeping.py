# SPDX-License-Identifier: Apache-2.0
"""Tests in which a service dies at every point of an operation."""

from __future__ import annotations

from typing import TypeVar

from testtools.content import text_content

from assisted_kit import qcow2
from assisted_kit.capabilities import Capability
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Status
from conformance.case import ConformanceTest
from conformance.crash.commits import CommitSweep
from conformance.crash.compute import ComputeSweep
from conformance.crash.fork_server import ForkServer
from conformance.crash.sweep import HookSweep
from conformance.crash.sweep import Sweep
from conformance.oracle import Difference
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import OperationFailed
from conformance.volume import VolumeUnderTest

AnySweep = TypeVar("AnySweep", bound=Sweep)


class SweepingTest(ConformanceTest):
    """Contract section 4: a hook called again finishes the job.

    A claim is evaluated once for each point.
    """

    def hook_sweep(
        self, volume: VolumeUnderTest, operation: Operation
    ) -> Sweep:
        """Of the points inside the hooks."""
        server = ForkServer(self.subject)
        return self._reported(
            volume, HookSweep(volume.deployment, server, operation)
        )

    def commit_sweep(self, volume: VolumeUnderTest) -> CommitSweep:
        """Of the volume manager's transactions."""
        return self._reported(volume, CommitSweep(volume.deployment))

    def compute_sweep(
        self, volume: VolumeUnderTest, operation: Operation
    ) -> ComputeSweep:
        """Of the compute service's part of an operation."""
        return self._reported(
            volume, ComputeSweep(volume.deployment, operation)
        )

    def _reported(self, volume: VolumeUnderTest, sweep: AnySweep) -> AnySweep:
        """The same, its points a detail of the test."""

        def points() -> str:
            listed = "\n".join(sweep.points)
            for long, short in volume.names().items():
                listed = listed.replace(long, short)
            return f"killed at {len(sweep.points)} points\n{listed}"

        def report() -> None:
            self.assisted_crash_points += len(sweep.points)
            self.addDetail("points", text_content(points()))

        self.addCleanup(report)
        return sweep

    def guest_writes(self, volume: VolumeUnderTest, sweep: Sweep) -> None:
        """A guest does not know that there is no volume service.

        It does not write where a snapshot may still be taken of that.
        """
        is_taken = sweep.died_in is not Hook.CREATE_BEGIN and (
            sweep.died_in is not Hook.CREATE_COMPLETE
            or volume.has(Capability.overlay_files)
        )
        if volume.instance is not None and is_taken:
            volume.write()

    def claim_converged(
        self, sweep: Sweep, snapshot: SnapshotUnderTest, status: Status
    ) -> None:
        """Claim that all is as if no service had died."""
        self._claim_no_trouble(self._trouble(snapshot, status), sweep)

    def _claim_no_trouble(
        self, trouble: Difference | None, sweep: Sweep
    ) -> None:
        """Claim it once for each point, whatever was looked at there."""
        if trouble is not None:
            died = (
                sweep.died_at or f"in {len(sweep.points)} earlier operations"
            )
            self.claim(
                False,
                trouble.expected,
                f"{trouble.observed}\nthe {sweep.victim} was killed {died}",
            )
        elif sweep.died_at:
            self.claim(True, "", "")

    def _trouble(
        self, snapshot: SnapshotUnderTest, status: Status
    ) -> Difference | None:
        volume = snapshot.volume
        try:
            volume.settle()
            if status == Status.DELETED:
                snapshot.finish_delete()
            else:
                volume.finish_snapshot(snapshot)
            return (
                self._unconnected(volume)
                or self._difference(volume)
                or self._orphans(volume)
            )
        except OperationFailed as error:
            return Difference(error.expected, error.observed)

    def _unconnected(self, volume: VolumeUnderTest) -> Difference | None:
        """Why the volume cannot be attached."""
        try:
            volume.connection_info()
        except Exception as error:  # whatever the driver raises
            return Difference(
                "initialize_connection names an image",
                f"it raises {type(error).__name__}: {error}",
            )
        return None

    def _difference(self, volume: VolumeUnderTest) -> Difference | None:
        """The first thing of the volume's that does not read back."""
        return next(filter(None, (d for d, _ in volume.differences())), None)

    def _orphans(self, volume: VolumeUnderTest) -> Difference | None:
        """The images on the share that are not in the volume's chain."""
        if not volume.has(Capability.overlay_files):
            return None
        chain = {image.path.name for image in volume.chain()}
        images = {
            name
            for name in volume.files() - chain
            if qcow2.is_qcow2(volume.directory / name)
        }
        if not images:
            return None
        return Difference(
            "no image on the share that the volume does not need",
            ", ".join(sorted(images)),
        )

    def claim_all_is_well(self, volume: VolumeUnderTest, sweep: Sweep) -> None:
        """Claim that the guest finds all of it, and goes on."""
        volume.write()
        self._claim_no_trouble(self._difference(volume), sweep)
