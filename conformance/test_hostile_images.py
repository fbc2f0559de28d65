# SPDX-License-Identifier: Apache-2.0
"""Nothing that was read from a share is trusted: images and headers."""

from __future__ import annotations

import os
from pathlib import Path

import ddt
import fixtures

from conformance import hostile
from conformance import storage
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import row
from conformance.volume import VolumeUnderTest

FOREIGN = {
    "absolute": "/etc/hostname",
    "parent_directory": "../outside",
    "json": "json:{}",
    "network": "nbd://192.0.2.1/export",
    "option": "-rf",
    "trailing_newline": "{own}\n",
}
"""What a header can name that is not the volume's."""

PLACES = {"active": 0, "inner": 1, "base": 2}
"""Where an image is in the chain of a volume with two snapshots."""

PLACED = (
    row("active", "create"),
    row("inner", "connect"),
    row("inner", "delete"),
)
"""Which overlay is hostile, and what is done to the volume then.

A snapshot is put on the active image, and need not look further down.
"""


class HostileImageTest(ConformanceTest):
    """A detached volume with two snapshots, in whose chain an image is bad."""

    def _image(self, volume: VolumeUnderTest, place: str) -> Path:
        return volume.chain()[PLACES[place]].path

    def _outside(self) -> Path:
        """A directory that is not on the share."""
        return Path(self.useFixture(fixtures.TempDir()).path)


@expanded
class HeaderTest(HostileImageTest):
    """Contract sections 3 and 8: what a header may say."""

    @ddt.data(
        row("absolute", "active", "create"),
        row("absolute", "inner", "delete"),
        row("parent_directory", "inner", "connect"),
        row("json", "active", "delete"),
        row("network", "active", "connect"),
        row("option", "active", "create"),
        row("trailing_newline", "inner", "connect"),
    )
    @ddt.unpack
    @verifies("SEC-001")
    def test_foreign_backing_file_is_refused(
        self, kind: str, place: str, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        image, below = volume.chain()[PLACES[place] :][:2]
        name = FOREIGN[kind].replace("{own}", below.path.name)
        hostile.name_backing_file(image.path, name, "raw")
        self.claim_refused(operation)

    @ddt.data(row("active", "create"), row("inner", "connect"))
    @ddt.unpack
    @verifies("SEC-001")
    def test_another_volumes_file_is_refused(
        self, place: str, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        another = VolumeUnderTest(volume.deployment).active()
        hostile.name_backing_file(
            self._image(volume, place), another.path.name, another.format
        )
        self.claim_refused(operation)

    @ddt.data(*PLACED)
    @ddt.unpack
    @verifies("SEC-005")
    def test_data_file_is_refused(self, place: str, operation: str) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        data = self._outside() / "data"
        hostile.put_data_outside(self._image(volume, place), data)
        before = storage.digest(data)
        self.claim_refused(operation)
        self.claim_equal(before, storage.digest(data), "the data file")

    @ddt.data(
        row("vmdk", "active", "create"),
        row("vmdk", "inner", "delete"),
        row("luks", "inner", "connect"),
    )
    @ddt.unpack
    @verifies("SEC-006")
    def test_backing_file_of_another_format_is_refused(
        self, format_: str, place: str, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        hostile.say_backing_format(self._image(volume, place), format_)
        self.claim_refused(operation)

    @ddt.data("connect", "create", "delete")
    @verifies("SEC-007")
    def test_raw_base_image_is_not_qcow2_because_a_header_says_so(
        self, operation: str
    ) -> None:
        volume = self.given_volume("raw")
        volume.write_qcow2_image()
        volume.take_snapshot()
        hostile.say_backing_format(volume.active().path, "qcow2")
        self.claim_refused(operation)

    @ddt.data(*PLACED)
    @ddt.unpack
    @verifies("SEC-009")
    def test_image_beyond_the_volumes_size_is_refused(
        self, place: str, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        hostile.enlarge(self._image(volume, place))
        self.claim_refused(operation)


@expanded
class FileTest(HostileImageTest):
    """Contract section 8: what is opened at all."""

    @ddt.data(
        row("active", "create"),
        row("inner", "delete"),
        row("base", "connect"),
    )
    @ddt.unpack
    @verifies("SEC-004")
    def test_link_is_refused(self, place: str, operation: str) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        image = self._image(volume, place)
        outside = self._outside()
        # What is there is right; only its place is not.
        image.symlink_to(hostile.move_outside(image, outside))
        before = storage.digest(image)
        self.claim_refused(operation)
        self.claim_equal(
            before, storage.digest(image), "what the link points at"
        )

    @ddt.data("create", "delete")
    @verifies("SEC-004")
    def test_fifo_is_refused(self, operation: str) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        image = self._image(volume, "active")
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
        volume = self.given_volume(snapshots=2, writes=False)
        self._image(volume, place).write_bytes(hostile.VMDK)
        self.claim_refused(operation)


@expanded
class ChainTest(HostileImageTest):
    """Contract sections 3 and 8: where a chain leads."""

    @ddt.data("create", "delete")
    @verifies("SEC-010")
    def test_loop_is_refused(self, operation: str) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        active, inner, _ = volume.chain()
        hostile.name_backing_file(inner.path, active.path.name, "qcow2")
        volume.undrawable = f"{active.path.name} is below itself now"
        self.claim_refused(operation)

    @ddt.data("connect", "delete")
    @verifies("SEC-010")
    def test_missing_backing_file_is_an_error(self, operation: str) -> None:
        volume = self.given_volume(snapshots=2, writes=False)
        hostile.move_outside(self._image(volume, "inner"), self._outside())
        self.claim_refused(operation)

    @ddt.data("active", "inner")
    @verifies("SEC-013")
    def test_absolute_name_of_an_own_file_is_accepted(
        self, place: str
    ) -> None:
        volume = self.given_volume(snapshots=2)
        image, below = volume.chain()[PLACES[place] :][:2]
        hostile.name_backing_file(image.path, str(below.path), below.format)
        self.claim_connected()
        volume.take_snapshot()
        volume.snapshots[-2].delete()
        self.claim_everything_reads_back()
