# SPDX-License-Identifier: Apache-2.0
"""What the driver was asked and did, seen from outside."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from assisted_kit.driver import Hook
from assisted_kit.driver import LegacyCall
from conformance.crash.killed import Killed
from conformance.watch.calls import GivenUp


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call of a hook, or of a legacy driver, and how it ended."""

    hook: Hook | LegacyCall
    snapshot_id: str
    attached: bool
    returned: object = None
    error: BaseException | None = None
    started: float = 0.0
    """Seconds of ``time.perf_counter``."""
    ended: float = 0.0

    def __str__(self) -> str:
        return f"{self.hook}({self.snapshot_id}) {self.outcome}"

    @property
    def outcome(self) -> str:
        """What it returned or raised."""
        if self.error is None:
            return f"returned {_without_secrets(self.returned)!r}"
        if isinstance(self.error, Killed):
            return str(self.error)
        if isinstance(self.error, GivenUp):
            return "did not return, and was ended by the kit"
        return f"raised {type(self.error).__name__}: {self.error}"

    def traceback(self) -> str:
        """Where the hook raised, for whoever mends it."""
        if self.error is None or isinstance(self.error, (GivenUp, Killed)):
            return ""
        return "".join(traceback.format_exception(self.error)).rstrip()


def _without_secrets(returned: object) -> object:
    """A model update, its credentials hidden (contract section 8)."""
    if not isinstance(returned, Mapping):
        return returned
    return {
        key: "***" if key == "provider_auth" else value
        for key, value in returned.items()
    }


class Journal:
    """Everything that was seen, in order; safe from any thread."""

    def __init__(self) -> None:
        self._calls: list[HookCall] = []
        self._lock = threading.Lock()

    def add(self, call: HookCall) -> None:
        """Take a call down."""
        with self._lock:
            self._calls.append(call)

    def forget(self) -> None:
        """What was seen so far does not matter any more."""
        with self._lock:
            self._calls.clear()

    def calls(
        self,
        hook: Hook | LegacyCall | None = None,
        snapshot_id: str | None = None,
    ) -> list[HookCall]:
        """The calls of a hook, or of every hook, for a snapshot or all."""
        with self._lock:
            return [
                call
                for call in self._calls
                if hook in (None, call.hook)
                and snapshot_id in (None, call.snapshot_id)
            ]
