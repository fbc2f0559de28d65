# SPDX-License-Identifier: Apache-2.0
"""Deleting snapshots: what stays, what goes, and what is believed."""

from __future__ import annotations

from pathlib import Path

import ddt

from assisted_kit import qcow2
from assisted_kit.capabilities import Capability
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from conformance import storage
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import BASES
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import paired
from conformance.rows import requires
from conformance.rows import row
from fakes.compute import Fault

POSITIONS = ("oldest", "middle", "newest")


def index_of(position: str, depth: int) -> int:
    """Which of ``depth`` snapshots is meant."""
    return {"oldest": 0, "middle": depth // 2, "newest": depth - 1}[position]


@expanded
class NothingThereTest(ConformanceTest):
    """Contract section 3: no record of the snapshot, no file of it."""

    @ddt.data(*crossed(GUESTS, (0, 1)))
    @ddt.unpack
    @verifies("DEL-001")
    def test_delete_succeeds_repeatably(self, guest: str, depth: int) -> None:
        volume = self.given_volume(
            attached=guest == "attached", snapshots=depth
        )
        files = volume.files()
        # Accepted by the API, and never begun.
        unborn = volume.unborn_snapshot()
        for hook in (Hook.DELETE_BEGIN, Hook.DELETE_COMPLETE):
            # Each is called once more than it was needed.
            volume.deployment.driver.crash_after(hook)
        unborn.delete()
        self.claim_equal(
            [],
            volume.deployment.nova_calls(unborn.id),
            "what the compute service was asked",
        )
        self.claim_equal(files, volume.files(), "the files of the volume")
        self.claim_everything_reads_back()


@expanded
class NoOrphansTest(ConformanceTest):
    """Contract section 3, deleting."""

    @ddt.data(*paired(BASES, GUESTS, POSITIONS))
    @ddt.unpack
    @verifies("DEL-002")
    def test_file_that_is_not_needed_is_gone(
        self, base: str, guest: str, position: str
    ) -> None:
        volume = self.given_volume(
            base, attached=guest == "attached", snapshots=3
        )
        volume.snapshots[index_of(position, 3)].delete()
        needed = {image.path.name for image in volume.chain()}
        if volume.has(Capability.cinder_share_layout):
            needed.add(f"{volume.name}.info")
        self.claim_equal(
            sorted(needed),
            sorted(volume.files()),
            "the files of the volume",
        )


@expanded
class TableTest(ConformanceTest):
    """Contract section 3, deleting: the table."""

    @verifies("DEL-007")
    def test_pulled_files_snapshot_is_recorded_anew(self) -> None:
        volume = self.given_volume(attached=True, snapshots=2, writes=False)
        older, newest = volume.snapshots
        overlay = volume.overlay(newest)
        newest.delete()
        self.claim_equal(
            overlay,
            volume.overlay(older),
            "the overlay recorded for the older snapshot",
        )

    @ddt.data("oldest", "newest")
    @verifies("DEL-008")
    def test_active_image_of_a_guest_stays(self, position: str) -> None:
        volume = self.given_volume(attached=True, snapshots=2, writes=False)
        before = volume.active()
        volume.snapshots[index_of(position, 2)].delete()
        self.claim_equal(before, volume.active(), "the active image")

    @ddt.data(row("raw", 1), row("qcow2", 1), row("raw", 2))
    @ddt.unpack
    @verifies("DEL-009")
    def test_backing_file_becomes_active(self, base: str, depth: int) -> None:
        volume = self.given_volume(base, snapshots=depth, writes=False)
        backing = volume.chain(at_least=2)[1]
        volume.snapshots[-1].delete()
        self.claim_equal(backing, volume.active(), "the active image")

    @ddt.data(
        row("detached", 1, name="detached inner"),
        row("attached", 3, name="attached newest"),
    )
    @ddt.unpack
    @verifies("DEL-012")
    def test_other_images_are_left_alone(
        self, guest: str, position: int
    ) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=4)
        chain = [image.path for image in volume.chain()]
        merged = len(chain) - 2 - position
        # Its own overlay, the one below, and the one above, whose header
        # names another backing file afterwards.
        concerned = chain[max(merged - 1, 0) : merged + 2]
        others = [path for path in chain if path not in concerned]
        before = {path.name: storage.digest(path) for path in others}
        volume.snapshots[position].delete()
        self.claim_equal(
            before,
            {path.name: storage.digest(path) for path in others},
            "the images that the delete does not concern",
        )


@expanded
class HeaderTest(ConformanceTest):
    """Contract section 3: what overlays say of their backing files."""

    @ddt.data(
        row("raw", "oldest"), row("qcow2", "oldest"), row("raw", "middle")
    )
    @ddt.unpack
    @verifies("DEL-013")
    def test_overlays_name_what_is_below(
        self, base: str, position: str
    ) -> None:
        volume = self.given_volume(base, snapshots=3)
        volume.snapshots[index_of(position, 3)].delete()
        *overlays, _ = volume.chain()
        formats = [*["qcow2"] * (len(overlays) - 1), base]
        for overlay, format_ in zip(overlays, formats, strict=True):
            header = qcow2.inspect(overlay.path)
            name = str(header.backing_file)
            self.claim_equal(
                (Path(name).name, format_),
                (name, header.backing_format),
                f"what {overlay.path.name} says of its backing file",
            )

    @requires(Capability.raw_base)
    @verifies("DEL-013")
    def test_overlay_says_raw_whatever_the_guest_wrote(self) -> None:
        volume = self.given_volume("raw")
        volume.write_qcow2_image()
        with self.arranging():
            merged, _ = volume.take_snapshot(), volume.take_snapshot()
            merged.delete()
        self.claim_equal(
            "raw",
            qcow2.inspect(volume.active().path).backing_format,
            "the overlay's backing format",
        )


@expanded
class NamedFileTest(ConformanceTest):
    """Contract section 3: when a file is removed."""

    @ddt.data(*GUESTS)
    @verifies("DEL-010")
    def test_file_that_an_image_names_is_not_removed(self, guest: str) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        volume.deployment.faults.on(Operation.CREATE, Fault.REFUSE)
        refused = volume.take_snapshot(expect="error")
        volume.snapshots.remove(refused)
        volume.take_snapshot()
        if guest == "detached":
            volume.detach()
        # The refused one's overlay is on the first one's.
        volume.snapshots.pop(0).start_delete()
        volume.settle()
        named = {
            image.path.name
            for name in volume.files()
            if (image := volume.backing(name)) is not None
        }
        self.claim_equal(
            [],
            sorted(named - {path.name for path in volume.directory.iterdir()}),
            "backing files that are gone",
        )
        self.claim_everything_reads_back()


@expanded
class UnbelievableReportTest(ConformanceTest):
    """Contract section 5: done is reported, and is not done."""

    @ddt.data(*POSITIONS)
    @verifies("DEL-003")
    def test_complete_raises_and_files_stay(self, position: str) -> None:
        volume = self.given_volume(attached=True, snapshots=3)
        files = volume.files()
        snapshot = volume.snapshots[index_of(position, 3)]
        volume.deployment.faults.on(Operation.DELETE, Fault.DONE_WITHOUT_WORK)
        snapshot.start_delete()
        volume.settle()
        self.claim_complete_raised(snapshot)
        self.claim_equal(
            sorted(files), sorted(volume.files()), "the files of the volume"
        )
        self.claim_everything_reads_back()


class ProbedFormatTest(ConformanceTest):
    """Contract section 5: another format than recorded."""

    @verifies("DEL-006")
    def test_complete_raises_and_files_stay(self) -> None:
        volume = self.given_volume("raw", attached=True)
        volume.write_qcow2_image()
        for _ in range(2):
            self.given_snapshot(volume)
            volume.write()
        files = volume.files()
        volume.instance.stop()
        snapshot = volume.snapshots[-1]
        snapshot.start_delete()
        volume.settle()
        self.claim_complete_raised(snapshot)
        self.claim_equal(
            sorted(files), sorted(volume.files()), "the files of the volume"
        )


@expanded
class RepeatedCompleteTest(ConformanceTest):
    """Contract section 4: hooks are re-entrant."""

    @ddt.data(*paired(BASES, GUESTS, POSITIONS))
    @ddt.unpack
    @verifies("DEL-004")
    def test_complete_after_a_crash_finishes_the_job(
        self, base: str, guest: str, position: str
    ) -> None:
        volume = self.given_volume(
            base, attached=guest == "attached", snapshots=3
        )
        volume.deployment.driver.crash_after(Hook.DELETE_COMPLETE)
        volume.snapshots[index_of(position, 3)].delete()
        self.claim_everything_reads_back()


@expanded
class RepeatedBeginTest(ConformanceTest):
    """Contract section 4: hooks are re-entrant."""

    @ddt.data(
        row("detached", "oldest"),
        row("attached", "oldest"),
        row("attached", "newest"),
    )
    @ddt.unpack
    @verifies("DEL-011")
    def test_begin_after_a_crash_finishes_the_job(
        self, guest: str, position: str
    ) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=2)
        volume.deployment.driver.crash_after(Hook.DELETE_BEGIN)
        volume.snapshots[index_of(position, 2)].delete()
        self.claim_everything_reads_back()


@expanded
class UnreportedDeleteTest(ConformanceTest):
    """Contract section 3: an earlier attempt that was never reported."""

    @ddt.data(
        row("attached", "oldest"),
        row("detached", "middle"),
        row("attached", "newest"),
    )
    @ddt.unpack
    @verifies("DEL-005")
    def test_repeated_delete_converges(
        self, guest: str, position: str
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=3)
        snapshot = volume.snapshots[index_of(position, 3)]
        snapshot.delete_unreported()
        if guest == "detached":
            volume.detach()
        asked = len(volume.deployment.nova_calls(snapshot.id))
        snapshot.delete(force=True)
        self.claim_equal(
            asked,
            len(volume.deployment.nova_calls(snapshot.id)),
            "how often the compute service was asked",
        )
        self.claim_everything_reads_back()

    @ddt.data(1, 2)
    @verifies("DEL-005")
    def test_unreported_pull_of_everything_converges(self, depth: int) -> None:
        volume = self.given_volume(attached=True, snapshots=depth)
        while len(volume.snapshots) > 1:
            volume.snapshots[0].delete()
        snapshot = volume.snapshots[0]
        volume.deployment.faults.on(Operation.DELETE, Fault.NEVER_REPORT)
        snapshot.start_delete()
        volume.settle()
        volume.deployment.let_deadline_pass()
        snapshot.delete(force=True)
        self.claim_everything_reads_back()
        volume.restart()
        volume.write()
        volume.take_snapshot()
        self.claim_everything_reads_back()
