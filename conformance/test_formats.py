# SPDX-License-Identifier: Apache-2.0
"""Formats: recorded, and never probed."""

from __future__ import annotations

from collections.abc import Iterator

import ddt

from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import row
from conformance.volume import VolumeUnderTest

COMES_AND_GOES = (
    row("raw", "detached"),
    row("raw", "attached"),
    row("qcow2", "detached"),
)
"""Base images, and whether a guest is there while snapshots are deleted."""


@expanded
class RecordedFormatTest(ConformanceTest):
    """Contract sections 2 and 3: what is recorded."""

    @ddt.data(*COMES_AND_GOES)
    @ddt.unpack
    @verifies("FMT-001")
    def test_format_is_the_active_images(self, base: str, guest: str) -> None:
        attached = guest == "attached"
        volume = self.given_volume(base, attached=attached, writes=False)
        for when in self._snapshots_come_and_go(volume):
            # Without a guest the base image is active again at the end.
            is_base = not volume.snapshots and not attached
            self.claim_equal(
                base if is_base else "qcow2",
                volume.formats().get("format"),
                f"the recorded format {when}",
            )

    @ddt.data(*COMES_AND_GOES)
    @ddt.unpack
    @verifies("FMT-002")
    def test_base_format_is_the_base_images(
        self, base: str, guest: str
    ) -> None:
        attached = guest == "attached"
        volume = self.given_volume(base, attached=attached, writes=False)
        for when in self._snapshots_come_and_go(volume):
            if volume.snapshots:
                self._claim_base_format(volume, base, when)
        # What is the base image now gets snapshots again.
        self.given_snapshot(volume)
        self._claim_base_format(
            volume, "qcow2" if attached else base, "of the next snapshot"
        )

    def _snapshots_come_and_go(self, volume: VolumeUnderTest) -> Iterator[str]:
        """Take two snapshots and delete them; says after each what it was.

        The newest is deleted first: for a guest, the others are pulled into
        the active image, and the base image with the last of them.
        """
        for _ in range(2):
            self.given_snapshot(volume)
            yield f"after {len(volume.snapshots)} snapshots"
        while volume.snapshots:
            with self.arranging():
                volume.snapshots[-1].delete()
            yield f"with {len(volume.snapshots)} snapshots left"

    def _claim_base_format(
        self, volume: VolumeUnderTest, expected: str, when: str
    ) -> None:
        self.claim_equal(
            expected,
            volume.formats().get("base_format"),
            f"the recorded base_format {when}",
        )


@expanded
class UnrecordedFormatTest(ConformanceTest):
    """Contract section 3: nothing is recorded."""

    @ddt.data(*GUESTS)
    @verifies("FMT-003")
    def test_what_inspects_as_raw_is_raw(self, guest: str) -> None:
        volume = self.given_volume("raw", attached=guest == "attached")
        volume.record_format(None)
        volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()

    @ddt.data("connect", "create")
    @verifies("FMT-004")
    def test_what_inspects_as_something_else_is_refused(
        self, operation: str
    ) -> None:
        volume = self.given_volume("raw")
        volume.write_qcow2_image()
        volume.record_format(None)
        self.claim_refused(operation)
