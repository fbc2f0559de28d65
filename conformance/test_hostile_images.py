# SPDX-License-Identifier: Apache-2.0
"""Nothing that was read from a share is trusted: images and headers."""

from __future__ import annotations

import os
from pathlib import Path

import ddt
import fixtures

from conformance import storage
from conformance.case import verifies
from conformance.hostile import backing_files
from conformance.hostile import chains
from conformance.hostile import edits
from conformance.hostile import images
from conformance.hostile.case import HostileTest
from conformance.hostile.case import PLACED
from conformance.rows import expanded
from conformance.rows import row

OUTSIDE = {
    **backing_files.LEAD_OUTSIDE,
    **images.DATA_FILES,
    **images.OPEN_OTHERS,
    **images.NO_FILES,
}
"""Through which a file or a host outside the share would be opened."""


@expanded
class HeaderTest(HostileTest):
    """Contract sections 3 and 8: what a header may say."""

    @ddt.data(*PLACED)
    @ddt.unpack
    @verifies("SEC-001")
    def test_foreign_backing_file_is_refused(
        self, place: str, operation: str
    ) -> None:
        self.claim_each_refused(backing_files.FOREIGN, place, operation)

    @ddt.data("connect", "delete")
    @verifies("SEC-001")
    def test_foreign_backing_file_far_down_is_refused(
        self, operation: str
    ) -> None:
        self.claim_each_refused(chains.FOREIGN, "inner", operation)

    @ddt.data(*PLACED)
    @ddt.unpack
    @verifies("SEC-005")
    def test_data_file_is_refused(self, place: str, operation: str) -> None:
        self.claim_each_refused(images.DATA_FILES, place, operation)

    @ddt.data(*PLACED)
    @ddt.unpack
    @verifies("SEC-006")
    def test_backing_file_of_another_format_is_refused(
        self, place: str, operation: str
    ) -> None:
        self.claim_each_refused(backing_files.OTHER_FORMATS, place, operation)

    @ddt.data("connect", "create", "delete")
    @verifies("SEC-007")
    def test_raw_base_image_is_not_qcow2_because_a_header_says_so(
        self, operation: str
    ) -> None:
        volume = self.given_volume("raw")
        volume.write_qcow2_image()
        volume.take_snapshot()
        edits.say_backing_format(volume.active().path, "qcow2")
        self.claim_refused(operation)

    @ddt.data(*PLACED)
    @ddt.unpack
    @verifies("SEC-009")
    def test_image_beyond_the_volumes_size_is_refused(
        self, place: str, operation: str
    ) -> None:
        self.claim_each_refused(images.TOO_LARGE, place, operation)

    @ddt.data(*PLACED)
    @ddt.unpack
    @verifies("SEC-014")
    def test_header_that_lies_is_refused(
        self, place: str, operation: str
    ) -> None:
        self.claim_each_refused(images.LYING, place, operation)


@expanded
class OutsideTest(HostileTest):
    """Contract section 8: validated before a file is opened through them."""

    @ddt.data(*PLACED)
    @ddt.unpack
    @verifies("SEC-015")
    def test_nothing_outside_is_opened_through_an_image(
        self, place: str, operation: str
    ) -> None:
        self.claim_outside_untouched(OUTSIDE, place, operation)


@expanded
class FileTest(HostileTest):
    """Contract section 8: what is opened at all."""

    @ddt.data(*PLACED)
    @ddt.unpack
    @verifies("SEC-004")
    def test_what_is_no_regular_file_is_refused(
        self, place: str, operation: str
    ) -> None:
        self.claim_each_refused(images.NO_FILES, place, operation)

    @ddt.data("connect", "delete")
    @verifies("SEC-004")
    def test_link_in_place_of_the_base_image_is_refused(
        self, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        image = self.image(volume, "base")
        outside = Path(self.useFixture(fixtures.TempDir()).path)
        # What is there is right; only its place is not.
        image.symlink_to(edits.move_outside(image, outside))
        before = storage.digest(image)
        self.claim_refused(operation)
        self.claim_equal(
            before, storage.digest(image), "what the link points at"
        )

    @ddt.data("create", "delete")
    @verifies("SEC-004")
    def test_fifo_is_refused(self, operation: str) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        image = self.image(volume, "active")
        image.unlink()
        os.mkfifo(image)
        # Nobody writes to it: a call that opens it might never return,
        # and would be waited for.
        volume.undrawable = f"{image.name} is a FIFO now"
        self.claim_refused(operation)

    @ddt.data(*PLACED)
    @ddt.unpack
    @verifies("SEC-008")
    def test_image_that_is_not_qcow2_is_refused(
        self, place: str, operation: str
    ) -> None:
        self.claim_each_refused(images.OTHER_FORMATS, place, operation)


@expanded
class ChainTest(HostileTest):
    """Contract sections 3 and 8: where a chain leads."""

    @ddt.data(row("active", "create"), row("inner", "delete"))
    @ddt.unpack
    @verifies("SEC-010")
    def test_broken_chain_is_refused(self, place: str, operation: str) -> None:
        self.claim_each_refused(chains.BROKEN, place, operation)

    @ddt.data("connect", "delete")
    @verifies("SEC-010")
    def test_missing_backing_file_is_an_error(self, operation: str) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        outside = Path(self.useFixture(fixtures.TempDir()).path)
        edits.move_outside(self.image(volume, "inner"), outside)
        self.claim_refused(operation)

    @ddt.data("active", "inner")
    @verifies("SEC-013")
    def test_absolute_name_of_an_own_file_is_accepted(
        self, place: str
    ) -> None:
        volume = self.given_volume(snapshots=2)
        image, below = self.image_and_below(volume, place)
        edits.name_backing_file(image.path, str(below.path), below.format)
        self.claim_connected()
        volume.take_snapshot()
        volume.snapshots[-2].delete()
        self.claim_everything_reads_back()
