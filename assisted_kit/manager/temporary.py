# SPDX-License-Identifier: Apache-2.0
"""Temporary snapshots: how an attached volume is copied (section 1)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from collections.abc import Iterator

from assisted_kit.errors import AssistedKitError
from assisted_kit.lifecycle import Status
from assisted_kit.notifier import Notification
from assisted_kit.notifier import Notifier
from assisted_kit.notifier import Settled


class TemporarySnapshotFailed(AssistedKitError):
    """The snapshot to copy from could not be taken."""


class _Outcomes:
    """The statuses that snapshots settle in, for somebody who waits."""

    def __init__(self) -> None:
        self._statuses: dict[str, str] = {}
        self._changed = threading.Condition()

    def listen(self, notification: Notification) -> None:
        if isinstance(notification, Settled):
            with self._changed:
                self._statuses[notification.snapshot_id] = notification.status
                self._changed.notify_all()

    def of(self, snapshot_id: str) -> str:
        with self._changed:
            self._changed.wait_for(lambda: snapshot_id in self._statuses)
            return self._statuses.pop(snapshot_id)


class TemporarySnapshots:
    """Takes a snapshot, lends it, and deletes it in any case.

    It is a snapshot like every other: the compute service reports on it
    by its id (Launchpad bug 1744692).

    :param create: the manager's ``create_snapshot``.
    :param delete: the manager's ``delete_snapshot``.
    """

    def __init__(
        self,
        create: Callable[..., str],
        delete: Callable[..., None],
        notifier: Notifier,
    ) -> None:
        self._create = create
        self._delete = delete
        self._notifier = notifier

    @contextlib.contextmanager
    def of(self, volume_id: str) -> Iterator[str]:
        """A snapshot's id, on the caller's thread, which waits for it.

        :raises TemporarySnapshotFailed: it did not become available.
        """
        outcomes = _Outcomes()
        unsubscribe = self._notifier.subscribe(outcomes.listen)
        try:
            snapshot_id = self._create(
                volume_id, display_name=f"temporary, of {volume_id}"
            )
            status = outcomes.of(snapshot_id)
            try:
                if status != Status.AVAILABLE:
                    raise TemporarySnapshotFailed(
                        f"temporary snapshot {snapshot_id} of volume "
                        f"{volume_id} is {status}"
                    )
                yield snapshot_id
            finally:
                if status in (Status.AVAILABLE, Status.ERROR):
                    self._delete(snapshot_id)
                    outcomes.of(snapshot_id)
        finally:
            unsubscribe()
