# SPDX-License-Identifier: Apache-2.0
"""How managers and the status API tell each other that something changed.

The database holds the truth; a notification only says where to look.  How
it travels is the notifier's business (contract section 4): a call within
one process, a message between processes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reported:
    """The status API stored a report on a snapshot."""

    snapshot_id: str


@dataclass(frozen=True, slots=True)
class Settled:
    """A snapshot left ``creating`` or ``deleting`` for ``status``."""

    snapshot_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Released:
    """The claim on a volume's chain was released."""

    volume_id: str


Notification = Reported | Settled | Released
Listener = Callable[[Notification], None]


class Notifier(Protocol):
    """Carries notifications to every listener."""

    def publish(self, notification: Notification) -> None:
        """Tell every listener; returns without waiting for their work.

        Never raises: what is told has been stored already, and whoever
        stored it has to go on.
        """

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; the returned call takes it away again.

        A listener is called on the publisher's thread and hands longer
        work to a thread of its own.
        """


class LocalNotifier:
    """Notifications within one process: plain calls."""

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._lock = threading.Lock()

    def publish(self, notification: Notification) -> None:
        for listener in self._listeners:
            try:
                listener(notification)
            except Exception:
                LOG.exception("a listener failed on %s", notification)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(
                    other for other in self._listeners if other is not listener
                )

        return unsubscribe
