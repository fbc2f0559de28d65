# SPDX-License-Identifier: Apache-2.0
"""Encrypted volumes: on the share, byte for byte, and the passphrase."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from assisted_kit.capabilities import Capability
from assisted_kit.lifecycle import Status
from conformance import encrypted
from conformance import storage
from conformance.callers import CallersTest
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.deployment import Deployment
from conformance.encrypted import EncryptedVolume
from conformance.failing_qemu_img import FailingQemuImg
from conformance.hook_work import HookWork
from conformance.hostile import edits
from conformance.rows import requires
from conformance.watch import secrets

NO_KEY = "6b2d1c5e-3c0d-4b35-9f0a-9d2f2f0e6c11"
"""The id of a key, of which there is none."""


class EncryptedVolumeTest(ConformanceTest):
    """A test of an encrypted volume.

    QEMU takes seconds to make a LUKS image, so they make few.
    """

    def given_encrypted_volume(
        self, *, attached: bool = False, snapshots: int = 0
    ) -> EncryptedVolume:
        """A volume that its guest wrote to before and after snapshots."""
        deployment = self.deploy()
        with self.arranging():
            volume = self.new_encrypted_volume(deployment)
            if attached:
                volume.attach()
            volume.write()
            for _ in range(snapshots):
                volume.take_snapshot()
                volume.write()
        return volume

    def new_encrypted_volume(self, deployment: Deployment) -> EncryptedVolume:
        """One that nobody has written to."""
        key = encrypted.key_for(self.subject.adapter)
        volume = self.volume = EncryptedVolume(deployment, key)
        return volume

    def claim_encrypted(self, volume: EncryptedVolume) -> None:
        """Claim that neither headers nor content are in plain sight."""
        self.claim_equal(
            [],
            [str(i) for i in volume.chain() if not storage.is_encrypted(i)],
            "images without LUKS in the chain of the volume",
        )
        share = volume.deployment.share
        self.claim_equal(
            [],
            encrypted.files_with(encrypted.MARKER, share),
            "files in which a sector that the guest wrote is readable",
        )


class EncryptedImagesTest(EncryptedVolumeTest):
    """What the capability ``encryption`` says."""

    @verifies("ENC-001")
    def test_every_image_is_encrypted(self) -> None:
        volume = self.new_encrypted_volume(self.deploy())
        volume.write()
        volume.write_marker()
        self.claim_encrypted(volume)
        volume.take_snapshot()
        self.claim_encrypted(volume)
        volume.write_marker()
        self.claim_encrypted(volume)
        # Merging writes as well.
        volume.snapshots[-1].delete()
        self.claim_encrypted(volume)


class EncryptedDataTest(EncryptedVolumeTest):
    """Contract section 5, the rule above all others."""

    @verifies("ENC-002")
    def test_deleting_in_a_chain_with_a_key_keeps_every_byte(self) -> None:
        volume = self.given_encrypted_volume()
        self._take_snapshots(volume, 4)
        self.claim_everything_reads_back()
        # One in the middle, the newest, the oldest, and what is left.
        for position in (1, 2, 0, 0):
            volume.snapshots[position].delete()
            self.claim_everything_reads_back()
            volume.write()
            self.claim_everything_reads_back()

    @verifies("ENC-003")
    def test_snapshots_under_a_running_guest_keep_every_byte(self) -> None:
        volume = self.given_encrypted_volume(attached=True)
        self._take_snapshots(volume, 2)
        volume.write_marker()
        self.claim_everything_reads_back()
        self.claim_encrypted(volume)
        for _ in range(2):
            volume.snapshots[0].delete()
            self.claim_everything_reads_back()
            self.claim_encrypted(volume)
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()

    def _take_snapshots(self, volume: EncryptedVolume, number: int) -> None:
        for _ in range(number):
            volume.take_snapshot()
            volume.write()


class PlainImageTest(EncryptedVolumeTest):
    """Contract section 8: nothing read from a share is trusted."""

    @verifies("ENC-006")
    def test_plain_image_of_an_encrypted_volume_is_refused(self) -> None:
        volume = self.given_encrypted_volume(snapshots=1)
        active = volume.active()
        if storage.is_encrypted(active):  # and not made plain by the driver
            edits.put_plain(active.path)
        for operation in ("connect", "delete", "create"):
            self.claim_refused(operation)


class KeyTest(EncryptedVolumeTest):
    """Contract section 5: *begin* raises."""

    @verifies("ENC-007")
    def test_key_that_is_not_there_is_missed_in_begin(self) -> None:
        volume = self.given_encrypted_volume(snapshots=1)
        self._name_key(volume, NO_KEY)
        self.claim_refused("delete")
        self.claim_refused("create")
        # Nobody is promised the data of the one that was not taken.
        volume.snapshots.pop()
        self._name_key(volume, volume.key.id)
        self.claim_everything_reads_back()

    def _name_key(self, volume: EncryptedVolume, key_id: str) -> None:
        volume.deployment.database.volumes.update(
            volume.id, {"encryption_key_id": key_id}
        )


class CopyTest(CallersTest, EncryptedVolumeTest):
    """What the capability ``encryption`` says, of copies."""

    @requires(Capability.create_from_snapshot)
    @verifies("ENC-008")
    def test_no_plain_volume_from_an_encrypted_snapshot(self) -> None:
        volume = self.given_encrypted_volume()
        volume.write_marker()
        snapshot = volume.take_snapshot()
        self.refused(
            lambda: self.manager.volumes.create_from_snapshot(snapshot.id)
        )
        self.claim_encrypted(volume)

    @requires(Capability.clone)
    @verifies("ENC-008")
    def test_no_plain_clone_of_an_encrypted_volume(self) -> None:
        volume = self.given_encrypted_volume()
        volume.write_marker()
        self.refused(lambda: self.manager.volumes.clone(volume.id))
        self.claim_encrypted(volume)


class PassphraseTest(HookWork, EncryptedVolumeTest):
    """Contract section 8: no secret."""

    _passphrase: Mapping[str, str] = MappingProxyType({})
    """The forms of the volume's passphrase, once it has a volume."""

    @verifies("ENC-004")
    def test_no_passphrase_in_commands_and_updates(self) -> None:
        volume = self._given_encrypted_work()
        deployment = volume.deployment
        self._claim_none(
            [
                *secrets.in_commands(self.commands(), self._passphrase),
                *secrets.in_updates(
                    deployment.journal.calls(), self._passphrase
                ),
                *secrets.found_in(
                    repr(volume.connect()),
                    "connection information",
                    self._passphrase,
                ),
                *(
                    f"{what} is in {name} on the share"
                    for secret, what in self._passphrase.items()
                    for name in encrypted.files_with(
                        secret.encode(), deployment.share
                    )
                ),
            ]
        )

    @verifies("ENC-005")
    def test_no_passphrase_is_logged(self) -> None:
        printed = self.useFixture(secrets.Output())
        volume = self._given_encrypted_work()
        deployment = volume.deployment
        self._claim_none(
            [
                *secrets.in_log(deployment.watch.log(), self._passphrase),
                *secrets.in_errors(
                    deployment.journal.calls(), self._passphrase
                ),
                *secrets.found_in(
                    printed.text(), "what was printed", self._passphrase
                ),
            ]
        )

    def _given_encrypted_work(self) -> EncryptedVolume:
        """A snapshot that came and went, and commands that failed."""
        volume = self.given_encrypted_volume()
        passphrase = volume.key.passphrase
        self._passphrase = secrets.forms(passphrase, "the passphrase")
        with FailingQemuImg(1):
            failed = volume.start_snapshot()
            volume.settle()
        failed.start_delete()
        volume.settle()
        volume.attach()
        taken = volume.start_snapshot()
        volume.settle()
        volume.detach()
        with FailingQemuImg(1):
            taken.start_delete()
            volume.settle()
        # The driver may have done without the command that failed.
        if taken.status != Status.DELETED:
            taken.start_delete(force=True)
            volume.settle()
        return volume

    def _claim_none(self, leaks: list[str]) -> None:
        self.claim(
            not leaks,
            "nowhere the passphrase",
            "\n".join(dict.fromkeys(leaks)),
        )

    def _message(self, expected: str, observed: str) -> str:
        # What the driver shows of it, a message need not.
        message = super()._message(expected, observed)
        return secrets.hidden(message, self._passphrase)
