# SPDX-License-Identifier: Apache-2.0
"""What the driver was asked and did, seen from outside."""

from __future__ import annotations

import logging
import shlex
import sys
import threading
import traceback
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assisted_kit.driver import Hook


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call of a hook and how it ended."""

    hook: Hook
    snapshot_id: str
    attached: bool
    returned: object = None
    error: BaseException | None = None

    def __str__(self) -> str:
        if self.error is None:
            ended = f"returned {_without_secrets(self.returned)!r}"
        else:
            ended = f"raised {type(self.error).__name__}: {self.error}"
        return f"{self.hook}({self.snapshot_id}) {ended}"

    def traceback(self) -> str:
        """Where the hook raised, for whoever mends it."""
        if self.error is None:
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


@dataclass(frozen=True, slots=True)
class Command:
    """A command that the driver started through ``execute``."""

    words: tuple[str, ...]
    failure: str = ""

    def __str__(self) -> str:
        line = shlex.join(self.words)
        return f"{line} failed: {self.failure}" if self.failure else line


class Journal:
    """Everything that was seen, in order; safe from any thread."""

    def __init__(self) -> None:
        self._calls: list[HookCall] = []
        self._commands: list[Command] = []
        self._lock = threading.Lock()

    def add(self, entry: HookCall | Command) -> None:
        """Take a call or a command down."""
        with self._lock:
            if isinstance(entry, HookCall):
                self._calls.append(entry)
            else:
                self._commands.append(entry)

    def calls(
        self, hook: Hook | None = None, snapshot_id: str | None = None
    ) -> list[HookCall]:
        """The calls of a hook, or of every hook, for a snapshot or all."""
        with self._lock:
            return [
                call
                for call in self._calls
                if hook in (None, call.hook)
                and snapshot_id in (None, call.snapshot_id)
            ]

    @property
    def commands(self) -> list[Command]:
        """The commands, in the order in which they ended."""
        with self._lock:
            return list(self._commands)


class ObservedDriver:
    """The driver under test, its hooks taken down in a journal.

    :param successor: makes the driver of a process that takes over.
    """

    def __init__(
        self, driver: Any, journal: Journal, successor: Callable[[], Any]
    ) -> None:
        self._driver = driver
        self._journal = journal
        self._successor = successor
        self._crashing: set[Hook] = set()

    def crash_after(self, hook: Hook) -> None:
        """Lose what ``hook`` returns next, as if the process had died.

        The driver of another process is called again then, which is what
        the manager does after a restart (contract section 4).
        """
        self._crashing.add(hook)

    @property
    def unobserved(self) -> Any:
        """The driver itself, whose members have their own signatures."""
        return self._driver

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._driver, name)
        if name in set(Hook):
            return self._observed(Hook(name), member)
        return member

    def _observed(
        self, hook: Hook, member: Callable[..., Any]
    ) -> Callable[..., Any]:
        def call(snapshot_ref: Any) -> Any:
            snapshot_id = snapshot_ref.id
            attached = snapshot_ref.volume.attach_status == "attached"
            called = member
            try:
                if hook in self._crashing:
                    self._crashing.discard(hook)
                    member(snapshot_ref)
                    called = getattr(self._successor(), hook)
                returned = called(snapshot_ref)
            except BaseException as error:
                self._journal.add(
                    HookCall(hook, snapshot_id, attached, error=error)
                )
                raise
            self._journal.add(HookCall(hook, snapshot_id, attached, returned))
            return returned

        return call


def observed_execute(
    execute: Callable[..., Any], journal: Journal
) -> Callable[..., Any]:
    """``execute`` as a driver gets it, its commands taken down."""

    def run(*words: str, **options: Any) -> Any:
        try:
            done = execute(*words, **options)
        except Exception as error:
            journal.add(Command(words, str(error)))
            raise
        journal.add(Command(words))
        return done

    return run


def calls_under_way() -> str:
    """Where the driver is in each hook that has not returned, as text."""
    stacks = []
    for frame in sys._current_frames().values():
        frames = traceback.extract_stack(frame)
        names = [(f.filename, f.name) for f in frames]
        if (__file__, "call") in names:
            inside = names.index((__file__, "call")) + 1
            stacks.append("".join(traceback.format_list(frames[inside:])))
    return "\n".join(stacks).rstrip()


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
