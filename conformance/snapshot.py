# SPDX-License-Identifier: Apache-2.0
"""A snapshot under test: its delete, and what it should hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Status
from assisted_kit.refs import SnapshotRef
from conformance.ledger import Ledger
from fakes.compute import Fault
from fakes.compute.history import Call

if TYPE_CHECKING:
    from conformance.volume import VolumeUnderTest


class SnapshotUnderTest:
    """A snapshot, and what its volume held when it was taken."""

    def __init__(
        self, volume: VolumeUnderTest, snapshot_id: str, ledger: Ledger
    ) -> None:
        self.volume = volume
        self.id = snapshot_id
        self.ledger = ledger

    @property
    def status(self) -> str:
        """Its status now; ``deleted`` when there is no row any more."""
        return self.volume.deployment.database.snapshots.status(self.id)

    def set_status(self, status: str) -> None:
        """Set its status, as another operation of Cinder's does."""
        statuses = self.volume.deployment.database.statuses
        statuses.swap_snapshot(self.id, self.status, status)

    def ref(self) -> SnapshotRef:
        """The snapshot as a hook gets it."""
        deployment = self.volume.deployment
        return deployment.database.references.snapshot(
            self.id, context=deployment.context
        )

    def requested_file(self) -> str:
        """An overlay of the last request to the compute service."""
        calls = [
            call
            for call in self.volume.deployment.nova.history.of(Call)
            if call.snapshot_id == self.id
        ]
        info: Mapping[str, str | None] = calls[-1].info
        if "new_file" in info:
            return str(info["new_file"])
        return self.volume.active().path.name

    def delete(
        self, *, force: bool = False, expect: str = Status.DELETED
    ) -> None:
        """Delete it and wait until that is over.

        :raises OperationFailed: it ended in another status.
        """
        self.start_delete(force=force)
        self.volume.settle()
        self.finish_delete(expect=expect)

    def finish_delete(self, *, expect: str = Status.DELETED) -> None:
        """See how a delete that was started has ended.

        :raises OperationFailed: in another status.
        """
        self.volume.expect(self, "deleting the snapshot", expect)
        if expect == Status.DELETED:
            self.volume.snapshots.remove(self)
            if self.volume.is_traced:
                self.volume.overlays.dropped(self.id, self.volume.chain())

    def delete_unreported(self) -> None:
        """Have its files merged, and nobody report it in time.

        :raises OperationFailed: the delete has not failed.
        """
        deployment = self.volume.deployment
        deployment.faults.on(Operation.DELETE, Fault.NEVER_REPORT)
        self.start_delete()
        self.volume.settle()
        deployment.let_deadline_pass()
        self.volume.expect(self, "an unreported delete", Status.ERROR_DELETING)

    def accept_delete(self) -> None:
        """Accept the delete, and no more: no hook is called."""
        deployment = self.volume.deployment
        deployment.database.snapshots.begin_delete(self.id, assisted=True)

    def start_delete(self, *, force: bool = False) -> None:
        """Accept the delete; it goes on by itself."""
        self.volume.chain_before = self.volume.draw()
        self.volume.deployment.manager.delete_snapshot(self.id, force=force)
