# SPDX-License-Identifier: Apache-2.0
"""The points at which a hook is killed, and the kill.

All that a dead process leaves is on the share, so each state of the share's
directory that the hook brings about is a point, but for most of those of a
loop that copies.  It is looked at after each
line of the driver's own code, and before each event of Python's audit that
changes something: a hook on ``open`` alone is called before the file is
truncated, and never sees it empty.

What the files hold tells states apart.  Inodes are used again and times tick
in milliseconds, so by them alone some states would be missed some times.
"""

from __future__ import annotations

import linecache
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from types import CodeType
from types import FrameType
from types import ModuleType
from typing import Any

from conformance import storage

SIDE_EFFECTS = frozenset(
    {
        "os.chmod",
        "os.chown",
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
        "subprocess.Popen",
    }
)
"""Audit events that come before something on the share is changed."""

_BESIDE = (pathlib, shutil, tempfile)
"""Modules of Python's that are traced as well: each opens and writes."""

_TICK = 20_000_000
"""Nanoseconds in which a file may be changed twice at the same time."""

_KITS = frozenset({"assisted_kit", "builtins", "conformance"})
"""Packages that a driver may have base classes of, and is not in."""

MOST = 4
"""Points at one line that writes to the same files: the first of a loop's."""

Tracer = Callable[[FrameType, str, Any], Any]

Stat = tuple[int, int, int, int]
"""Inode, size in bytes, time of the last change in ns, and mode."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where a hook was killed."""

    number: int
    """Among the states that it brings about, from 1."""
    line: str
    """The line of the driver's that is being executed."""
    state: str
    """How the share differs from before the call."""

    def __str__(self) -> str:
        return f"point {self.number}, at {self.line}\n  {self.state}"


def fingerprint(share: Path) -> dict[str, Stat]:
    """Every file below a directory, with what tells that it was changed."""
    return dict(_entries(str(share), ""))


def _entries(directory: str, prefix: str) -> Iterator[tuple[str, Stat]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
                is_directory = entry.is_dir(follow_symlinks=False)
            except FileNotFoundError:
                # A command is at work, and has just removed it.
                continue
            name = prefix + entry.name
            if is_directory:
                # Its own times tell no more than the names in it do.
                yield f"{name}/", (found.st_ino, 0, 0, found.st_mode)
                yield from _entries(entry.path, f"{name}/")
            else:
                yield (
                    name,
                    (
                        found.st_ino,
                        found.st_size,
                        found.st_mtime_ns,
                        found.st_mode,
                    ),
                )


def changes(before: Mapping[str, Stat], after: Mapping[str, Stat]) -> str:
    """What is different on the share, in words."""
    said = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            said.append(f"{name} is gone")
        elif name not in before:
            said.append(f"{name} is new, {after[name][1]} bytes")
        elif before[name] != after[name]:
            replaced = before[name][0] != after[name][0]
            how = "was replaced" if replaced else "was written to"
            said.append(f"{name} {how}, {after[name][1]} bytes")
    return "; ".join(said)


class Contents:
    """What the files of a share hold, each read again when it may differ."""

    def __init__(self, share: Path) -> None:
        self._share = share
        self._known: dict[tuple[str, Stat], str] = {}

    def of(self, found: Mapping[str, Stat]) -> dict[str, object]:
        """The content of every file, as :func:`fingerprint` found them."""
        return {
            name: (stat[3], self._content(name, stat))
            for name, stat in found.items()
        }

    def _content(self, name: str, stat: Stat) -> str:
        if not S_ISREG(stat[3]):
            return ""
        known = self._known.get((name, stat))
        if known is not None:
            return known
        settled = time.time_ns() - stat[2] > _TICK
        try:
            content = storage.digest(self._share / name)
        except FileNotFoundError:
            # A command is at work, and has just removed it.
            return ""
        if settled:
            self._known[name, stat] = content
        return content


class Points:
    """Watches this process pass points, and kills it at one of them.

    :param driver: its code is what is traced.
    :param fatal: the number of the point at which to die.
    :param last_words: told of that point just before.
    """

    def __init__(
        self,
        driver: type[Any],
        share: Path,
        fatal: int,
        last_words: Callable[[Point], None],
    ) -> None:
        self._share = share
        self._fatal = fatal
        self._last_words = last_words
        self._own = tuple(_paths(_packages(driver)))
        self._beside = tuple(_paths(_BESIDE))
        self._tracers: dict[CodeType, Tracer | None] = {}
        self._before = self._last = fingerprint(share)
        self._contents = Contents(share)
        self._content = self._contents.of(self._before)
        self._seen = [self._content]
        self._times: Counter[tuple[object, object]] = Counter()
        self._number = 0
        self._line = ("", 0)
        self._looking = threading.Lock()

    def run(self, call: Callable[[], Any]) -> Any:
        """Call something, and die on the way unless it ends before.

        If it has changed nothing, its end is a point: what it returns may
        be lost.
        """
        sys.addaudithook(self._audited)
        threading.settrace(self._entered)
        sys.settrace(self._entered)
        try:
            return call()
        finally:
            sys.settrace(None)
            self._look()
            if not self._number:
                self._pass("nothing has changed, and its result is lost")

    def _entered(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code not in self._tracers:
            self._tracers[code] = self._tracer(code.co_filename)
        return self._tracers[code]

    def _tracer(self, file: str) -> Tracer | None:
        if file.startswith(self._own):
            return self._passed
        return self._passed_beside if file.startswith(self._beside) else None

    def _passed(self, frame: FrameType, event: str, argument: Any) -> Any:
        # A line is announced before it is executed.
        self._look()
        if event == "return" and frame.f_back is not None:
            # Back in the line that had called it.
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(self._own):
            self._line = frame.f_code.co_filename, frame.f_lineno
        return self._passed

    def _passed_beside(
        self, frame: FrameType, event: str, argument: Any
    ) -> Any:
        self._look()
        return self._passed_beside

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        # Of open it has the flags, which say whether that writes.
        if event in SIDE_EFFECTS or (
            event == "open" and (arguments[2] or 0) & os.O_ACCMODE
        ):
            self._look()

    def _look(self) -> None:
        if not self._looking.acquire(blocking=False):
            # Another thread of the driver's does.
            return
        try:
            self._last = fingerprint(self._share)
            was, self._content = self._content, self._contents.of(self._last)
            if self._content != was and self._content not in self._seen:
                self._seen.append(self._content)
                if self._is_news(was, self._content):
                    self._pass(changes(self._before, self._last))
        finally:
            self._looking.release()

    def _is_news(
        self, before: Mapping[str, object], after: Mapping[str, object]
    ) -> bool:
        """Whether it is not just the next turn of a loop that copies."""
        changed = {name for name, _ in before.items() ^ after.items()}
        where = self._line, frozenset(changed)
        self._times[where] += 1
        return self._times[where] <= MOST

    def _pass(self, state: str) -> None:
        self._number += 1
        if self._number == self._fatal:
            sys.settrace(None)
            self._last_words(Point(self._number, self._place(), state))
            # With the commands that it has started.
            os.killpg(0, signal.SIGKILL)

    def _place(self) -> str:
        file, number = self._line
        source = linecache.getline(file, number).strip()
        return f"{'/'.join(Path(file).parts[-2:])}:{number}: {source}"


def _packages(driver: type[Any]) -> list[ModuleType]:
    """Those that have a driver's code, that of its base classes included."""
    names = {cls.__module__.partition(".")[0] for cls in driver.__mro__}
    return [sys.modules[name] for name in sorted(names - _KITS)]


def _paths(modules: Iterable[ModuleType]) -> Iterator[str]:
    """What the names of the modules' files begin with."""
    for module in modules:
        packages = getattr(module, "__path__", None)
        if packages is None:
            yield str(module.__file__)
        else:
            yield from (os.path.join(path, "") for path in packages)
