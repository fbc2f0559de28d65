# SPDX-License-Identifier: Apache-2.0
"""Operations of legacy drivers: one blocking call, as it always was.

Such a driver asks Nova itself and waits for ``progress`` to become
``'90%'``, so its call has a thread of its own for as long as it takes.  Its
snapshots have no phase.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from assisted_kit import lifecycle
from assisted_kit.db.database import Database
from assisted_kit.db.snapshot_values import Attempt
from assisted_kit.db.snapshot_values import Change
from assisted_kit.db.snapshot_values import COMPUTE_CALL
from assisted_kit.db.snapshot_values import COMPUTE_TOLD_TO
from assisted_kit.db.snapshot_values import PREVIOUS_STATUS
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Status
from assisted_kit.manager.chains import ChainQueue
from assisted_kit.manager.compute_calls import Answer
from assisted_kit.manager.connections import Connections
from assisted_kit.manager.database_errors import DATABASE_ERRORS
from assisted_kit.manager.database_errors import PASSING_ERRORS
from assisted_kit.manager.database_errors import RETRY_AFTER
from assisted_kit.manager.driver_errors import is_busy
from assisted_kit.notifier import Notifier
from assisted_kit.notifier import Settled
from assisted_kit.refs import SnapshotRef
from assisted_kit.updates import ModelUpdate
from assisted_kit.updates import PROVIDER_FIELDS

LOG = logging.getLogger(__name__)


class LegacyOperations:
    """Calls ``create_snapshot`` and ``delete_snapshot``.

    :param connections: None for a legacy driver, which stores connection
        information by itself.
    """

    def __init__(
        self,
        driver: Any,
        database: Database,
        *,
        owner: str,
        queue: ChainQueue,
        connections: Connections | None,
        notifier: Notifier,
        submit: Callable[[Callable[[], None]], None],
        context: Any,
    ) -> None:
        self._driver = driver
        self._database = database
        self._owner = owner
        self._queue = queue
        self._connections = connections
        self._notifier = notifier
        self._submit = submit
        self._context = context

    def start(self, attempt: Attempt, operation: Operation) -> None:
        """Call the driver when the chain is ours."""
        self._queue.enter(
            attempt.volume_id,
            lambda: self._submit(lambda: self._call(attempt, operation)),
            attempt.snapshot_id,
        )

    def interrupted(
        self, attempt: Attempt, operation: Operation, *, claimed: bool
    ) -> None:
        """The process of a call died with it: the operation failed.

        :param claimed: the claim is this process's already.
        """
        self._queue.enter(
            attempt.volume_id,
            lambda: self._submit(lambda: self._fail(attempt, operation)),
            attempt.snapshot_id,
            claimed=claimed,
        )

    def _fail(self, attempt: Attempt, operation: Operation) -> None:
        change = Change()
        if self._connections is not None:
            try:
                self._store_doubt(attempt, operation)
                change = Change(
                    connection_info=self._connections.if_possible(
                        attempt.volume_id
                    )
                )
            except DATABASE_ERRORS:
                self._later(attempt, lambda: self._fail(attempt, operation))
                return
        self._finish(attempt, operation, lifecycle.failed(operation), change)

    def _store_doubt(self, attempt: Attempt, operation: Operation) -> None:
        """Nova may have been told, and may be at work still.

        Stored before the driver is asked for connection information, which
        depends on it (section 5).
        """
        status = lifecycle.in_flight(operation, lifecycle.Phase.BEGIN).status
        self._database.snapshots.move(
            attempt,
            self._owner,
            (status, None),
            (status, None),
            Change(
                admin_metadata={
                    COMPUTE_CALL: Answer.UNKNOWN,
                    COMPUTE_TOLD_TO: operation,
                }
            ),
        )

    def _call(self, attempt: Attempt, operation: Operation) -> None:
        try:
            snapshot = self._current(attempt)
        except DATABASE_ERRORS:
            self._later(attempt, lambda: self._call(attempt, operation))
            return
        if snapshot is None:
            self._queue.leave(attempt.volume_id, release=True)
            return
        end, change = self._outcome(snapshot, operation)
        self._finish(attempt, operation, end, change)

    def _current(self, attempt: Attempt) -> SnapshotRef | None:
        """The snapshot, unless a forced delete has replaced the attempt."""
        found = self._database.snapshots.in_flight(attempt.snapshot_id)
        if not any(other.attempt == attempt for other in found):
            return None
        return self._database.references.snapshot(
            attempt.snapshot_id, context=self._context, writable=True
        )

    def _finish(
        self, attempt: Attempt, operation: Operation, end: str, change: Change
    ) -> None:
        try:
            moved = self._move(attempt, operation, end, change)
            # What somebody else set meanwhile stands.
            status = (
                end
                if moved
                else self._database.snapshots.status(attempt.snapshot_id)
            )
        except Exception as error:
            if not isinstance(error, PASSING_ERRORS):
                # What the driver returned does not fit the columns.
                end, change = lifecycle.failed(operation), Change()
            self._later(
                attempt, lambda: self._finish(attempt, operation, end, change)
            )
            return
        if status not in (Status.CREATING, Status.DELETING):
            self._notifier.publish(Settled(attempt.snapshot_id, status))
        self._queue.leave(attempt.volume_id, release=not moved)

    def _later(self, attempt: Attempt, call: Callable[[], None]) -> None:
        LOG.warning(
            "snapshot %s: the database failed; trying again",
            attempt.snapshot_id,
            exc_info=True,
        )
        clock = self._database.clock
        clock.call_at(clock.now() + RETRY_AFTER, lambda: self._submit(call))

    def _outcome(
        self, snapshot: SnapshotRef, operation: Operation
    ) -> tuple[str, Change]:
        try:
            if operation is Operation.CREATE:
                change = Change(
                    _update(self._driver.create_snapshot(snapshot)),
                    fields={"progress": lifecycle.FINAL_PROGRESS},
                )
                return Status.AVAILABLE, change
            self._driver.delete_snapshot(snapshot)
        except Exception as error:
            LOG.exception(
                "the driver failed to %s snapshot %s",
                operation,
                snapshot.id,
            )
            if operation is Operation.DELETE and is_busy(error):
                # Whether it has told Nova only the driver knows.
                was = snapshot.snapshot_admin_metadata[PREVIOUS_STATUS]
                return was, Change(fields=lifecycle.progress_of(was))
            return lifecycle.failed(operation), Change()
        return Status.DELETED, Change()

    def _move(
        self,
        attempt: Attempt,
        operation: Operation,
        end: str,
        change: Change,
    ) -> bool:
        start = lifecycle.in_flight(operation, lifecycle.Phase.BEGIN).status
        return self._database.snapshots.move(
            attempt,
            self._owner,
            (start, None),
            (end, None),
            change,
            release=True,
        )


def _update(returned: Mapping[str, Any] | None) -> ModelUpdate:
    """The part of a legacy model update that Cinder's manager would keep.

    Cinder drops what the table does not have; this kit keeps to that for
    drivers written for Cinder, and only for those.
    """
    returned = returned or {}
    return ModelUpdate(
        fields={
            key: _text(key, value)
            for key, value in returned.items()
            if key in PROVIDER_FIELDS
        },
        metadata=dict(returned.get("metadata") or {}),
    )


def _text(key: str, value: object) -> str | None:
    """A value as Cinder's objects take it, whatever the database takes.

    :raises TypeError: Cinder's do not; the value may be a secret and is
        not shown.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise TypeError(f"{key} is a {type(value).__name__}, and not a string")
