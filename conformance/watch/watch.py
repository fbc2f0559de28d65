# SPDX-License-Identifier: Apache-2.0
"""The watch over one driver, from its constructor to the end of a test."""

from __future__ import annotations

import _thread
import http.client
import logging
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import fixtures
import sqlalchemy
from sqlalchemy import event

from assisted_kit.refs import Ref
from conformance.timeline import Moment
from conformance.timeline import Side
from conformance.watch import calls
from conformance.watch import compute
from conformance.watch import database
from conformance.watch import main_thread
from conformance.watch import waiting
from conformance.watch.audit import AUDIT_HOOK
from conformance.watch.calls import CallBook
from conformance.watch.calls import DriverCall
from conformance.watch.calls import Sighting
from conformance.watch.calls import Sort
from conformance.watch.commands import Command
from conformance.watch.commands import Commands
from conformance.watch.files import FileOperations
from conformance.watch.live_images import LiveImages
from conformance.watch.log import DriverLog
from conformance.watch.log import Logged
from fakes.compute import FakeNova


class Watch(fixtures.Fixture):
    """Sees what a driver does, on whatever thread it does it.

    :param driver_class: the packages of its module, and of those of its
        base classes, are the driver's code.
    :param held: the paths of the images that the guest of a volume has
        open, by the volume's id.
    """

    def __init__(
        self,
        driver_class: type[Any],
        held: Callable[[str], Iterable[Path]],
    ) -> None:
        self._driver_class = driver_class
        self._modules: set[str] = set()
        self._told_of: list[Moment] = []
        self._book = CallBook()
        self._commands = Commands()
        self._log = DriverLog()
        self._files = FileOperations()
        self._images = LiveImages(held, self._commands.all)
        self._sleep, self._connect = time.sleep, sqlite3.connect

    def _setUp(self) -> None:
        self.addCleanup(self._commands.close)
        for sees in (self._commands, self._images, self._files):
            listening = AUDIT_HOOK.listening(sees.listeners)
            listening.__enter__()
            self.addCleanup(listening.__exit__, None, None, None)
        executed = (
            sqlalchemy.Engine,
            "before_cursor_execute",
            database.before_cursor_execute,
        )
        event.listen(*executed)
        self.addCleanup(event.remove, *executed)
        for owner, name, watched in self._patches():
            self._patch(owner, name, watched)
        self.drives(self._driver_class)

    def drives(self, driver_class: type[Any]) -> None:
        """This is a class of the driver's; an adapter may have others.

        What its modules have imported by name is watched there as well.
        """
        modules = {c.__module__ for c in driver_class.__mro__} - self._modules
        modules -= {object.__module__}
        self._modules |= modules
        for module in filter(None, map(sys.modules.get, sorted(modules))):
            for name, value in list(vars(module).items()):
                if value is self._sleep:
                    self._patch(module, name, waiting.sleeping)
                elif value is self._connect:
                    self._patch(module, name, database.connecting)

    def _patches(
        self,
    ) -> Iterator[tuple[Any, str, Callable[[Any], Callable[..., Any]]]]:
        """What is watched where no audit event tells enough."""
        commands, log = self._commands, self._log
        yield subprocess.Popen, "__init__", commands.init
        yield subprocess.Popen, "poll", commands.ends
        yield subprocess.Popen, "wait", commands.ends
        yield subprocess.Popen, "communicate", commands.communicate
        yield os, "system", commands.system
        yield threading.Thread, "start", calls.starting
        yield _thread, "start_new_thread", calls.inheriting
        yield logging.Logger, "isEnabledFor", log.is_enabled_for
        yield logging.Logger, "handle", log.handle
        yield http.client.HTTPConnection, "putrequest", compute.putting_request
        yield socket.socket, "sendall", compute.sending
        yield socket.socket, "send", compute.sending
        session = sys.modules.get("keystoneauth1.session")
        if session is not None:
            yield session.Session, "request", compute.session_request
        for name in ("create_volume_snapshot", "delete_volume_snapshot"):
            yield FakeNova, name, compute.handle
        yield Ref, "save", database.saving
        yield Ref, "refresh", waiting.reading_again
        yield time, "sleep", waiting.sleeping
        yield sqlite3, "connect", database.connecting
        yield sqlite3.dbapi2, "connect", database.connecting

    def _patch(
        self,
        owner: Any,
        name: str,
        watched: Callable[[Any], Callable[..., Any]],
    ) -> None:
        original = getattr(owner, name)
        setattr(owner, name, watched(original))
        self.addCleanup(setattr, owner, name, original)

    # -- calling the driver

    @contextmanager
    def call(
        self,
        name: str,
        *,
        volume_id: str | None = None,
        snapshot_id: str | None = None,
    ) -> Iterator[DriverCall]:
        """This thread is in a method of the driver's meanwhile."""
        call = DriverCall(
            name,
            self._book,
            modules=self._modules,
            volume_id=volume_id,
            snapshot_id=snapshot_id,
        )
        images = self._images.watched(call) if call.is_hook else nullcontext()
        with images, self._book.call(call):
            if snapshot_id is not None:
                # It is in the journal, with what it returned.
                yield call
                return
            with self._told(call):
                yield call

    @contextmanager
    def _told(self, call: DriverCall) -> Iterator[None]:
        """Take down when an ordinary method is called, and how it ends."""
        of = f"{call}({call.volume_id or ''})"
        self._say(f"{of} is called")
        try:
            yield
        except BaseException as error:
            self._say(f"{of} raised {type(error).__name__}: {error}")
            raise
        self._say(f"{of} returned")

    def _say(self, what: str) -> None:
        self._told_of.append(Moment(time.perf_counter(), Side.HOOK, what))

    def give_up(self) -> None:
        """End the calls under way, as far as they can be ended.

        Their commands are killed; what they start, open or sleep from then
        on raises, and so does whatever the main thread waits for.  Another
        thread that does nothing of that goes on.
        """
        for call in self.under_way:
            call.is_given_up = True
            self._commands.kill(call)
            main_thread.interrupt(call)

    # -- what was seen

    def sightings(self, sort: Sort) -> list[Sighting]:
        """What hooks were seen to do of one sort.

        :raises Exception: what went wrong in the watching itself.
        """
        if self._book.troubles:
            raise self._book.troubles[0]
        return self._book.sightings(sort)

    def commands(self, snapshot_id: str | None = None) -> list[Command]:
        """The processes started, for one snapshot or for anything."""
        return [
            command
            for command in self._commands.all()
            if snapshot_id in (None, command.call.snapshot_id)
        ]

    @property
    def is_command_running(self) -> bool:
        """Whether a process that the driver waits for has not ended."""
        return bool(self._commands.running())

    def running(self, call: DriverCall) -> list[Command]:
        """The processes that a call has started and that have not ended."""
        return [c for c in self._commands.running() if c.call is call]

    def log(self, snapshot_id: str | None = None) -> list[Logged]:
        """What was logged, for one snapshot or for anything."""
        return [
            record
            for record in self._log.records
            if snapshot_id in (None, record.call.snapshot_id)
        ]

    def moments(self) -> Iterator[Moment]:
        """What was seen of ordinary methods, files, commands and the log, in
        no order."""
        yield from [*self._told_of]
        for operation in self._files.all:
            yield Moment(operation.when, Side.FILE, str(operation))
        for command in self.commands():
            yield Moment(command.started, Side.COMMAND, f"{command.line} ...")
            if command.ended is not None:
                yield Moment(
                    command.ended,
                    Side.COMMAND,
                    f"... {command.words[0]} -> {command.outcome}",
                )
        for record in self.log():
            yield Moment(record.when, Side.LOG, str(record))

    @property
    def under_way(self) -> list[DriverCall]:
        """The calls that have not returned, the oldest first."""
        return self._book.under_way
