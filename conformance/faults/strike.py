# SPDX-License-Identifier: Apache-2.0
"""A row of the fault matrix, as it happens to a volume."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping

from assisted_kit.driver import Operation
from conformance.failing_qemu_img import FailingQemuImg
from conformance.faults.matrix import Attachment
from conformance.faults.matrix import Combination
from conformance.faults.matrix import COMMANDS
from conformance.faults.matrix import Position
from conformance.faults.matrix import REFUSED
from conformance.faults.matrix import SHARE
from conformance.faults.matrix import Wrong
from conformance.faults.private_mount import PrivateMount
from conformance.faults.qemu_img import HangingQemuImg
from conformance.faults.qemu_img import KilledQemuImg
from conformance.faults.share import FailingShare
from conformance.scripted_qemu_img import ScriptedQemuImg
from conformance.snapshot import SnapshotUnderTest
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault

PLACES: Mapping[Position, tuple[int, int]] = {
    Position.TOP: (1, -1),
    Position.OLDEST: (2, 0),
    Position.MIDDLE: (3, 1),
    Position.NEWEST: (2, -1),
    Position.ONLY: (1, 0),
}
"""How many snapshots there are, and which of them is deleted."""

PLANNED: Mapping[Wrong, Fault] = {
    Wrong.REPORT_LOST: Fault.NEVER_REPORT,
    Wrong.REPORT_LATE: Fault.REPORT_LATE,
    Wrong.REPORT_TWICE: Fault.REPORT_TWICE,
    Wrong.REPORT_OUT_OF_ORDER: Fault.REPORT_OUT_OF_ORDER,
    Wrong.ERROR_AT_90: Fault.ERROR_AFTER_WORK,
    Wrong.FIELDS_DISAGREE: Fault.ERROR_BY_ONE_FIELD,
    Wrong.REPORT_FORGED: Fault.REPORT_FORGED,
    Wrong.DONE_WITHOUT_WORK: Fault.DONE_WITHOUT_WORK,
    **dict.fromkeys(REFUSED, Fault.REFUSE),
    Wrong.ANSWERED_500: Fault.UNKNOWN_ANSWER,
    Wrong.CONNECTION_RESET: Fault.UNKNOWN_ANSWER,
    Wrong.INSTANCE_LOST: Fault.REPORT_LATE,
    Wrong.INSTANCE_RESTARTED: Fault.REPORT_LATE,
}
"""What of it Nova does."""

CODES: Mapping[Wrong, int] = {**REFUSED, Wrong.ANSWERED_500: 500}

COMMAND: Mapping[Wrong, Callable[[int], ScriptedQemuImg]] = {
    Wrong.COMMAND_FAILS: FailingQemuImg,
    Wrong.COMMAND_FAILS_LATE: lambda call: FailingQemuImg(call, late=True),
    Wrong.COMMAND_KILLED: KilledQemuImg,
    Wrong.COMMAND_HANGS: HangingQemuImg,
}


class Strike:
    """An operation on a volume, and what goes wrong with it.

    :param mount: the share, where that is what fails.
    """

    def __init__(
        self,
        row: Combination,
        volume: VolumeUnderTest,
        mount: PrivateMount | None,
    ) -> None:
        self.row = row
        self.volume = volume
        self.writes = 0
        """How many there were to a share that could fail at one."""
        self._mount = mount
        self._faults = volume.deployment.faults

    def carry_out(self) -> SnapshotUnderTest:
        """Start the operation, and see it to its end; its snapshot."""
        row, volume = self.row, self.volume
        if row.attachment is not Attachment.DETACHED and not volume.instance:
            volume.attach()
        if row.wrong in PLANNED:
            self._faults.on(
                row.operation, PLANNED[row.wrong], code=CODES.get(row.wrong)
            )
        if row.wrong is Wrong.GUEST_STOPPED:
            volume.instance.stop()
        elif row.wrong is Wrong.INSTANCE_GONE:
            volume.lose_instance()
        if row.wrong in SHARE:
            snapshot = self._with_failing_share()
        elif row.wrong in COMMANDS:
            with COMMAND[row.wrong](row.at):
                snapshot = self._operate()
        else:
            snapshot = self._operate()
        return snapshot

    def finish(self, snapshot: SnapshotUnderTest) -> None:
        """Whatever else happens until the operation has ended."""
        deployment = self.volume.deployment
        match self.row.wrong:
            case Wrong.REPORT_LATE:
                deployment.let_deadline_pass()
                deployment.nova.release()
            case Wrong.REPORT_LOST | Wrong.REPORT_FORGED:
                deployment.let_deadline_pass()
            case Wrong.INSTANCE_LOST:
                self.volume.lose_instance()
                deployment.let_deadline_pass()
            case Wrong.INSTANCE_RESTARTED:
                self.volume.reboot_hard()
                deployment.nova.release()
        self.volume.settle()

    def _operate(self) -> SnapshotUnderTest:
        volume = self.volume
        if self.row.operation is Operation.CREATE:
            snapshot = volume.start_snapshot()
        else:
            _, which = PLACES[self.row.position]
            snapshot = volume.snapshots[which]
            snapshot.start_delete()
        volume.settle()
        return snapshot

    def _with_failing_share(self) -> SnapshotUnderTest:
        mount = self._mount
        assert mount is not None, "there is no share that could fail"
        full = self.row.wrong is Wrong.SHARE_FULL
        share = FailingShare(
            mount,
            mount.fill if full else mount.make_read_only,
            self.volume.deployment.share,
            self.row.at,
        )
        with share.failing():
            snapshot = self._operate()
        self.writes = share.writes
        return snapshot
