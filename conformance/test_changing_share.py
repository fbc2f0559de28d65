# SPDX-License-Identifier: Apache-2.0
"""A share that changes while a snapshot operation is under way."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ddt

from assisted_kit.driver import Hook
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.hostile.changing import ChangingQemuImg
from conformance.hostile.changing import replace
from conformance.hostile.changing import REPLACED
from conformance.hostile.outside import Outside
from conformance.hostile.surroundings import Surroundings
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.volume import VolumeUnderTest

GIB = 1024**3


@expanded
class ChangingShareTest(ConformanceTest):
    """Contract section 8: what is read is validated whenever it is read."""

    outside: Outside

    @ddt.data(*GUESTS)
    @verifies("SEC-016")
    def test_overlay_is_replaced_before_create_is_complete(
        self, guest: str
    ) -> None:
        for name, volume in self._each_replacement(guest):
            before = self._files(volume)

            def change(
                name: str = name,
                volume: VolumeUnderTest = volume,
                before: set[Path] = before,
            ) -> None:
                (overlay,) = self._files(volume) - before
                replace(self._surroundings(volume, overlay), name)

            self._before(Hook.CREATE_COMPLETE, change)
            volume.start_snapshot()
            self._claim_untouched(volume)

    @ddt.data(*GUESTS)
    @verifies("SEC-016")
    def test_active_image_is_replaced_before_delete_is_complete(
        self, guest: str
    ) -> None:
        for name, volume in self._each_replacement(guest):
            around = self._surroundings(volume, volume.active().path)

            def change(
                name: str = name, around: Surroundings = around
            ) -> None:
                replace(around, name)

            self._before(Hook.DELETE_COMPLETE, change)
            volume.snapshots[0].start_delete()
            self._claim_untouched(volume)

    @verifies("SEC-016")
    def test_active_image_is_replaced_when_work_on_an_overlay_starts(
        self,
    ) -> None:
        for name, volume in self._each_replacement("detached"):
            around = self._surroundings(volume, volume.active().path)
            with ChangingQemuImg(around, name):
                volume.start_snapshot()
                self._claim_untouched(volume)

    def _each_replacement(
        self, guest: str
    ) -> Iterator[tuple[str, VolumeUnderTest]]:
        """What an image is replaced by, and a volume with two snapshots."""
        deployment = self.deploy()
        self.outside = self.useFixture(Outside())
        for name in REPLACED:
            volume = self.volume = VolumeUnderTest(deployment)
            if guest == "attached":
                with self.arranging():
                    volume.attach()
            for _ in range(2):
                self.given_snapshot(volume)
            volume.undrawable = f"an image is replaced meanwhile: {name}"
            yield name, volume

    def _surroundings(
        self, volume: VolumeUnderTest, image: Path
    ) -> Surroundings:
        return Surroundings(
            image=image,
            below=image.with_name(volume.name),
            below_format="raw",
            size=GIB,
            another=image.with_name("volume-another"),
            outside=self.outside.path,
            port=self.outside.port,
        )

    def _files(self, volume: VolumeUnderTest) -> set[Path]:
        share = volume.deployment.share
        return {
            path
            for path in share.rglob("*")
            if path.is_file() and path.suffix != ".info"
        }

    def _before(self, hook: Hook, change: Callable[[], None]) -> None:
        """Have the share change just before a hook, once."""
        assert self.deployment is not None
        driver = self.deployment.driver
        member = getattr(driver.unobserved, hook)

        due = [change]

        def call(snapshot_ref: Any) -> Any:
            while due:
                due.pop()()
            return member(snapshot_ref)

        driver.call_instead(hook, call)

    def _claim_untouched(self, volume: VolumeUnderTest) -> None:
        """Claim that the operation that was started stays on the share."""
        self.outside.forget()
        volume.settle()
        self.claim_equal(
            [], self.outside.touches(), "what was touched outside"
        )
