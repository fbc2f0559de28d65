# SPDX-License-Identifier: Apache-2.0
"""The volume service killed inside a hook: each point of an operation."""

from __future__ import annotations

import ddt
from testtools.content import text_content

from assisted_kit import qcow2
from assisted_kit.capabilities import Capability
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Status
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.crash.fork_server import ForkServer
from conformance.crash.sweep import Sweep
from conformance.oracle import Difference
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import OperationFailed
from conformance.volume import VolumeUnderTest

POSITIONS = ("oldest", "newest")


@expanded
class CrashTest(ConformanceTest):
    """Contract section 4: a hook called again finishes the job.

    A claim is evaluated once for each point.
    """

    def setUp(self) -> None:
        super().setUp()
        self._server = self.useFixture(ForkServer(self.subject))

    @ddt.data(*GUESTS)
    @verifies("CRH-001")
    def test_create_killed_at_each_point(self, guest: str) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        sweep = self._sweep(volume, Operation.CREATE)
        while not sweep.is_over:
            with sweep.deadly(lambda: self._guest_writes(volume, sweep)):
                snapshot = volume.start_snapshot()
                volume.settle()
            self._claim_converged(sweep, snapshot, Status.AVAILABLE)
            snapshot.delete()
        self._claim_all_is_well(volume, sweep)

    @ddt.data(*crossed(GUESTS, POSITIONS))
    @ddt.unpack
    @verifies("CRH-002")
    def test_delete_killed_at_each_point(
        self, guest: str, position: str
    ) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        sweep = self._sweep(volume, Operation.DELETE)
        while not sweep.is_over:
            volume.take_snapshot()
            volume.write()
            snapshot = volume.snapshots[0 if position == "oldest" else -1]
            with sweep.deadly(lambda: self._guest_writes(volume, sweep)):
                snapshot.start_delete()
                volume.settle()
            self._claim_converged(sweep, snapshot, Status.DELETED)
        self._claim_all_is_well(volume, sweep)

    # -- what each of them does

    def _sweep(self, volume: VolumeUnderTest, operation: Operation) -> Sweep:
        sweep = Sweep(volume.deployment, self._server, operation)

        def points() -> str:
            listed = "\n".join(sweep.points)
            for long, short in volume.names().items():
                listed = listed.replace(long, short)
            return f"killed at {len(sweep.points)} points\n{listed}"

        self.addCleanup(
            lambda: self.addDetail("points", text_content(points()))
        )
        return sweep

    def _guest_writes(self, volume: VolumeUnderTest, sweep: Sweep) -> None:
        """A guest does not know that there is no volume service.

        It does not write where a snapshot may still be taken of that.
        """
        is_taken = sweep.died_in is not Hook.CREATE_BEGIN and (
            sweep.died_in is not Hook.CREATE_COMPLETE
            or volume.has(Capability.overlay_files)
        )
        if volume.instance is not None and is_taken:
            volume.write()

    def _claim_converged(
        self, sweep: Sweep, snapshot: SnapshotUnderTest, status: Status
    ) -> None:
        """Claim that all is as if the volume service had not died."""
        self._claim_no_trouble(self._trouble(snapshot, status), sweep)

    def _claim_no_trouble(
        self, trouble: Difference | None, sweep: Sweep
    ) -> None:
        """Claim it once for each point, whatever was looked at there."""
        if trouble is not None:
            died = sweep.died_at or f"{len(sweep.points)} operations before"
            self.claim(
                False,
                trouble.expected,
                f"{trouble.observed}\nthe volume service was killed in {died}",
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
            return self._difference(volume) or self._orphans(volume)
        except OperationFailed as error:
            return Difference(error.expected, error.observed)

    def _difference(self, volume: VolumeUnderTest) -> Difference | None:
        """The first thing of the volume's that does not read back."""
        difference = volume.difference()
        for snapshot in volume.snapshots:
            difference = difference or volume.snapshot_difference(snapshot)
        return difference

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

    def _claim_all_is_well(
        self, volume: VolumeUnderTest, sweep: Sweep
    ) -> None:
        """Claim that the guest finds all of it when it starts again."""
        if volume.instance is not None:
            volume.restart()
        volume.write()
        self._claim_no_trouble(self._difference(volume), sweep)
