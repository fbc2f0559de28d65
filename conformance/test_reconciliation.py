# SPDX-License-Identifier: Apache-2.0
"""Deletes that were carried out and never reported, repeated."""

from __future__ import annotations

import ddt

from conformance import storage
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import row
from conformance.snapshot import SnapshotUnderTest
from conformance.volume import VolumeUnderTest


@expanded
class UnreportedTest(ConformanceTest):
    """Contract section 3: *begin* compares records and chain."""

    def _leave_unreported(
        self, volume: VolumeUnderTest, position: int, guest: str
    ) -> SnapshotUnderTest:
        """Have a snapshot's files merged, and nobody report it."""
        snapshot = volume.snapshots[position]
        snapshot.delete_unreported()
        if guest == "detached":
            volume.detach()
        return snapshot

    def _claim_removes(
        self, volume: VolumeUnderTest, snapshot: SnapshotUnderTest, name: str
    ) -> None:
        """Claim that the repeated delete removes one file and no other."""
        asked = volume.deployment.nova_calls(snapshot.id)
        directory = volume.directory
        files = {path.name for path in directory.iterdir()}
        snapshot.delete(force=True)
        self.claim_equal(
            asked,
            volume.deployment.nova_calls(snapshot.id),
            "what the compute service was asked, all in all",
        )
        self.claim_equal(
            sorted(files - {name}),
            sorted(path.name for path in directory.iterdir()),
            "the files beside the active image",
        )
        self.claim_everything_reads_back()

    @ddt.data(*GUESTS)
    @verifies("REC-001")
    def test_committed_overlay_is_removed(self, guest: str) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        overlay = volume.chain(at_least=2)[1].path.name
        snapshot = self._leave_unreported(volume, 0, guest)
        self._claim_removes(volume, snapshot, overlay)

    @ddt.data(*GUESTS)
    @verifies("REC-002")
    def test_pulled_overlay_is_removed(self, guest: str) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        pulled = volume.chain(at_least=2)[1].path.name
        snapshot = self._leave_unreported(volume, 1, guest)
        self._claim_removes(volume, snapshot, pulled)
        self.claim_equal(
            volume.active().path.name,
            volume.overlay(volume.snapshots[0]),
            "the overlay recorded for the older snapshot",
        )

    @ddt.data(*GUESTS)
    @verifies("REC-003")
    def test_former_base_image_is_removed(self, guest: str) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        base = volume.chain()[-1].path.name
        snapshot = self._leave_unreported(volume, 0, guest)
        self._claim_removes(volume, snapshot, base)

    @ddt.data(
        row("attached", 0, name="attached oldest"),
        row("detached", 1, name="detached middle"),
        row("attached", 2, name="attached newest"),
    )
    @ddt.unpack
    @verifies("REC-004")
    def test_images_that_stay_are_not_changed(
        self, guest: str, position: int
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=3)
        snapshot = self._leave_unreported(volume, position, guest)
        images = [image.path for image in volume.chain()]
        before = {path.name: storage.digest(path) for path in images}
        snapshot.delete(force=True)
        after = {
            path.name: storage.digest(path) for path in images if path.exists()
        }
        self.claim_equal(before, after, "the images of the chain")
