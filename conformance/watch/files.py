# SPDX-License-Identifier: Apache-2.0
"""The files that a driver makes, writes, renames and removes by itself.

What its commands do to files is in their argv.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.watch.audit import Listener
from conformance.watch.audit import opens_for_writing
from conformance.watch.calls import DriverCall

WORDS: Mapping[str, str] = {
    "os.chmod": "chmod {0} to {1:o}",
    "os.chown": "chown {0}",
    "os.link": "link {0} as {1}",
    "os.mkdir": "mkdir {0}",
    "os.remove": "remove {0}",
    "os.rename": "rename {0} to {1}",
    "os.rmdir": "rmdir {0}",
    "os.symlink": "link {1} symbolically to {0}",
    "os.truncate": "truncate {0} to {1} bytes",
}
"""Audit events, and how their arguments are said."""


@dataclass(frozen=True, slots=True)
class FileOperation:
    """A change of a file that a driver's Python code makes."""

    call: DriverCall
    when: float
    """Seconds of ``time.perf_counter``."""
    what: str

    def __str__(self) -> str:
        return f"{self.what} (in {self.call})"


class FileOperations:
    """Notes them, in order."""

    def __init__(self) -> None:
        self.all: list[FileOperation] = []

    @property
    def listeners(self) -> Mapping[str, Listener]:
        """What to listen to."""
        return {
            "open": self._open,
            **{
                event: functools.partial(self._other, words)
                for event, words in WORDS.items()
            },
        }

    def _open(self, call: DriverCall, arguments: tuple[Any, ...]) -> None:
        path = arguments[0]
        if opens_for_writing(arguments) and path != os.devnull:
            self._add(call, f"open {_shown(path)} for writing")

    def _other(
        self, words: str, call: DriverCall, arguments: tuple[Any, ...]
    ) -> None:
        path, *others = arguments
        if isinstance(path, int):
            path = os.readlink(f"/proc/self/fd/{path}")
        self._add(call, words.format(*map(_shown, [path, *others])))

    def _add(self, call: DriverCall, what: str) -> None:
        self.all.append(FileOperation(call, time.perf_counter(), what))


def _shown(argument: Any) -> Any:
    if isinstance(argument, (str, bytes, os.PathLike)):
        # A share's own path tells nothing that its files' names do not.
        return os.path.basename(os.fsdecode(argument))
    return argument
