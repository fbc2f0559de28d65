# SPDX-License-Identifier: Apache-2.0
"""Who may open what a driver makes: owners and modes of images."""

from __future__ import annotations

import stat
from pathlib import Path

import ddt

from assisted_kit.capabilities import Capability
from conformance.callers import CallersTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import requires
from conformance.volume import VolumeUnderTest


@expanded
class PermissionsTest(CallersTest):
    """Contract section 1: storage that the compute service can use."""

    def _claim_as_open(self, new: Path, model: Path) -> None:
        """Claim that whoever may use one image may use another one."""
        found, wanted = new.stat(), model.stat()
        self.claim_equal(
            (wanted.st_uid, wanted.st_gid),
            (found.st_uid, found.st_gid),
            f"the owner of {new.name}",
        )
        missing = wanted.st_mode & ~found.st_mode
        self.claim(
            not missing,
            f"{new.name} with the permissions of {model.name}, "
            f"{stat.filemode(wanted.st_mode)}",
            stat.filemode(found.st_mode),
        )

    @ddt.data(*GUESTS)
    @verifies("CRE-010")
    def test_overlay_is_as_open_as_the_active_image(self, guest: str) -> None:
        volume = self.given_volume(attached=guest == "attached", writes=False)
        before = volume.active().path
        self.given_snapshot(volume)
        self._claim_as_open(volume.active().path, before)

    @requires(Capability.cinder_share_layout)
    @verifies("CRE-010")
    def test_info_file_is_as_open_as_the_active_image(self) -> None:
        volume = self.given_volume(writes=False)
        before = volume.active().path
        self.given_snapshot(volume)
        self._claim_as_open(before.with_name(f"{volume.name}.info"), before)

    @requires(Capability.create_from_snapshot)
    @verifies("ABL-013")
    def test_volume_from_a_snapshot_is_as_open_as_a_new_one(self) -> None:
        volume = self.given_volume(snapshots=1, writes=False)
        copy = self.copy(volume.snapshots[0])
        self._claim_as_open(copy.active().path, self._new(volume))

    @requires(Capability.clone)
    @verifies("ABL-013")
    def test_clone_is_as_open_as_a_new_one(self) -> None:
        volume = self.given_volume(snapshots=1, writes=False)
        clone = self.clone(volume)
        self._claim_as_open(clone.active().path, self._new(volume))

    def _new(self, volume: VolumeUnderTest) -> Path:
        return VolumeUnderTest(volume.deployment).active().path
