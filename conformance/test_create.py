# SPDX-License-Identifier: Apache-2.0
"""Taking snapshots: the overlay, and whoever uses it afterwards."""

from __future__ import annotations

import contextlib
from pathlib import Path

import ddt
import fixtures

from assisted_kit import qcow2
from assisted_kit.capabilities import Capability
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.hostile import edits
from conformance.rows import BASES
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import requires
from conformance.rows import row
from fakes.compute import Fault
from fakes.compute import Generation

PAIRED = (
    row("raw", "detached", 0),
    row("raw", "attached", 1),
    row("qcow2", "attached", 0),
    row("qcow2", "detached", 1),
)
"""Base, guest and number of snapshots, each with each other once."""


@expanded
class OverlayTest(ConformanceTest):
    """Contract section 3."""

    @ddt.data(*PAIRED)
    @ddt.unpack
    @verifies("CRE-001")
    def test_overlay_is_as_large_as_the_volume(
        self, base: str, guest: str, depth: int
    ) -> None:
        volume = self.given_volume(
            base,
            attached=guest == "attached",
            snapshots=depth,
            writes=False,
        )
        self.given_snapshot(volume)
        overlay = volume.active()
        self.claim_equal("qcow2", overlay.format, "the overlay's format")
        self.claim_equal(
            volume.ledger.size,
            qcow2.inspect(overlay.path).virtual_size,
            "its virtual size",
        )

    @ddt.data(*PAIRED)
    @ddt.unpack
    @verifies("CRE-006")
    def test_overlay_names_its_backing_file_by_bare_name(
        self, base: str, guest: str, depth: int
    ) -> None:
        volume = self.given_volume(
            base,
            attached=guest == "attached",
            snapshots=depth,
            writes=False,
        )
        before = volume.active()
        self.given_snapshot(volume)
        self.claim_equal(
            before.path.name,
            qcow2.inspect(volume.active().path).backing_file,
            "the overlay's backing file",
        )

    @ddt.data(*PAIRED)
    @ddt.unpack
    @verifies("CRE-007")
    def test_overlay_says_which_format_was_recorded(
        self, base: str, guest: str, depth: int
    ) -> None:
        volume = self.given_volume(
            base,
            attached=guest == "attached",
            snapshots=depth,
            writes=False,
        )
        self.given_snapshot(volume)
        self.claim_equal(
            "qcow2" if depth else base,
            qcow2.inspect(volume.active().path).backing_format,
            "the overlay's backing format",
        )

    @ddt.data(*GUESTS)
    @requires(Capability.raw_base)
    @verifies("CRE-007")
    def test_overlay_says_raw_whatever_the_guest_wrote(
        self, guest: str
    ) -> None:
        volume = self.given_volume("raw", attached=guest == "attached")
        volume.write_qcow2_image()
        self.given_snapshot(volume)
        self.claim_equal(
            "raw",
            qcow2.inspect(volume.active().path).backing_format,
            "the overlay's backing format",
        )

    @ddt.data(*GUESTS)
    @verifies("CRE-002")
    def test_guests_header_changes_no_format(self, guest: str) -> None:
        volume = self.given_volume("raw", attached=guest == "attached")
        volume.write_qcow2_image()
        self.claim_everything_reads_back()
        volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()


@expanded
class LargerVolumeTest(ConformanceTest):
    """Contract section 3: of a volume of any size."""

    @ddt.data(*GUESTS)
    @verifies("CRE-001")
    def test_overlay_is_as_large_as_a_larger_volume(self, guest: str) -> None:
        volume = self.given_volume(
            attached=guest == "attached", size=2, writes=False
        )
        self.given_snapshot(volume)
        self.claim_equal(
            volume.ledger.size,
            qcow2.inspect(volume.active().path).virtual_size,
            "the overlay's virtual size",
        )


@expanded
class MissingImageTest(ConformanceTest):
    """Contract section 8: images are regular files that are there."""

    @ddt.data(0, 1)
    @verifies("CRE-009")
    def test_no_overlay_is_put_on_nothing(self, depth: int) -> None:
        volume = self.given_volume(snapshots=depth, writes=False)
        outside = Path(self.useFixture(fixtures.TempDir()).path)
        edits.move_outside(volume.active().path, outside)
        volume.undrawable = "its active image is gone"
        self.claim_refused("create")


@expanded
class ConnectionTest(ConformanceTest):
    """Contract section 4."""

    @ddt.data(*crossed(BASES, Generation))
    @ddt.unpack
    @verifies("CRE-003")
    def test_attachment_names_the_overlay(
        self, base: str, generation: Generation
    ) -> None:
        volume = self.given_volume(base, attached=True, generation=generation)
        self.given_snapshot(volume)
        self.claim_equal(
            volume.live_image(),
            volume.active(),
            "the image that the attachment names",
        )
        # What Nova read when the status changed is what it restarts with.
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()


@expanded
class RepeatedBeginTest(ConformanceTest):
    """Contract section 4: hooks are re-entrant."""

    @ddt.data(*crossed(BASES, GUESTS))
    @ddt.unpack
    @verifies("CRE-004")
    def test_begin_after_a_crash_finishes_the_job(
        self, base: str, guest: str
    ) -> None:
        volume = self.given_volume(
            base, attached=guest == "attached", snapshots=1
        )
        volume.deployment.driver.crash_after(Hook.CREATE_BEGIN)
        snapshot = volume.take_snapshot()
        volume.write()
        self.claim_equal("available", snapshot.status, "the snapshot")
        self.claim_everything_reads_back()

    @ddt.data(*BASES)
    @verifies("CRE-005")
    def test_live_overlay_is_not_made_anew(self, base: str) -> None:
        volume = self.given_volume(base, attached=True)
        volume.deployment.faults.on(Operation.CREATE, Fault.NEVER_REPORT)
        snapshot = volume.start_snapshot()
        volume.settle()
        volume.write()
        # Another process, restarted, that finds the request stored.
        driver = volume.deployment.new_driver()
        with contextlib.suppress(Exception):
            # To refuse is fine; to make the overlay anew is not.
            driver.create_snapshot_assisted_begin(snapshot.ref())
        self.claim_live_guest_reads_back()


@expanded
class RepeatedCompleteTest(ConformanceTest):
    """Contract section 4: hooks are re-entrant."""

    @ddt.data(*GUESTS)
    @verifies("CRE-008")
    def test_complete_after_a_crash_finishes_the_job(self, guest: str) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        volume.deployment.driver.crash_after(Hook.CREATE_COMPLETE)
        volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()
