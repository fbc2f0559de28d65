# SPDX-License-Identifier: Apache-2.0
"""Operations of Cinder's that take or delete snapshots on their way."""

from __future__ import annotations

import ddt

from assisted_kit.capabilities import Capability
from assisted_kit.driver import Operation
from assisted_kit.manager.groups import GroupResult
from conformance.callers import CallersTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import requires
from conformance.rows import row
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault

NAMES = (
    row("", name="empty"),
    row(None, name="missing"),
    row("temporary"),
    row("tmp-snap-0b1f6c1e-5d0c-4c39-9a3b-7e1a2c9d4f10", name="tmp-snap"),
    row("[revert] volume 4 backup snapshot", name="revert backup"),
)
"""Display names of snapshots, each with what it looks like."""


@expanded
class GroupTest(CallersTest):
    """Contract section 1: the hooks are run for groups as well."""

    @verifies("CAL-001")
    def test_group_snapshot(self) -> None:
        deployment = self.deploy()
        volumes = [
            VolumeUnderTest(deployment, first_generation=1 + 100 * number)
            for number in range(3)
        ]
        self.volume = volumes[0]
        for volume in volumes:
            volume.write()
        for volume in volumes[1:]:
            volume.attach()
        taken = self.perform(
            "taking a group snapshot",
            lambda: self.manager.groups.create_snapshot(
                [volume.id for volume in volumes], display_name="nightly"
            ),
        )
        self._claim_none_failed(taken)
        for volume in volumes:
            snapshot = volume.add_snapshot(
                str(taken.members[volume.id].snapshot_id)
            )
            volume.finish_snapshot(snapshot)
            volume.write()
            self.claim_reads_back(volume)
        deleted = self.perform(
            "deleting a group snapshot",
            lambda: self.manager.groups.delete_snapshot(taken.snapshot_ids),
        )
        self._claim_none_failed(deleted)
        deployment.settle()
        for volume in volumes:
            volume.snapshots.clear()
            self.claim_reads_back(volume)

    def _claim_none_failed(self, result: GroupResult) -> None:
        self.claim_equal({}, result.failed, "the members that failed")


@expanded
class BackupTest(CallersTest):
    """Contract section 2: an attached volume's status is backing-up."""

    @ddt.data(
        row("detached"),
        row("attached", requires=[Capability.create_from_snapshot]),
    )
    @ddt.unpack
    @verifies("CAL-002")
    def test_backup(self, guest: str) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        before = self.files_on_share()
        self.claim_same(self.back_up(volume), "what was backed up")
        self.claim_no_other_snapshots(volume)
        self.claim_same_files(before)
        if guest == "attached":
            volume.restart()
        self.claim_everything_reads_back()
        volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()


@expanded
class DisplayNameTest(CallersTest):
    """Contract section 1: all snapshots go through the hooks alike."""

    @ddt.data(*NAMES)
    @ddt.unpack
    @verifies("CAL-003")
    def test_snapshot_of_that_name(self, name: str | None) -> None:
        volume = self.given_volume(attached=True)
        snapshot = volume.take_snapshot(display_name=name)
        volume.write()
        self.claim_everything_reads_back()
        volume.detach()
        snapshot.delete()
        self.claim_everything_reads_back()


@expanded
@requires(Capability.create_from_snapshot)
class CloneTest(CallersTest):
    """Contract sections 1 and 4, of attached sources."""

    @ddt.data(*NAMES[1:4])
    @ddt.unpack
    @verifies("CAL-004")
    def test_clone_by_a_snapshot_of_that_name(self, name: str | None) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        before = self.files_on_share()
        clone = self.clone(volume, temporary_name=name)
        volume.settle()
        volume.write()
        self.claim_reads_back(clone)
        self.delete(clone)
        self.claim_no_other_snapshots(volume)
        self.claim_same_files(before)
        volume.restart()
        self.claim_reads_back(volume)

    @ddt.data("one after another", "at the same time")
    @verifies("CAL-005")
    def test_two_clones(self, when: str) -> None:
        volume = self.given_volume(attached=True)
        if when == "at the same time":
            started = [self.start_clone(volume) for _ in range(2)]
            clones = [clone() for clone in started]
        else:
            clones = [self.clone(volume) for _ in range(2)]
        volume.settle()
        volume.write()
        for clone in clones:
            self.claim_reads_back(clone)
        self.claim_no_other_snapshots(volume)
        volume.restart()
        self.claim_reads_back(volume)


@expanded
class CascadeTest(CallersTest):
    """Contract section 1: the hooks are run for cascades as well."""

    @ddt.data(
        row(0, 1, 2, name="oldest first"),
        row(1, 2, 0, name="middle first"),
    )
    @verifies("CAL-006")
    def test_snapshots_go_in_any_order(self, order: tuple[int, ...]) -> None:
        volume = self.given_volume(snapshots=3)
        self.cascade(volume, [volume.snapshots[place] for place in order])
        for snapshot in volume.snapshots:
            self.claim_equal("deleted", snapshot.status, "a snapshot")


@expanded
class NothingLeftTest(CallersTest):
    """Contract section 1, of delete_volume."""

    @ddt.data("pulled", "refused", "adopted", "retried")
    @verifies("CAL-007")
    def test_nothing_is_left_of_the_volume(self, history: str) -> None:
        other = VolumeUnderTest(self.deploy())
        before = self.files_on_share()
        volume = self.volume = VolumeUnderTest(other.deployment)
        with self.arranging():
            volume.attach()
            volume.write()
            getattr(self, f"_{history}")(volume)
            volume.detach()
            for snapshot in reversed(volume.snapshots[:]):
                snapshot.delete(force=True)
        self.delete(volume)
        self.claim_equal(
            before, self.files_on_share(), "the files on the share"
        )

    def _pulled(self, volume: VolumeUnderTest) -> None:
        """An overlay is its only image."""
        volume.take_snapshot().delete()

    def _refused(self, volume: VolumeUnderTest) -> None:
        """Nova did not want its snapshot."""
        volume.deployment.faults.on(Operation.CREATE, Fault.REFUSE)
        volume.take_snapshot(expect="error")

    def _adopted(self, volume: VolumeUnderTest) -> None:
        """Its guest was switched, which nobody reported."""
        volume.deployment.faults.on(Operation.CREATE, Fault.NEVER_REPORT)
        snapshot = volume.start_snapshot()
        volume.settle()
        volume.deployment.let_deadline_pass()
        volume.expect(snapshot, "a create that nobody reported", "error")
        volume.write()
        snapshot.delete()

    def _retried(self, volume: VolumeUnderTest) -> None:
        """Its snapshots were merged, which nobody reported."""
        snapshots = [volume.take_snapshot() for _ in range(2)]
        snapshots[1].delete_unreported()
