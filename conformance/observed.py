# SPDX-License-Identifier: Apache-2.0
"""The driver under test: watched, and its hooks taken down."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from assisted_kit.driver import Hook
from assisted_kit.driver import LegacyCall
from assisted_kit.refs import SnapshotRef
from assisted_kit.refs import VolumeRef
from conformance.journal import HookCall as HookCall
from conformance.journal import Journal
from conformance.patience import Patience
from conformance.waiting import VirtualTime
from conformance.watch import Watch

_RAISED_BY = "assisted_raised_by"


def raised_by(error: BaseException) -> str | None:
    """The method of a driver's that raised this, if one did."""
    return vars(error).get(_RAISED_BY)


class ObservedDriver:
    """The driver under test: watched, its hooks taken down in a journal.

    :param successor: makes the driver of a process that takes over.
    :param waits: the time that a legacy driver waits by.
    :param patience: how long tests wait for it.
    """

    def __init__(
        self,
        driver: Any,
        journal: Journal,
        watch: Watch,
        successor: Callable[[], Any],
        waits: VirtualTime,
        patience: Patience,
    ) -> None:
        self._waits = waits
        self._patience = patience
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
            with (
                self._patience.answering(name),
                self._watch.call(name, **_ids(*arguments)) as driver_call,
            ):
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
