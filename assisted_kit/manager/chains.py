# SPDX-License-Identifier: Apache-2.0
"""Order on one volume's chain: who may work on it now, and who is next.

Contract section 4.  Between processes a *claim* decides, a row in the
database; within this process a queue keeps the order in which requests
came.  Waiting costs no thread: a request is a callable in the queue.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import threading
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass

from assisted_kit.clock import Clock
from assisted_kit.db.claims import Claims
from assisted_kit.errors import AssistedKitError
from assisted_kit.manager.database_errors import DATABASE_ERRORS
from assisted_kit.manager.database_errors import RETRY_AFTER
from assisted_kit.notifier import Notification
from assisted_kit.notifier import Notifier
from assisted_kit.notifier import Released

LOG = logging.getLogger(__name__)


class ManagerStopped(AssistedKitError):
    """The manager was stopped before the chain was free."""


class _State(enum.Enum):
    WAITING = "waiting"
    CLAIMING = "claiming"
    # The claim was released while we were being refused it: ask again.
    AGAIN = "claiming, and asked to try again"
    RUNNING = "running"


@dataclass(eq=False, slots=True)
class _Entry:
    work: Callable[[], None]
    snapshot_id: str | None
    claimed: bool
    state: _State = _State.WAITING


class _Turn:
    """Somebody who waits on a thread of his own."""

    def __init__(self) -> None:
        self._outcome: futures.Future[bool] = futures.Future()

    def come(self) -> bool:
        """It is his turn; false if he does not wait any more."""
        return self._settle(True)

    def give_up(self) -> None:
        self._settle(False)

    def wait(self) -> bool:
        """Whether his turn has come."""
        return self._outcome.result()

    def _settle(self, came: bool) -> bool:
        with contextlib.suppress(futures.InvalidStateError):
            self._outcome.set_result(came)
        return self._outcome.result() is came


class ChainQueue:
    """Runs work on a volume's chain in order, under the claim.

    :param owner: the name under which this process claims.
    :param submit: runs a callable on some other thread.
    """

    def __init__(
        self,
        claims: Claims,
        owner: str,
        notifier: Notifier,
        submit: Callable[[Callable[[], None]], None],
        clock: Clock,
    ) -> None:
        self._claims = claims
        self._owner = owner
        self._notifier = notifier
        self._submit = submit
        self._clock = clock
        self._closed = False
        self._turns: set[_Turn] = set()
        self._queues: dict[str, deque[_Entry]] = {}
        self._lock = threading.Lock()
        self._unsubscribe = notifier.subscribe(self._on_notification)

    def close(self) -> None:
        """Hear no more of other processes' claims, and let nobody wait."""
        self._unsubscribe()
        with self._lock:
            self._closed = True
            turns = list(self._turns)
        for turn in turns:
            turn.give_up()

    def enter(
        self,
        volume_id: str,
        work: Callable[[], None],
        snapshot_id: str | None = None,
        *,
        claimed: bool = False,
    ) -> None:
        """Run ``work`` once the claim is ours; whoever ends it leaves.

        :param claimed: the claim is ours already, as after a restart.
        """
        entry = _Entry(work, snapshot_id, claimed)
        with self._lock:
            queue = self._queues.setdefault(volume_id, deque())
            if claimed:
                queue.appendleft(entry)
            else:
                queue.append(entry)
            first = queue[0] is entry
        if first:
            self._submit(lambda: self._start(volume_id))

    def leave(self, volume_id: str, *, release: bool = False) -> None:
        """The work at the head is over; the next one's turn.

        :param release: give the claim up as well; otherwise it was given
            up in the transaction that ended the work.
        """
        if release:
            try:
                self._claims.release(volume_id, self._owner)
            except DATABASE_ERRORS:
                LOG.exception(
                    "the claim on volume %s is still ours", volume_id
                )
                self._later(lambda: self.leave(volume_id, release=True))
                return
        with self._lock:
            queue = self._queues[volume_id]
            queue.popleft()
            waiting = bool(queue)
            if not waiting:
                del self._queues[volume_id]
        self._notifier.publish(Released(volume_id))
        if waiting:
            self._submit(lambda: self._start(volume_id))

    @contextlib.contextmanager
    def hold(self, volume_id: str) -> Iterator[None]:
        """Have the chain for the body; waits in order for it.

        :raises ManagerStopped: before the chain was free.
        """
        turn = _Turn()

        def come() -> None:
            if not turn.come():
                self.leave(volume_id, release=True)

        with self._lock:
            self._turns.add(turn)
            closed = self._closed
        if closed:
            turn.give_up()
        else:
            self.enter(volume_id, come)
        came = turn.wait()
        with self._lock:
            self._turns.discard(turn)
        if not came:
            raise ManagerStopped(
                f"the manager was stopped before the chain of volume "
                f"{volume_id} was free"
            )
        try:
            yield
        finally:
            self.leave(volume_id, release=True)

    def _start(self, volume_id: str) -> None:
        with self._lock:
            queue = self._queues.get(volume_id)
            if not queue or queue[0].state is not _State.WAITING:
                return
            entry = queue[0]
            entry.state = _State.CLAIMING
        try:
            while not (entry.claimed or self._claim(volume_id, entry)):
                with self._lock:
                    if entry.state is _State.CLAIMING:
                        entry.state = _State.WAITING
                        return
                    entry.state = _State.CLAIMING
        except DATABASE_ERRORS:
            LOG.exception(
                "the chain of volume %s cannot be claimed", volume_id
            )
            with self._lock:
                entry.state = _State.WAITING
            self._later(lambda: self._start(volume_id))
            return
        entry.state = _State.RUNNING
        entry.work()

    def _later(self, call: Callable[[], None]) -> None:
        self._clock.call_at(
            self._clock.now() + RETRY_AFTER, lambda: self._submit(call)
        )

    def _claim(self, volume_id: str, entry: _Entry) -> bool:
        taken = self._claims.take(volume_id, self._owner, entry.snapshot_id)
        if not taken:
            LOG.info(
                "the chain of volume %s is claimed by another process",
                volume_id,
            )
        return taken

    def _on_notification(self, notification: Notification) -> None:
        if not isinstance(notification, Released):
            return
        volume_id = notification.volume_id
        with self._lock:
            queue = self._queues.get(volume_id)
            if not queue:
                return
            if queue[0].state is _State.CLAIMING:
                queue[0].state = _State.AGAIN
            waiting = queue[0].state is _State.WAITING
        if waiting:
            self._submit(lambda: self._start(volume_id))
