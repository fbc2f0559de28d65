# SPDX-License-Identifier: Apache-2.0
"""How snapshots end, for an operation that waits for them.

Snapshots go on by themselves; whoever takes or deletes them for a larger
operation waits on a thread of its own, by notification and never by asking
again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from assisted_kit.manager.chains import ManagerStopped
from assisted_kit.notifier import Notification
from assisted_kit.notifier import Notifier
from assisted_kit.notifier import Settled


class Expected:
    """The statuses in which snapshots settle from now on."""

    def __init__(self) -> None:
        self._statuses: dict[str, str] = {}
        self._stopped = False
        self._changed = threading.Condition()

    def listen(self, notification: Notification) -> None:
        """Hear of a snapshot that settled, as a notifier's listener."""
        if isinstance(notification, Settled):
            with self._changed:
                self._statuses[notification.snapshot_id] = notification.status
                self._changed.notify_all()

    def stop(self) -> None:
        """Wait for nothing any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def of(self, snapshot_id: str) -> str:
        """Wait for a snapshot; each of its endings is returned once.

        :raises ManagerStopped: before it had settled.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or snapshot_id in self._statuses
            )
            if snapshot_id not in self._statuses:
                raise ManagerStopped(
                    f"the manager was stopped before snapshot {snapshot_id} "
                    f"had settled"
                )
            return self._statuses.pop(snapshot_id)


class Outcomes:
    """Everybody who waits for snapshots in one manager."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._waiting: set[Expected] = set()
        self._closed = False
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def expected(self) -> Iterator[Expected]:
        """What settles while the body runs; enter it before you start."""
        expected = Expected()
        unsubscribe = self._notifier.subscribe(expected.listen)
        with self._lock:
            self._waiting.add(expected)
            closed = self._closed
        if closed:
            expected.stop()
        try:
            yield expected
        finally:
            unsubscribe()
            with self._lock:
                self._waiting.discard(expected)

    def close(self) -> None:
        """Let nobody wait: the manager stops."""
        with self._lock:
            self._closed = True
            waiting = list(self._waiting)
        for expected in waiting:
            expected.stop()
