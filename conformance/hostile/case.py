# SPDX-License-Identifier: Apache-2.0
"""Tests that put many hostile images in the place of one, in turn."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from assisted_kit.image import Image
from conformance.case import ConformanceTest
from conformance.hostile.kept_share import KeptShare
from conformance.hostile.outside import Outside
from conformance.hostile.surroundings import Images
from conformance.hostile.surroundings import Surroundings
from conformance.rows import row
from conformance.volume import VolumeUnderTest

GIB = 1024**3

PLACES = {"active": 0, "inner": 1, "base": 2}
"""Where an image is in the chain of a volume with two snapshots."""

PLACED = (
    row("active", "connect"),
    row("active", "create"),
    row("inner", "connect"),
    row("inner", "delete"),
)
"""Which overlay is hostile, and what is done to the volume then.

A snapshot is put on the active image, and need not look further down.
"""

SHARES = {
    ("active", "connect"): slice(None),
    ("active", "create"): slice(0, None, 4),
    ("active", "delete"): slice(1, None, 4),
    ("inner", "delete"): slice(2, None, 4),
    ("inner", "connect"): slice(3, None, 4),
}
"""Which cases of a long table are tried in which way.

Each when the volume is attached, which costs least, and in one other way.
"""

FEW = 12
"""Cases that are tried in every way."""

Case = TypeVar("Case")


def share_of(
    cases: Mapping[str, Case], place: str, operation: str
) -> dict[str, Case]:
    """The cases that are tried in this way."""
    items = list(cases.items())
    if len(items) > FEW:
        items = items[SHARES[place, operation]]
    return dict(items)


class HostileTest(ConformanceTest):
    """A detached volume with two snapshots, in whose chain an image is bad.

    What is refused changes nothing, so that one volume serves for many
    cases; the share is put back after each.
    """

    outside: Outside

    def image(self, volume: VolumeUnderTest, place: str) -> Path:
        """The image at that place of the chain."""
        depth = PLACES[place]
        return volume.chain(at_least=depth + 1)[depth].path

    def image_and_below(
        self, volume: VolumeUnderTest, place: str
    ) -> tuple[Image, Image]:
        """The image at that place of the chain, and its backing file."""
        depth = PLACES[place]
        image, below = volume.chain(at_least=depth + 2)[depth : depth + 2]
        return image, below

    def surroundings(self, place: str = "active") -> Surroundings:
        """A volume, one of whose images is about to be hostile."""
        volume = self.given_volume(snapshots=2, writes=False)
        image, below = self.image_and_below(volume, place)
        another = VolumeUnderTest(volume.deployment).active()
        self.outside = self.useFixture(Outside())
        # What is there is right; only its place is not.
        shutil.copyfile(image.path, self.outside.path / image.path.name)
        with (self.outside.path / below.path.name).open("wb") as file:
            file.truncate(below.path.stat().st_size)
        return Surroundings(
            image=image.path,
            below=below.path,
            below_format=below.format,
            size=GIB,
            another=another.path,
            outside=self.outside.path,
            port=self.outside.port,
        )

    def each(self, cases: Mapping[str, Case], what: str) -> Iterator[Case]:
        """Each case, after which the share is as it was.

        A failure's message names it.

        :param what: what is hostile.
        """
        volume = self._volume()
        kept = KeptShare(volume.deployment.share)
        for name, case in cases.items():
            volume.undrawable = f"{what} is hostile: {name}"
            # A failure shows what led to it, and not the cases before.
            volume.deployment.journal.forget()
            yield case
            kept.restore()
        volume.undrawable = ""
        # Else nothing was refused for what was wrong with it.
        self.claim_connected()

    def claim_each_refused(
        self, images: Images, place: str, operation: str
    ) -> None:
        """Claim that an operation is refused on each of these images."""
        around = self.surroundings(place)
        images = share_of(images, place, operation)
        for put in self.each(images, around.image.name):
            put(around)
            self.claim_refused(operation)

    def claim_outside_untouched(
        self, images: Images, place: str, operation: str
    ) -> None:
        """Claim that nothing outside is opened through these images.

        How the operation ends does not matter.
        """
        around = self.surroundings(place)
        images = share_of(images, place, operation)
        for put in self.each(images, around.image.name):
            put(around)
            self.claim_untouched(operation)

    def claim_untouched(self, operation: str) -> None:
        """Claim that the driver does not touch what is outside."""
        self.outside.forget()
        self.attempt(operation)
        self.claim_equal(
            [], self.outside.touches(), "what was touched outside"
        )

    def attempt(self, operation: str) -> None:
        """Have the driver do something, however that ends."""
        volume = self._volume()
        if operation == "connect":
            # Whatever the driver raises: it is not what is claimed about.
            with contextlib.suppress(Exception):
                volume.connection_info()
            return
        if operation == "create":
            volume.start_snapshot()
        else:
            volume.snapshots[-1].start_delete(force=True)
        volume.settle()
