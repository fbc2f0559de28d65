# SPDX-License-Identifier: Apache-2.0
"""Others at work in the middle of a snapshot operation.

A hook is held up before it starts a command or changes a name on the share,
and when it is about to return. Meanwhile another thread does something; the
hook goes on when that is done. A driver may have the other one wait for the
hook: it is waited for a moment and no longer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assisted_kit.driver import Hook
from assisted_kit.driver import LegacyCall
from conformance.deployment import Deployment
from conformance.watch import calls
from conformance.watch.audit import AUDIT_HOOK
from conformance.watch.calls import DriverCall

EVENTS = ("subprocess.Popen", "os.link", "os.remove", "os.rename")
"""What a hook is held up before."""

MOMENT = 0.5
"""Seconds."""

MOST = 12
"""Points in one operation at which it is held up."""

_HELD = {str(each) for each in (*Hook, *LegacyCall)}


class Interference:
    """Does something at points of the operations that run meanwhile.

    :param act: what is done, on a thread of its own. What it raises is
        kept.
    """

    def __init__(self, deployment: Deployment, act: Callable[[], None]):
        self._deployment = deployment
        self._act = act
        self._threads: list[threading.Thread] = []
        self.errors: list[BaseException] = []
        self.points: list[str] = []
        """Where an operation was held up."""

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """While the body lasts."""
        driver = self._deployment.driver
        for hook in Hook:
            member = getattr(driver.unobserved, hook, None)
            if member is not None:
                driver.call_instead(hook, self._held_at_its_end(hook, member))
        try:
            with AUDIT_HOOK.listening(dict.fromkeys(EVENTS, self._hold)):
                yield
        finally:
            for thread in self._threads:
                thread.join(self._deployment.subject.patience)

    def _held_at_its_end(
        self, hook: Hook, member: Callable[[Any], Any]
    ) -> Callable[[Any], Any]:
        def call(snapshot_ref: Any) -> Any:
            returned = member(snapshot_ref)
            with calls.aside():
                self._hold_up(f"the end of {hook}")
            return returned

        return call

    def _hold(self, call: DriverCall, arguments: tuple[Any, ...]) -> None:
        if call.name in _HELD:
            self._hold_up(f"{call} at {call.where()}")

    def _hold_up(self, point: str) -> None:
        if len(self.points) >= MOST:
            return
        self.points.append(point)
        thread = threading.Thread(target=self._perform, daemon=True)
        self._threads.append(thread)
        thread.start()
        thread.join(MOMENT)

    def _perform(self) -> None:
        try:
            self._act()
        except BaseException as error:
            self.errors.append(error)
