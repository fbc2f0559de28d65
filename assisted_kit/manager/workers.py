# SPDX-License-Identifier: Apache-2.0
"""The threads on which drivers are called."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent import futures

LOG = logging.getLogger(__name__)

THREAD_NAME = "assisted-kit"
"""How the names of the manager's threads begin."""


class Pending:
    """How much work is running or queued, in any number of pools.

    Work counts until whatever it submitted counts itself, so zero means
    that nothing is left to do.
    """

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def add(self) -> None:
        """One more."""
        with self._changed:
            self._count += 1

    def remove(self) -> None:
        """One is done."""
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until there is none; false when ``timeout`` s passed."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, timeout)


class Workers:
    """A pool of threads that never loses an exception.

    :param size: threads at most; they start as they are needed.
    :param pending: counts this pool's work.
    """

    def __init__(self, size: int, pending: Pending) -> None:
        # An idle thread of futurist's pool looks at its queue once a second.
        self._executor = futures.ThreadPoolExecutor(
            size, thread_name_prefix=THREAD_NAME
        )
        self._pending = pending

    def submit(self, work: Callable[[], None]) -> None:
        """Run ``work`` on a thread of the pool."""
        self._pending.add()
        try:
            self._executor.submit(self._run, work)
        except RuntimeError:
            # The pool was shut down: what is left is in the database, and
            # the next manager carries on from there.
            self._pending.remove()
            LOG.info("not started, since the manager stops: %r", work)

    def stop(self) -> None:
        """Finish what was submitted and end the threads."""
        self._executor.shutdown(wait=True)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            # It would vanish in a future that nobody reads.
            LOG.exception("a step of the volume manager failed")
            raise
        finally:
            self._pending.remove()
