# SPDX-License-Identifier: Apache-2.0
"""What the driver was asked and did, seen from outside."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assisted_kit.driver import Hook
from assisted_kit.driver import LegacyCall
from assisted_kit.refs import SnapshotRef
from assisted_kit.refs import VolumeRef
from conformance.crash.killed import Killed
from conformance.waiting import VirtualTime
from conformance.watch import GivenUp
from conformance.watch import Watch


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


_RAISED_BY = "assisted_raised_by"


def raised_by(error: BaseException) -> str | None:
    """The method of a driver's that raised this, if one did."""
    return vars(error).get(_RAISED_BY)


class ObservedDriver:
    """The driver under test: watched, its hooks taken down in a journal.

    :param successor: makes the driver of a process that takes over.
    :param waits: the time that a legacy driver waits by.
    """

    def __init__(
        self,
        driver: Any,
        journal: Journal,
        watch: Watch,
        successor: Callable[[], Any],
        waits: VirtualTime,
    ) -> None:
        self._waits = waits
        self._driver = driver
        self._journal = journal
        self._watch = watch
        self._successor = successor
        self._crashing: set[Hook] = set()
        self._instead: dict[Hook, Callable[[Any], Any]] = {}

    def crash_after(self, hook: Hook) -> None:
        """Lose what ``hook`` returns next, as if the process had died.

        The driver of another process is called again then, which is what
        the manager does after a restart (contract section 4).
        """
        self._crashing.add(hook)

    def call_instead(self, hook: Hook, call: Callable[[Any], Any]) -> None:
        """Have somebody else do what ``hook`` of this instance would."""
        self._instead[hook] = call

    @property
    def unobserved(self) -> Any:
        """The driver itself, whose members have their own signatures."""
        return self._driver

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._driver, name)
        if name in set(Hook):
            return self._observed(Hook(name), member)
        if name in set(LegacyCall):
            return self._observed_waiting(LegacyCall(name), member)
        if name.startswith("_") or not callable(member):
            return member
        return self._watched(name, member)

    def _watched(
        self, name: str, member: Callable[..., Any]
    ) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            with self._watch.call(name, **_ids(*arguments)) as driver_call:
                try:
                    return member(*arguments, **options)
                except Exception as error:
                    # Kept with the error, which would otherwise be kept
                    # with all that its frames have open.
                    vars(error)[_RAISED_BY] = name
                    raise
                finally:
                    # However it ends, it is too late.
                    driver_call.check()

        return call

    def _observed_waiting(
        self, method: LegacyCall, member: Callable[..., Any]
    ) -> Callable[..., Any]:
        def wait(snapshot_ref: Any) -> Any:
            with self._waits.call(snapshot_ref.id):
                return member(snapshot_ref)

        return self._observed(method, wait)

    def _observed(
        self, hook: Hook | LegacyCall, member: Callable[..., Any]
    ) -> Callable[..., Any]:
        if isinstance(hook, Hook):
            member = self._instead.get(hook, member)
        watched = self._watched(hook, member)

        def call(snapshot_ref: Any) -> Any:
            snapshot_id = snapshot_ref.id
            attached = snapshot_ref.volume.attach_status == "attached"
            called = watched
            started = time.perf_counter()

            def note(**how: Any) -> None:
                self._journal.add(
                    HookCall(
                        hook,
                        snapshot_id,
                        attached,
                        **how,
                        started=started,
                        ended=time.perf_counter(),
                    )
                )

            try:
                if isinstance(hook, Hook) and hook in self._crashing:
                    self._crashing.discard(hook)
                    watched(snapshot_ref)
                    successor = getattr(self._successor(), hook)
                    called = self._watched(hook, successor)
                returned = called(snapshot_ref)
            except BaseException as error:
                note(error=error)
                raise
            note(returned=returned)
            return returned

        return call


def _ids(ref: Any = None, *_others: Any) -> dict[str, str]:
    """The ids of what a method of the driver's is called for."""
    match ref:
        case SnapshotRef():
            return {"snapshot_id": ref.id, "volume_id": ref.volume.id}
        case VolumeRef():
            return {"volume_id": ref.id}
    return {}


class KeptLog(logging.Handler):
    """What is logged, kept in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; one that cannot be formatted, as it is."""
        try:
            line = self.format(record)
        except Exception as error:
            line = f"{record.msg!r} % {record.args!r}: {error}"
        self._lines.append(f"{line}\n")

    def as_bytes(self) -> list[bytes]:
        """The lines, encoded."""
        return [line.encode(errors="backslashreplace") for line in self._lines]
