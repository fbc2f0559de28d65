# SPDX-License-Identifier: Apache-2.0
"""A share that fails at the writes which the fault matrix does not get to."""

from __future__ import annotations

import ddt

from assisted_kit.driver import Operation
from conformance.case import verifies
from conformance.faults.aftermath import Aftermath
from conformance.faults.aftermath import FaultTest
from conformance.faults.matrix import Attachment
from conformance.faults.matrix import Combination
from conformance.faults.matrix import Position
from conformance.faults.matrix import SHARE
from conformance.faults.matrix import WRITES
from conformance.faults.private_mount import PrivateMount
from conformance.faults.strike import PLACES
from conformance.rows import expanded
from conformance.rows import row
from conformance.volume import VolumeUnderTest
from fakes.compute import Generation


@expanded
class LaterWritesTest(FaultTest):
    """Contract section 5, the rule above all others.

    How many writes an operation has is the driver's to say: it is carried
    out once on a share that does not fail.  What comes after the writes of
    the matrix is failed at one by one, and the last one in any case.
    """

    @ddt.data(
        row(Operation.CREATE, Position.TOP, Attachment.DETACHED),
        row(Operation.CREATE, Position.TOP, Attachment.ATTACHED),
        row(Operation.DELETE, Position.OLDEST, Attachment.DETACHED),
        row(Operation.DELETE, Position.OLDEST, Attachment.ATTACHED),
        row(Operation.DELETE, Position.NEWEST, Attachment.DETACHED),
        row(Operation.DELETE, Position.NEWEST, Attachment.ATTACHED),
    )
    @ddt.unpack
    @verifies("FLT-005")
    def test_share_fails_at_each_later_write(
        self, operation: Operation, position: Position, guest: Attachment
    ) -> None:
        def fail_at_each() -> None:
            volume, mount = self._volume_on_mount(position)
            for wrong in sorted(SHARE):
                row = Combination(
                    operation,
                    position,
                    volume.deployment.base_format,
                    Generation.DUAL,
                    guest,
                    wrong,
                    0,
                )
                last = self._claim_all_is_well(row, volume, mount)
                first = min(last, WRITES + 1)
                for write in range(max(1, first), last + 1):
                    self._claim_all_is_well(
                        row._replace(at=write), volume, mount
                    )

        self.on_private_share(fail_at_each)

    def _volume_on_mount(
        self, position: Position
    ) -> tuple[VolumeUnderTest, PrivateMount]:
        mounts: list[PrivateMount] = []
        snapshots, _ = PLACES[position]
        volume = self.given_volume(
            snapshots=snapshots,
            prepare_share=lambda share: mounts.append(PrivateMount(share)),
        )
        [mount] = mounts
        return volume, mount

    def _claim_all_is_well(
        self, row: Combination, volume: VolumeUnderTest, mount: PrivateMount
    ) -> int:
        """Claim it of one more operation; how many writes that had."""
        aftermath = Aftermath(row, volume, writes=True)
        if row.at:
            self.circumstances = f"{row.wrong} from write {row.at} on"
        aftermath.strike(mount)
        self.claim_end(aftermath)
        self.claim_everything_reads_back()
        aftermath.delete()
        self.claim_no_orphans()
        if volume.instance is not None:
            self.claim_goes_well("starting a guest", volume.reboot_hard)
        if row.operation is Operation.DELETE:
            volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()
        return aftermath.writes
