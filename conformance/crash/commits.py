# SPDX-License-Identifier: Apache-2.0
"""The volume service killed between its transactions.

What it has done since the last one is on the share and at the compute
service; nobody knows of what it was about to commit.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import ExitStack
from typing import Any
from unittest import mock

from sqlalchemy import event

from assisted_kit.driver import Hook
from assisted_kit.manager.workers import THREAD_NAME
from conformance.crash.killed import Killed
from conformance.crash.sweep import Sweep
from conformance.deployment import Deployment

CALLS = ("create_volume_snapshot", "delete_volume_snapshot")
"""What Nova is asked by."""

COMMITTED = "a transaction is committed"
ASKED = "Nova is asked"


class CommitSweep(Sweep):
    """Dies before each transaction ends, and before Nova is asked.

    A transaction is known by the hooks that were called before it, and how
    many followed the last of them.  Nova's answer is stored beside them: it
    comes before its report or after, and not at all when that was faster.


    :param first: how many points to pass, and to die at the last of them.
    """

    def __init__(self, deployment: Deployment, first: int = 1) -> None:
        super().__init__(deployment)
        self.nova_was_asked = True
        """False: the last operation died when its request was stored."""
        self._first = first
        self._died_before: set[tuple[object, ...]] = set()
        self._passed: Counter[str] = Counter()
        self._asking_thread: int | None = None
        self._calls_before = 0
        self._is_over = False
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        return self._is_over

    @contextmanager
    def _armed(self) -> Iterator[None]:
        self._passed.clear()
        self._asking_thread = None
        self.nova_was_asked = True
        self._calls_before = len(self._deployment.journal.calls())
        engine = self._deployment.database.engine
        driver, nova = self._deployment.driver, self._deployment.nova
        for hook in Hook:
            call = getattr(driver.unobserved, hook)
            driver.call_instead(hook, self._unless_dead(call))

        def commit(_connection: Any) -> None:
            self._pass(COMMITTED)

        event.listen(engine, "commit", commit)
        try:
            with ExitStack() as patches:
                for name in CALLS:
                    call = self._asking(getattr(nova, name))
                    patches.enter_context(mock.patch.object(nova, name, call))
                yield
        finally:
            event.remove(engine, "commit", commit)
        self._is_over = not self.died_at

    def _asking(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            self._pass(ASKED)
            self._asking_thread = threading.get_ident()
            return call(*arguments)

        return ask

    def _unless_dead(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def hook(snapshot_ref: Any) -> Any:
            if self._asking_thread == threading.get_ident():
                # Its answer was not to be stored.
                self._asking_thread = None
            if self.died_at:
                raise Killed(self.died_at)
            return call(snapshot_ref)

        return hook

    def _pass(self, what: str) -> None:
        """Die before this, or of what came before."""
        if not threading.current_thread().name.startswith(THREAD_NAME):
            # Nova commits its reports, and the API what it accepts.
            return
        with self._lock:
            point = self._point(what)
            is_due = self._passed.total() >= self._first
            if is_due and not self.died_at and point not in self._died_before:
                self._died_before.add(point)
                self.nova_was_asked = what != ASKED
                number = f"at point {len(self._died_before)}"
                self._died(f"{number}, before {what}, {self._progress()}")
        if self.died_at:
            raise Killed(self.died_at)

    def _point(self, what: str) -> tuple[object, ...]:
        """What tells this point from the others of an operation."""
        if self._asking_thread == threading.get_ident():
            self._asking_thread = None
            return ("the answer is stored",)
        progress = self._progress()
        self._passed[progress] += 1
        return what, progress, self._passed[progress]

    def _progress(self) -> str:
        calls = self._deployment.journal.calls()[self._calls_before :]
        return f"after {calls[-1].hook}" if calls else "before any hook"
