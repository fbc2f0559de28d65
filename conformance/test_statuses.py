# SPDX-License-Identifier: Apache-2.0
"""Statuses of Cinder's that make no difference to a driver."""

from __future__ import annotations

import ddt

from assisted_kit.capabilities import Capability
from assisted_kit.driver import Hook
from conformance.callers import CallersTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import requires
from conformance.rows import row
from conformance.test_updates import UpdateTest


@expanded
class DeleteRequestTest(UpdateTest):
    """Contract section 2: attach_status is what decides."""

    @ddt.data(
        row("oldest", "backing-up"),
        row("newest", "backing-up"),
        row("oldest", "downloading"),
        row("newest", "deleting"),
    )
    @ddt.unpack
    @verifies("UPD-014")
    def test_merge_is_requested(self, position: str, status: str) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        volume.set_status(status)
        snapshot = volume.snapshots[0 if position == "oldest" else 1]
        snapshot.start_delete()
        volume.settle()
        self.claim_equal(
            "qcow2",
            self.request(Hook.DELETE_BEGIN, snapshot).get("type"),
            "delete_info:type",
        )
        snapshot.finish_delete()
        self.claim_everything_reads_back()


@expanded
class CopyTest(CallersTest):
    """Contract section 2: a status is for the time of an operation."""

    @requires(Capability.clone)
    @verifies("CAL-008")
    def test_volume_is_cloned_while_it_is_downloading(self) -> None:
        volume = self.given_volume(snapshots=1)
        # Cinder clones it for its image cache then.
        volume.set_status("downloading")
        self.claim_reads_back(self.clone(volume))

    @ddt.data("backing-up", "restoring")
    @requires(Capability.create_from_snapshot)
    @verifies("CAL-008")
    def test_volume_is_created_from_a_snapshot_that_is(
        self, status: str
    ) -> None:
        volume = self.given_volume(snapshots=2)
        snapshot = volume.snapshots[0]
        snapshot.set_status(status)
        self.claim_reads_back(self.copy(snapshot))
