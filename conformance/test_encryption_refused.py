# SPDX-License-Identifier: Apache-2.0
"""Encryption that a driver is not able to, or that a copy cannot have."""

from __future__ import annotations

import ddt

from assisted_kit.capabilities import Capability
from conformance.callers import CallersTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import requires
from conformance.volume import VolumeUnderTest

KEY = "6b2d1c5e-3c0d-4b35-9f0a-9d2f2f0e6c11"
"""The id of a key, of which there is none."""


@expanded
class EncryptionTest(CallersTest):
    """An encrypted volume is refused, or the driver says that it can."""

    @verifies("ABL-011")
    def test_encrypted_volume_is_refused(self) -> None:
        self.skip_if_declared(Capability.encryption)
        self.deploy()
        before = self.files_on_share()
        self.claim(
            self.refused(
                lambda: self.manager.volumes.create(1, encryption_key_id=KEY)
            ),
            "the encrypted volume is refused",
            "it was created",
        )
        self.claim_same_files(before)

    @ddt.data(*GUESTS)
    @verifies("ABL-011")
    def test_snapshot_of_an_encrypted_volume_is_refused(
        self, guest: str
    ) -> None:
        self.skip_if_declared(Capability.encryption)
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        # As of another driver, which could, on the same share.
        self._set_key(volume, KEY)
        before = self.files_on_share()
        snapshot = volume.start_snapshot()
        volume.settle()
        volume.snapshots.remove(snapshot)
        self.claim_equal("error", snapshot.status, "the snapshot")
        self.claim_same_files(before)
        # What it refuses to read it has not changed.
        self._set_key(volume, None)
        self.claim_everything_reads_back()

    def _set_key(self, volume: VolumeUnderTest, key_id: str | None) -> None:
        volume.deployment.database.volumes.update(
            volume.id, {"encryption_key_id": key_id}
        )


class PlainSourceTest(CallersTest):
    """A copy is encrypted as its source is."""

    @requires(Capability.create_from_snapshot)
    @verifies("ABL-014")
    def test_encrypted_volume_from_a_plain_snapshot_is_refused(self) -> None:
        volume = self.given_volume(snapshots=1)
        volumes, snapshot = self.manager.volumes, volume.snapshots[0]
        self.claim(
            self.refused(
                lambda: volumes.create_from_snapshot(
                    snapshot.id, encryption_key_id=KEY
                )
            ),
            "the encrypted volume is refused",
            "it was created",
        )
        self.claim_everything_reads_back()

    @requires(Capability.clone)
    @verifies("ABL-014")
    def test_encrypted_clone_of_a_plain_volume_is_refused(self) -> None:
        volume = self.given_volume()
        volumes = self.manager.volumes
        self.claim(
            self.refused(
                lambda: volumes.clone(volume.id, encryption_key_id=KEY)
            ),
            "the encrypted clone is refused",
            "it was created",
        )
        self.claim_everything_reads_back()
