# SPDX-License-Identifier: Apache-2.0
"""What there is after something went wrong, and what is claimed of it."""

from __future__ import annotations

from collections.abc import Callable

from assisted_kit import qcow2
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from assisted_kit.image import Image
from conformance import storage
from conformance.case import ConformanceTest
from conformance.faults import private_mount
from conformance.faults.expectations import DONE
from conformance.faults.expectations import End
from conformance.faults.expectations import end_of
from conformance.faults.expectations import FAILED
from conformance.faults.expectations import may_write
from conformance.faults.matrix import Attachment
from conformance.faults.matrix import Combination
from conformance.faults.matrix import GONE
from conformance.faults.matrix import SHARE
from conformance.faults.matrix import Wrong
from conformance.faults.private_mount import PrivateMount
from conformance.faults.strike import PLACES
from conformance.faults.strike import Strike
from conformance.rows import Row
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import OperationFailed
from conformance.violation import Violation
from conformance.volume import VolumeUnderTest
from fakes.compute.history import EffectEnded


class Aftermath:
    """A volume, and the snapshot whose create or delete went wrong."""

    def __init__(
        self, row: Combination, volume: VolumeUnderTest, writes: bool
    ) -> None:
        self.row = row
        self.volume = volume
        self._writes = writes
        self.before = (volume.active(), volume.info())
        self.files_before = volume.files()

    def strike(self, mount: PrivateMount | None) -> None:
        """Have it happen, the guest writing on as long as it can."""
        strike = Strike(self.row, self.volume, mount)
        self.snapshot: SnapshotUnderTest = strike.carry_out()
        self.writes = strike.writes
        if self._writes and self.guest_is_right:
            self.volume.write()
        strike.finish(self.snapshot)
        if self.row.wrong in GONE:
            self.volume.clean_up_attachment()
        self.status = self.snapshot.status
        self._take_stock()

    def _take_stock(self) -> None:
        """Nobody is promised the data of a snapshot that is in error."""
        if self.status != DONE[self.row.operation]:
            self.volume.snapshots.remove(self.snapshot)
        elif self.row.operation is Operation.CREATE:
            self.volume.finish_snapshot(self.snapshot)
        else:
            self.snapshot.finish_delete()

    @property
    def is_done(self) -> bool:
        """Whether the operation has ended well."""
        return self.status == DONE[self.row.operation]

    @property
    def guest_is_right(self) -> bool:
        """Whether a guest runs, and is where Nova said that it is."""
        instance = self.volume.instance
        return instance is not None and instance.active and may_write(self.row)

    @property
    def is_work_broken_off(self) -> bool:
        """Whether the compute service has failed amid its work.

        It has the same share as the driver, and the same commands.  A
        header may be ahead of what the guest has open then, and reads alike.
        """
        nova = self.volume.deployment.nova
        return any(
            entry.snapshot_id == self.snapshot.id and entry.error is not None
            for entry in nova.history.of(EffectEnded)
        )

    def restart_guest(self) -> None:
        """Have a guest that opens what Cinder says now."""
        volume = self.volume
        if self.row.attachment is Attachment.ATTACHED:
            volume.reboot_hard()
            return
        if volume.instance is not None:
            volume.detach()
        volume.attach()

    def prepare_clean_up(self) -> None:
        """Bring about what an administrator needs before he cleans up."""
        volume = self.volume
        if self.row.attachment is Attachment.DETACHED_SINCE:
            if volume.instance is not None:
                volume.detach()
        elif volume.instance is not None and not self.guest_is_right:
            volume.reboot_hard()

    def delete(self) -> None:
        """Delete the snapshot, also one whose delete has failed."""
        if self.row.operation is Operation.DELETE and self.is_done:
            return
        if not self.is_done:
            self.volume.snapshots.append(self.snapshot)
        self.snapshot.delete(force=not self.is_done)

    def repeat(self) -> None:
        """Do once more what went wrong, now that nothing does."""
        volume = self.volume
        snapshot = volume.take_snapshot()
        if volume.instance is not None:
            volume.write()
        if self.row.operation is Operation.DELETE:
            snapshot.delete()


class FaultTest(ConformanceTest):
    """A test that looks at the aftermath of a row."""

    circumstances = ""
    """What went wrong, where the test's name does not say it."""

    def _message(self, expected: str, observed: str) -> str:
        lines = filter(None, (observed, self.circumstances))
        return super()._message(expected, "\n".join(lines))

    def after(
        self,
        row: Row,
        claim: Callable[[Aftermath], None],
        *,
        writes: bool = True,
    ) -> None:
        """Have it happen, and claim something of what there is then.

        :param writes: false where it does not matter what the guest wrote,
            which saves time.
        """
        combination = Combination(*row)
        if combination.wrong not in SHARE:
            claim(self._aftermath(combination, writes))
            return
        self.on_private_share(
            lambda: claim(self._aftermath(combination, writes))
        )

    def on_private_share(self, test: Callable[[], None]) -> None:
        """Run a test where what it mounts is seen by nobody else."""
        refusal = private_mount.refusal()
        if refusal:
            self.assisted_skip = "environment"
            self.skipTest(f"a share that fails: {refusal}")
        private_mount.alone(lambda: self._explained(test))

    def _explained(self, claim: Callable[[], None]) -> None:
        """The same, on a share that nobody but this thread sees.

        :raises Violation: a claim does not hold, or an operation failed;
            it is explained here, where the share can be looked at.
        """
        try:
            claim()
        except OperationFailed as error:
            self.assisted_evidence += 1
            message = self._message(error.expected, error.observed)
            raise Violation(message) from error

    def _aftermath(self, row: Combination, writes: bool) -> Aftermath:
        mounts: list[PrivateMount] = []
        snapshots, _ = PLACES[row.position]
        volume = self.given_volume(
            row.base,
            snapshots=snapshots,
            generation=row.generation,
            writes=writes,
            prepare_share=lambda directory: (
                mounts.append(PrivateMount(directory))
                if row.wrong in SHARE
                else None
            ),
        )
        aftermath = Aftermath(row, volume, writes)
        aftermath.strike(mounts[0] if mounts else None)
        return aftermath

    # -- what is claimed

    def claim_chain_is_live(self) -> None:
        """Claim that the headers on disk say what the guest has open."""
        volume = self._volume()
        live = volume.instance.disk(volume.id).chain()
        self.claim_equal(
            [str(image) for image in live],
            _on_disk(live[0]),
            "the chain that the guest has open, and that on disk",
        )

    def claim_end(self, aftermath: Aftermath) -> None:
        """Claim that the operation has ended as section 5 says."""
        end = end_of(aftermath.row)
        if end is End.AS_HOOKS_SAY:
            self._claim_end_as_hooks_say(aftermath)
            return
        self._claim_status(aftermath, done=end is End.DONE)
        if end is End.DONE:
            return
        row, snapshot = aftermath.row, aftermath.snapshot
        assert self.deployment is not None
        completes = self.deployment.journal.calls(
            Hook.complete(row.operation), snapshot.id
        )
        if end is End.NOT_BELIEVED:
            self.claim(
                any(call.error for call in completes),
                f"{Hook.complete(row.operation)} raises",
                "\n".join(map(str, completes)) or "it was not called",
            )
        else:
            self.claim_equal(
                [],
                list(map(str, completes)),
                f"calls of {Hook.complete(row.operation)}",
            )
        self._claim_nothing_removed(aftermath)
        if end is End.REFUSED:
            self._claim_as_before(aftermath)

    def _claim_end_as_hooks_say(self, aftermath: Aftermath) -> None:
        row, snapshot = aftermath.row, aftermath.snapshot
        assert self.deployment is not None
        journal = self.deployment.journal
        begun = journal.calls(Hook.begin(row.operation), snapshot.id)
        completed = journal.calls(Hook.complete(row.operation), snapshot.id)
        raised = [call for call in (*begun, *completed) if call.error]
        failed = aftermath.is_work_broken_off
        self._claim_status(aftermath, done=not (raised or failed))
        if failed:
            self._claim_nothing_removed(aftermath)
        if not begun[-1].error:
            return
        asked = self.deployment.nova_calls(snapshot.id)
        if row.operation is Operation.CREATE:
            self.claim_equal([], asked, "what the compute service was asked")
            if row.wrong is not Wrong.SHARE_READ_ONLY:
                # There nobody can remove what he has made.
                self.claim_equal(
                    sorted(aftermath.files_before),
                    sorted(aftermath.volume.files()),
                    "the files of the volume",
                )
        self._claim_nothing_removed(aftermath)
        self._claim_as_before(aftermath)

    def _claim_status(self, aftermath: Aftermath, *, done: bool) -> None:
        operation = aftermath.row.operation
        self.claim_equal(
            DONE[operation] if done else FAILED[operation],
            aftermath.status,
            f"the snapshot's status after its {operation}",
        )

    def _claim_nothing_removed(self, aftermath: Aftermath) -> None:
        gone = aftermath.files_before - aftermath.volume.files()
        self.claim_equal([], sorted(gone), "files that are gone")

    def _claim_as_before(self, aftermath: Aftermath) -> None:
        volume = aftermath.volume
        self.claim_equal(
            aftermath.before,
            (volume.active(), volume.info()),
            "the active image and the info file",
        )


def _on_disk(active: Image) -> list[str]:
    """The chain by its headers; the last line says why it ends early."""
    try:
        return [str(image) for image in storage.chain_of(active)]
    except (qcow2.ImageError, OSError) as error:
        return [str(active), f"a chain that cannot be read: {error}"]
