# SPDX-License-Identifier: Apache-2.0
"""Optional abilities: copies, extend, revert and upload."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ddt

from assisted_kit import qcow2
from assisted_kit.capabilities import Capability
from assisted_kit.driver import Operation
from conformance import oracle
from conformance.callers import CallersTest
from conformance.case import verifies
from conformance.rows import BASES
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import requires
from conformance.rows import row
from conformance.test_delete import index_of
from conformance.volume import GIB
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault


def needing(*names: str) -> list[Any]:
    """A row for each ability, which requires it."""
    return [row(name, requires=[Capability[name]]) for name in names]


@expanded
@requires(Capability.create_from_snapshot)
class CopyTest(CallersTest):
    """Contract sections 3 and 5, of create_volume_from_snapshot."""

    @ddt.data(row("detached", "oldest"), row("attached", "newest"))
    @ddt.unpack
    @verifies("ABL-001")
    def test_copy_after_a_neighbour_was_deleted(
        self, guest: str, neighbour: str
    ) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=3)
        volume.snapshots[index_of(neighbour, 3)].delete()
        for snapshot in volume.snapshots:
            self.claim_reads_back(self.copy(snapshot))

    @ddt.data(*BASES)
    @verifies("ABL-002")
    def test_copy_shares_nothing_with_its_source(self, base: str) -> None:
        volume = self.given_volume(base, snapshots=1)
        copy = self.copy(volume.snapshots[0])
        volume.snapshots[0].delete()
        volume.write()
        self.claim_reads_back(copy)
        copy.write()
        self.claim_reads_back(copy)
        self.claim_reads_back(volume)
        self.delete(volume)
        self.claim_reads_back(copy)


@expanded
class CloneTest(CallersTest):
    """Contract sections 1 and 3, of copies of either kind."""

    @ddt.data(row("raw", 2), row("qcow2", 0))
    @ddt.unpack
    @requires(Capability.clone)
    @verifies("ABL-003")
    def test_clone_holds_what_the_volume_holds(
        self, base: str, depth: int
    ) -> None:
        volume = self.given_volume(base, snapshots=depth)
        self.volume = clone = self.clone(volume)
        self.claim_connected()
        self.claim_reads_back(clone)
        self.claim_reads_back(volume)

    @ddt.data(
        row("raw", "clone", requires=[Capability.clone]),
        row(
            "qcow2",
            "create_from_snapshot",
            requires=[Capability.create_from_snapshot],
        ),
    )
    @ddt.unpack
    @verifies("ABL-004")
    def test_copy_can_be_snapshotted(self, base: str, ability: str) -> None:
        volume = self.given_volume(base, snapshots=1)
        if base == "raw":
            # Who probes, having recorded nothing, is misled.
            volume.write_qcow2_image()
            volume.take_snapshot()
        if ability == "clone":
            copy = self.clone(volume)
        else:
            copy = self.copy(volume.snapshots[-1])
        self.volume = copy
        self.perform("attaching the new volume", copy.attach)
        copy.take_snapshot()
        copy.write()
        copy.restart()
        self.claim_reads_back(copy)


@expanded
class LargerCopyTest(CallersTest):
    """Contract section 1: Cinder's interface asks drivers for it."""

    @ddt.data(
        row("raw", "clone", requires=[Capability.clone]),
        row("qcow2", "clone", requires=[Capability.clone]),
        row(
            "raw",
            "create_from_snapshot",
            requires=[Capability.create_from_snapshot],
        ),
        row(
            "qcow2",
            "create_from_snapshot",
            requires=[Capability.create_from_snapshot],
        ),
    )
    @ddt.unpack
    @verifies("ABL-015")
    def test_larger_copy_is_larger(self, base: str, ability: str) -> None:
        volume = self.given_volume(base, snapshots=1)
        if ability == "clone":
            copy = self.clone(volume, size=2)
        else:
            copy = self.copy(volume.snapshots[0], size=2)
        self.claim_reads_back(copy)
        copy.write()
        self.claim_reads_back(copy)


@expanded
class GuestsHeaderTest(CallersTest):
    """Contract section 3: a raw volume is raw, whatever is in it."""

    @ddt.data(*needing("clone", "create_from_snapshot", "upload"))
    @ddt.unpack
    @verifies("ABL-005")
    def test_raw_volume_is_read_as_raw(self, ability: str) -> None:
        volume = self.given_volume("raw")
        volume.write_qcow2_image()
        if ability == "clone":
            self.claim_reads_back(self.clone(volume))
        elif ability == "upload":
            image = self.upload(volume)
            self.claim_same(
                oracle.compare(image, volume.ledger), "the uploaded image"
            )
        else:
            snapshot = self.given_snapshot(volume)
            self.claim_reads_back(self.copy(snapshot))


@expanded
class ExtendTest(CallersTest):
    """Contract sections 3 and 5, of extend_volume."""

    @verifies("ABL-012")
    def test_raw_volume_is_extended_as_raw(self) -> None:
        volume = self.given_volume("raw")
        volume.write_qcow2_image()
        refused = self.refused(lambda: self.extend(volume))
        self.claim_everything_reads_back()
        if not refused:
            volume.write()
            self.claim_everything_reads_back()

    @ddt.data(*BASES)
    @requires(Capability.extend_with_snapshots)
    @verifies("ABL-006")
    def test_extended_volume_and_its_snapshots(self, base: str) -> None:
        volume = self.given_volume(base, snapshots=2)
        self.extend(volume)
        self.claim_everything_reads_back()
        volume.write()
        volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()

    @ddt.data(
        *crossed(BASES, ("attached",), (0,)),
        *crossed(("raw",), GUESTS, (1,)),
    )
    @ddt.unpack
    @verifies("ABL-007")
    def test_extend_works_or_changes_nothing(
        self, base: str, guest: str, depth: int
    ) -> None:
        volume = self.given_volume(
            base, attached=guest == "attached", snapshots=depth
        )
        names = {image.path.name for image in volume.chain()}
        refused = self.refused(
            lambda: self.manager.volumes.extend(volume.id, 2)
        )
        if guest == "attached":
            self._claim_left_alone(names)
        # The guest's disk has the size that it had when it was opened.
        volume.write()
        if not refused:
            volume.ledger.size = 2 * GIB
        if guest == "attached":
            volume.restart()
        self.claim_everything_reads_back()

    def _claim_left_alone(self, names: set[str]) -> None:
        """Claim that no command worked on an image that a guest has open."""
        assert self.deployment is not None
        found = [
            str(command)
            for command in self.deployment.watch.commands()
            for words in command.of_qemu_img()
            if command.call.name == "extend_volume"
            and "info" not in words
            and any(name in word for name in names for word in words)
        ]
        self.claim(
            not found,
            "no qemu-img works on an image that the guest has open",
            "\n".join(found),
        )


@expanded
@requires(Capability.revert)
class RevertTest(CallersTest):
    """Contract section 5, of revert_to_snapshot."""

    @ddt.data(*BASES)
    @verifies("ABL-008")
    def test_revert_and_go_on(self, base: str) -> None:
        volume = self.given_volume(base, snapshots=2)
        newest = volume.snapshots[-1]
        self.revert(newest)
        self.claim_equal("available", newest.status, "the snapshot")
        self.claim_everything_reads_back()
        volume.write()
        self.revert(newest)
        volume.attach()
        volume.write()
        volume.take_snapshot()
        volume.write()
        newest.delete()
        volume.restart()
        self.claim_everything_reads_back()


@expanded
@requires(Capability.upload)
class UploadTest(CallersTest):
    """Contract section 1, of copy_volume_to_image."""

    @ddt.data(row("raw", 2), row("qcow2", 0), row("qcow2", 1))
    @ddt.unpack
    @verifies("ABL-009")
    def test_image_holds_what_the_volume_holds(
        self, base: str, depth: int
    ) -> None:
        volume = self.given_volume(base, snapshots=depth)
        image = self.upload(volume)
        self.claim_equal(
            None,
            qcow2.inspect(image.path).backing_file,
            "the image's backing file",
        )
        self.claim_same(
            oracle.compare(image, volume.ledger), "the uploaded image"
        )
        self.claim_everything_reads_back()


@expanded
class DoubtTest(CallersTest):
    """Contract section 5: while a create is pending, or worse."""

    @ddt.data(*needing("extend_with_snapshots", "clone", "upload", "revert"))
    @ddt.unpack
    @verifies("ABL-010")
    def test_refused_while_a_create_is_pending(self, ability: str) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        volume.deployment.faults.on(Operation.CREATE, Fault.NEVER_REPORT)
        pending = volume.start_snapshot()
        volume.settle()
        volume.write()
        volume.deployment.let_deadline_pass()
        volume.expect(pending, "an unreported create", "error")
        # It failed, so nobody is promised its data.
        volume.snapshots.remove(pending)
        self._claim_refused(volume, ability)

    @ddt.data(*needing("extend_with_snapshots", "clone"))
    @ddt.unpack
    @verifies("ABL-010")
    def test_refused_while_a_delete_is_unreported(self, ability: str) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        deleted = volume.snapshots[1]
        deleted.delete_unreported()
        volume.snapshots.remove(deleted)
        self._claim_refused(volume, ability)

    def _claim_refused(self, volume: VolumeUnderTest, ability: str) -> None:
        volume.detach()
        before = self.files_on_share()
        self.claim(
            self.refused(self._operation(volume, ability)),
            "the operation is refused",
            "it was carried out",
        )
        self.claim_same_files(before)
        self.claim_reads_back(volume)

    def _operation(
        self, volume: VolumeUnderTest, ability: str
    ) -> Callable[[], object]:
        self.uses(Capability[ability])
        match ability:
            case "clone":
                return lambda: self.clone(volume)
            case "upload":
                return lambda: self.upload(volume)
            case "revert":
                # The manager refuses as well, and would not call it.
                driver = volume.deployment.driver
                ref = volume.snapshots[0].ref()
                context = volume.deployment.context
                return lambda: driver.revert_to_snapshot(
                    context, ref.volume, ref
                )
        return lambda: self.extend(volume)
