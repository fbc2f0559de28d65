# SPDX-License-Identifier: Apache-2.0
"""A volume manager in a process of its own, on the same database.

It reads commands from standard input and says on standard output what comes
of them, one JSON list a line. Its hooks, like those of the test's own
manager, note in a file when they begin and end; a file that each may append
to shows whose came when.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import fixtures
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import DELETE_BEGIN
from scripted import DELETE_COMPLETE
from scripted import PATIENCE
from scripted import ScriptedDriver
from scripted import ScriptedNova

from assisted_kit.clock import SystemClock
from assisted_kit.db.database import Database
from assisted_kit.db.engine import create_engine
from assisted_kit.errors import AssistedKitError
from assisted_kit.manager import VolumeManager
from assisted_kit.notifier import LocalNotifier
from assisted_kit.notifier import Released

HOST = "other@kit"
HOOKS = (CREATE_BEGIN, CREATE_COMPLETE, DELETE_BEGIN, DELETE_COMPLETE)


def note_hooks(driver: ScriptedDriver, file: Path, name: str) -> None:
    """Have a driver's hooks of detached volumes note when they run."""

    def noting(ref: Any) -> None:
        for what in ("begins", "ends"):
            with file.open("a") as stream:
                # Short enough to be appended whole.
                stream.write(f"{ref.volume_id} {name} {what}\n")

    for hook in HOOKS:
        driver.on[hook] = noting


def overlaps(file: Path) -> list[str]:
    """Notes of a hook that began before another one of its volume ended."""
    open_: dict[str, str] = {}
    found = []
    for line in file.read_text().splitlines():
        volume_id, name, what = line.split()
        if what == "begins":
            if volume_id in open_:
                found.append(line)
            open_[volume_id] = name
        else:
            open_.pop(volume_id, None)
    return found


class OtherManager(fixtures.Fixture):
    """The process, as the test sees it.

    :param notifier: the test's; what is released here is heard there, and
        the other way round, as by a message between processes.
    """

    def __init__(self, url: str, notes: Path, notifier: LocalNotifier) -> None:
        self._arguments = (url, str(notes))
        self._notifier = notifier
        self._changed = threading.Condition()
        self._said: list[list[str]] = []
        self._ended = False
        self._writing = threading.Lock()

    def _setUp(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self.addCleanup(self._end)
        self.addCleanup(self._notifier.subscribe(self._forward))
        self.wait_for("ready")

    def tell(self, *words: str) -> None:
        """Give a command: ``create VOLUME``, ``delete SNAPSHOT``, ``hold``,
        ``go``, ``join`` or ``released VOLUME``."""
        with self._writing:
            assert self.process.stdin is not None
            self.process.stdin.write(f"{json.dumps(words)}\n")
            self.process.stdin.flush()

    def wait_for(self, word: str) -> list[str]:
        """The next line that begins with this word, taken off the list."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: self._ended or self._find(word), PATIENCE * 3
            ), f"{word} does not come: {self._said}"
            found = self._find(word)
            assert found is not None, f"it ended without {word}: {self._said}"
            self._said.remove(found)
            return found[1:]

    def kill(self) -> None:
        """Die at once, with whatever is under way."""
        self.process.kill()
        self._listener.join()

    def _find(self, word: str) -> list[str] | None:
        return next((line for line in self._said if line[0] == word), None)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            words = json.loads(line)
            if words[0] == "released":
                self._notifier.publish(FromOutside(words[1]))
                continue
            with self._changed:
                self._said.append(words)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _forward(self, notification: Any) -> None:
        if type(notification) is Released and self.process.poll() is None:
            self.tell("released", notification.volume_id)

    def _end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        self._listener.join()


class FromOutside(Released):
    """What the other process has released, which knows it already."""


def main(url: str, notes: str) -> None:
    writing = threading.Lock()

    def say(*words: str) -> None:
        with writing:
            sys.stdout.write(f"{json.dumps(words)}\n")
            sys.stdout.flush()

    def attempt(what: Any, *arguments: str) -> None:
        try:
            say("accepted", str(what(*arguments)))
        except AssistedKitError as error:
            say("refused", type(error).__name__)

    driver, notifier = ScriptedDriver(), LocalNotifier()
    note_hooks(driver, Path(notes), HOST)
    noting, go = driver.on[CREATE_BEGIN], threading.Event()

    def hold(ref: Any) -> None:
        say("held", ref.id)
        go.wait()
        noting(ref)

    def forward(notification: Any) -> None:
        if type(notification) is Released:
            say("released", notification.volume_id)

    database = Database(create_engine(url), SystemClock())
    manager = VolumeManager(
        driver, database, ScriptedNova(), notifier, host=HOST
    )
    notifier.subscribe(forward)
    say("ready")
    for line in sys.stdin:
        match json.loads(line):
            case ["create", volume_id]:
                attempt(manager.create_snapshot, volume_id)
            case ["delete", snapshot_id]:
                attempt(manager.delete_snapshot, snapshot_id)
            case ["hold"]:
                driver.on[CREATE_BEGIN] = hold
            case ["go"]:
                driver.on[CREATE_BEGIN] = noting
                go.set()
            case ["join"]:
                manager.join()
                say("idle")
            case ["released", volume_id]:
                notifier.publish(FromOutside(volume_id))
    go.set()
    manager.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
