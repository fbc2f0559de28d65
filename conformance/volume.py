# SPDX-License-Identifier: Apache-2.0
"""A volume under test: taking snapshots of it, and how that ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from assisted_kit import qcow2
from assisted_kit.lifecycle import Status
from assisted_kit.refs import VolumeRef
from assisted_kit.rules import Profile
from conformance import storage
from conformance.deployment import Deployment
from conformance.ledger import Ledger
from conformance.oracle import Difference
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import OperationFailed
from conformance.volume_with_guest import VolumeWithGuest

GIB = 1024**3


class VolumeUnderTest(VolumeWithGuest):
    """A volume, its guest, and its snapshots.

    :param size: in GiB, of a new one.
    :param first_generation: of what the guest writes; volumes are told
        apart by generations.
    :param name_id: names its files in place of its id, as after a
        migration.
    :param copy: a volume that was made from another one, and what it
        should hold; a new and empty one unless it is given.
    """

    def __init__(
        self,
        deployment: Deployment,
        *,
        size: int = 1,
        first_generation: int = 1,
        name_id: str | None = None,
        copy: tuple[VolumeRef, Ledger] | None = None,
    ) -> None:
        created, ledger = copy or (
            deployment.manager.volumes.create(size, _name_id=name_id),
            Ledger(size * GIB),
        )
        super().__init__(deployment, created, ledger, first_generation)
        self.snapshots: list[SnapshotUnderTest] = []
        self.pending: SnapshotUnderTest | None = None
        """A snapshot whose create failed without anybody knowing how."""
        self.chain_before = ""
        self._taken: list[str] = []

    # -- taking a snapshot

    def take_snapshot(
        self, *, expect: str = Status.AVAILABLE, **fields: Any
    ) -> SnapshotUnderTest:
        """Take a snapshot and wait until that is over.

        :param fields: columns of its row, ``display_name`` say.
        :raises OperationFailed: it ended in another status.
        """
        snapshot = self.start_snapshot(**fields)
        self.settle()
        self.finish_snapshot(snapshot, expect=expect)
        return snapshot

    def start_snapshot(self, **fields: Any) -> SnapshotUnderTest:
        """Accept a snapshot; it goes on by itself.

        :param fields: columns of its row.
        """
        self.chain_before = self.draw()
        fields = {**self._name(), **fields}
        return self.add_snapshot(
            self.deployment.manager.create_snapshot(self.id, **fields)
        )

    def _name(self) -> dict[str, str]:
        """What the next snapshot is called, if it does not matter.

        A driver that stumbles over names that are missing or repeated is
        to fail where they are, and nowhere else.
        """
        number = len(self._taken) + 1
        return {"display_name": f"{self.id}, number {number}"}

    def finish_snapshot(
        self, snapshot: SnapshotUnderTest, *, expect: str = Status.AVAILABLE
    ) -> None:
        """See how a snapshot that was started has ended.

        :raises OperationFailed: in another status.
        """
        self.expect(snapshot, "taking a snapshot", expect)
        if expect == Status.AVAILABLE and self.is_traced:
            self.overlays.took(snapshot.id, self.active())

    # -- snapshots that are taken otherwise

    def add_snapshot(self, snapshot_id: str) -> SnapshotUnderTest:
        """Take charge of a snapshot of what the volume holds now."""
        snapshot = SnapshotUnderTest(self, snapshot_id, self.ledger.copy())
        self.snapshots.append(snapshot)
        self._taken.append(snapshot.id)
        return snapshot

    def accept_snapshot(self) -> SnapshotUnderTest:
        """A snapshot that was accepted, and that no hook has seen yet."""
        snapshots = self.deployment.database.snapshots
        attempt = snapshots.begin_create(
            self.id, assisted=True, fields=self._name()
        )
        snapshot = SnapshotUnderTest(self, attempt.snapshot_id, self.ledger)
        self._taken.append(snapshot.id)
        return snapshot

    def unborn_snapshot(self) -> SnapshotUnderTest:
        """A snapshot that the driver has never heard of, in error."""
        snapshots = self.deployment.database.snapshots
        attempt = snapshots.begin_create(
            self.id, assisted=False, fields=self._name()
        )
        owner = self.deployment.manager.owner
        self.deployment.database.claims.take(self.id, owner)
        snapshots.move(
            attempt,
            owner,
            (Status.CREATING, None),
            (Status.ERROR, None),
            release=True,
        )
        snapshot = SnapshotUnderTest(self, attempt.snapshot_id, self.ledger)
        self._taken.append(snapshot.id)
        self.snapshots.append(snapshot)
        return snapshot

    # -- operations

    def settle(self) -> None:
        """Wait until whatever was started is over or waits for a report.

        :raises OperationFailed: a hook does not return.
        """
        if not self.deployment.settle():
            legacy = self.deployment.subject.adapter.profile is Profile.LEGACY
            call = "call" if legacy else "hook"
            raise OperationFailed(
                "a snapshot operation",
                f"{call}s that return as soon as their own work is done",
                self.deployment.patience.said_of(call),
            )

    def expect(
        self, snapshot: SnapshotUnderTest, operation: str, status: str
    ) -> None:
        """See that an operation ended in ``status``.

        :raises OperationFailed: it ended in another.
        """
        observed = snapshot.status
        if observed != status:
            raise OperationFailed(
                f"{operation} {snapshot.id}", str(status), observed
            )

    def set_status(self, status: str) -> None:
        """Set the volume's status, as another operation of Cinder's does."""
        self.deployment.database.volumes.update(self.id, {"status": status})

    # -- what is read back

    def differences(self) -> Iterator[tuple[Difference | None, str]]:
        """How the volume and each snapshot differ, and from what."""
        active = self.active()
        yield (
            self._compare(active, self.ledger),
            "the volume, after what its guest wrote",
        )
        try:
            chain = storage.chain_of(active)
        except (qcow2.ImageError, OSError):
            chain = []
        for snapshot in self.snapshots:
            yield (
                self.snapshot_difference(snapshot, active, chain),
                f"snapshot {snapshot.id}, as it was when it was taken",
            )

    # -- what a failure's message shows

    def names(self) -> dict[str, str]:
        """Long names to short ones, the longest first."""
        snapshots = {
            snapshot_id: f"s{number}"
            for number, snapshot_id in enumerate(self._taken, 1)
        }
        return {**snapshots, self.name: "V", self.id: "<id of V>"}
