# SPDX-License-Identifier: Apache-2.0
"""The threads that the compute service works on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent import futures

LOG = logging.getLogger(__name__)


class Work:
    """Runs callables on threads and knows when all of them are done."""

    def __init__(self, threads: int) -> None:
        self._executor = futures.ThreadPoolExecutor(
            threads, thread_name_prefix="fake-nova"
        )
        self._left = 0
        self._changed = threading.Condition()

    def start(self, call: Callable[[], None]) -> None:
        """Run ``call`` on some thread; dropped once stopped."""
        with self._changed:
            self._left += 1
        try:
            self._executor.submit(self._run, call)
        except RuntimeError:
            self._done()
            LOG.info("the compute service has stopped: %r", call)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs or is queued; false on time-out."""
        with self._changed:
            return self._changed.wait_for(lambda: self._left == 0, timeout)

    def stop(self) -> None:
        """Finish what was started and end the threads."""
        self._executor.shutdown(wait=True)

    def _run(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            LOG.exception("the compute service failed")
        finally:
            self._done()

    def _done(self) -> None:
        with self._changed:
            self._left -= 1
            self._changed.notify_all()
