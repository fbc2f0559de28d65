# SPDX-License-Identifier: Apache-2.0
"""The volume manager: it owns the states between a driver's hooks."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from assisted_kit.db.database import Database
from assisted_kit.db.snapshot_values import InFlight
from assisted_kit.driver import is_assisted
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Status
from assisted_kit.manager.assisted import AssistedOperations
from assisted_kit.manager.backups import BackupOperations
from assisted_kit.manager.cascade import CascadeOperations
from assisted_kit.manager.chains import ChainQueue
from assisted_kit.manager.compute_calls import ComputeApi
from assisted_kit.manager.connections import Connections
from assisted_kit.manager.doubtful_starts import DoubtfulStarts
from assisted_kit.manager.gates import Gates
from assisted_kit.manager.groups import GroupOperations
from assisted_kit.manager.legacy import LegacyOperations
from assisted_kit.manager.outcomes import Outcomes
from assisted_kit.manager.reverts import RevertOperations
from assisted_kit.manager.temporary import TemporarySnapshots
from assisted_kit.manager.uploads import UploadOperations
from assisted_kit.manager.volumes import VolumeOperations
from assisted_kit.manager.workers import Pending
from assisted_kit.manager.workers import Workers
from assisted_kit.notifier import Notification
from assisted_kit.notifier import Notifier
from assisted_kit.notifier import Released
from assisted_kit.notifier import Reported
from assisted_kit.timeouts import Timeouts

WORKERS = 16
"""Hooks that run at the same time; waiting snapshots need no thread."""

LEGACY_WORKERS = 64
"""Blocking calls of a legacy driver, as many as Cinder's RPC pool has."""


class VolumeManager:
    """Takes snapshots with a driver and the compute service's help.

    Snapshot operations return once they are accepted and go on by
    themselves; :class:`assisted_kit.notifier.Settled` tells when they end.

    :param driver: with the hooks or, as a legacy driver, without.
    :param compute: Nova's assisted snapshots.
    :param host: the name of the service.  A manager that starts under it
        knows the claims of its predecessors as those of dead processes.
    :param context: handed to the driver and to the compute service.
    """

    def __init__(
        self,
        driver: Any,
        database: Database,
        compute: ComputeApi,
        notifier: Notifier,
        *,
        host: str = "localhost@assisted-kit",
        timeouts: Timeouts | None = None,
        context: Any = None,
    ) -> None:
        self.driver = driver
        self.database = database
        self.notifier = notifier
        self.host = host
        self.owner = f"{host}#{uuid.uuid4()}"
        self._assisted = is_assisted(driver)
        connections = Connections(driver, database, context)
        self._pending = Pending()
        self._workers = Workers(WORKERS, self._pending)
        self._legacy_workers = Workers(LEGACY_WORKERS, self._pending)
        self._queue = ChainQueue(
            database.claims,
            self.owner,
            notifier,
            self._workers.submit,
            database.clock,
        )
        self._doubtful_starts = DoubtfulStarts(
            database, self._carry_on_unheard, self._workers.submit
        )
        gates = Gates()
        self._outcomes = Outcomes(notifier)
        temporary = TemporarySnapshots(
            self.create_snapshot,
            self.delete_snapshot,
            database.statuses,
            self._outcomes,
        )
        self.volumes = VolumeOperations(
            driver,
            database,
            queue=self._queue,
            gates=gates,
            snapshots=temporary,
            assisted=self._assisted,
            host=host,
            context=context,
        )
        self.groups = GroupOperations(
            self.create_snapshot,
            self.delete_snapshot,
            database.references,
            self._outcomes,
        )
        self.cascade = CascadeOperations(
            self.delete_snapshot,
            self.volumes,
            database.statuses,
            self._outcomes,
        )
        self.backups = BackupOperations(
            driver, self.volumes, temporary, database.statuses, host=host
        )
        self.reverts = RevertOperations(
            driver, self.volumes, temporary, database.statuses, context
        )
        self.uploads = UploadOperations(
            driver, self.volumes, database.statuses, context
        )
        self._hooks = AssistedOperations(
            driver,
            database,
            compute,
            owner=self.owner,
            queue=self._queue,
            gates=gates,
            connections=connections,
            notifier=notifier,
            timeouts=timeouts or Timeouts(),
            submit=self._workers.submit,
            context=context,
        )
        self._legacy = LegacyOperations(
            driver,
            database,
            owner=self.owner,
            queue=self._queue,
            connections=connections if self._assisted else None,
            notifier=notifier,
            submit=self._legacy_workers.submit,
            context=context,
        )
        self._unsubscribe = notifier.subscribe(self._on_notification)

    def create_snapshot(
        self,
        volume_id: str,
        *,
        metadata: Mapping[str, str] | None = None,
        internal: bool = False,
        **fields: Any,
    ) -> str:
        """Start taking a snapshot; returns its id.

        :param internal: another operation takes it for itself; a user's
            counts for his quota and is not taken of a volume that is being
            reverted.
        :param fields: columns of the new row, ``display_name`` say.
        :raises NotFound: there is no such volume.
        :raises NotAllowed: the volume is being deleted, or reverted.
        """
        snapshot_id = str(fields.get("id") or uuid.uuid4())
        with self._doubtful_starts.watched(snapshot_id):
            attempt = self.database.snapshots.begin_create(
                volume_id,
                assisted=self._assisted,
                fields={**fields, "id": snapshot_id},
                metadata=metadata,
                internal=internal,
            )
        self._start(attempt, Operation.CREATE)
        return attempt.snapshot_id

    def delete_snapshot(
        self, snapshot_id: str, *, force: bool = False
    ) -> None:
        """Start deleting a snapshot.

        :param force: from any status.  On a snapshot in flight it ends the
            phase as the deadline does (contract section 4).
        :raises NotFound: there is no such snapshot.
        :raises NotAllowed: its status does not admit it.
        """
        with self._doubtful_starts.watched(snapshot_id):
            attempt = self.database.snapshots.begin_delete(
                snapshot_id,
                assisted=self._assisted,
                force=force,
                connection_info=(
                    self._hooks.give_up(snapshot_id) if force else None
                ),
            )
        if force:
            # Whoever still holds the chain for the attempt that was
            # replaced, in whichever process, is to give it up.
            self.notifier.publish(Reported(snapshot_id))
        self._start(attempt, Operation.DELETE)

    def recover(self) -> None:
        """Carry on from the database after a restart (section 4).

        To be called before anything else, and only when the host's former
        processes are gone: their claims are taken over.  A host has one
        process at a time, as a service of Cinder's has.  Volumes whose
        hooks were interrupted are not attached before those have run
        again.  Legacy drivers' calls died with their process and have
        failed, and so have the operations that waited for snapshots and
        whatever Cinder had in flight before the upgrade.
        """
        self.database.statuses.give_back(self.host)
        claims = self.database.claims
        left: dict[str, str | None] = {}
        for volume_id, (owner, holder) in claims.owners().items():
            if owner.rpartition("#")[0] == self.host and owner != self.owner:
                claims.take_over(owner, self.owner, volume_id=volume_id)
                left[volume_id] = holder
        for found in self.database.snapshots.in_flight(host=self.host):
            attempt = found.attempt
            ours = left.get(attempt.volume_id) == attempt.snapshot_id
            if ours:
                del left[attempt.volume_id]
            # Whoever has the chain now, the others wait for it in order.
            self._carry_on(found, claimed=ours)
        # Claims of operations that left nothing to carry on.
        for volume_id in left:
            claims.release(volume_id, self.owner)
            self.notifier.publish(Released(volume_id))

    def join(self, timeout: float | None = None) -> bool:
        """Wait until no thread works; snapshots may still be waiting.

        :param timeout: seconds.
        :returns: false when the time-out passed.
        """
        return self._pending.join(timeout)

    def pause(self) -> Callable[[], None]:
        """Have :meth:`join` not wait for the caller's work meanwhile.

        For a legacy driver's call that does nothing but wait for a report.

        :returns: ends that, on any thread.
        """
        self._pending.remove()
        return self._pending.add

    def stop(self) -> None:
        """Finish the steps under way and end the threads.

        What is in flight stays so in the database.
        """
        self._unsubscribe()
        self._queue.close()
        self._outcomes.close()
        self._workers.stop()
        self._legacy_workers.stop()

    def _start(self, attempt: Any, operation: Operation) -> None:
        if self._assisted:
            self._hooks.start(attempt, operation)
        else:
            self._legacy.start(attempt, operation)

    def _carry_on(self, found: InFlight, claimed: bool = False) -> None:
        operation = (
            Operation.CREATE
            if found.status == Status.CREATING
            else Operation.DELETE
        )
        if found.phase is not None:
            self._hooks.start(found.attempt, operation, claimed=claimed)
        elif claimed or self._assisted or found.attempt.is_cinders:
            self._legacy.interrupted(found.attempt, operation, claimed=claimed)
        else:
            self._legacy.start(found.attempt, operation)

    def _carry_on_unheard(self, found: InFlight) -> None:
        # Whoever still holds the chain for an attempt that was replaced by
        # this one is to give it up.
        self.notifier.publish(Reported(found.attempt.snapshot_id))
        self._carry_on(found)

    def _on_notification(self, notification: Notification) -> None:
        if isinstance(notification, Reported):
            self._hooks.reported(notification.snapshot_id)
