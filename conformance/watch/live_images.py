# SPDX-License-Identifier: Apache-2.0
"""Images that a guest has open, and whether a hook touches them.

The kernel (inotify) tells of whatever process does it; that of a driver's
Python the audit events say the line.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conformance.watch import inotify
from conformance.watch.audit import Listener
from conformance.watch.audit import opens_for_writing
from conformance.watch.calls import DriverCall
from conformance.watch.calls import Sort
from conformance.watch.commands import Command

CHANGES: Mapping[int, str] = {
    0x2: "wrote to",
    0x8: "opened for writing",
    0x40: "renamed",
    0x80: "put another file in the place of",
    0x200: "removed",
}
"""inotify's events, in words."""


class LiveImages:
    """Watches the images that guests have open while a hook runs.

    :param held: the paths of the images that the guest of a volume has
        open at this moment.
    """

    def __init__(
        self,
        held: Callable[[str], Iterable[Path]],
        commands: Callable[[], list[Command]],
    ) -> None:
        self._held = held
        self._commands = commands
        self._opened: list[tuple[DriverCall, str, str]] = []

    @property
    def listeners(self) -> Mapping[str, Listener]:
        """What to listen to."""
        return {"open": self._open}

    def _open(self, call: DriverCall, arguments: tuple[Any, ...]) -> None:
        if call.is_hook and opens_for_writing(arguments):
            name = os.path.basename(os.fsdecode(arguments[0]))
            self._opened.append((call, name, call.where()))

    @contextmanager
    def watched(self, call: DriverCall) -> Iterator[None]:
        """While the hook ``call`` runs."""
        paths = frozenset(self._held(call.volume_id or ""))
        if not paths:
            yield
            return
        descriptor = inotify.watch(
            {path.parent for path in paths}, sum(CHANGES)
        )
        try:
            try:
                yield
            finally:
                self._judge(call, descriptor, paths)
        finally:
            os.close(descriptor)

    def _judge(
        self, call: DriverCall, descriptor: int, paths: frozenset[Path]
    ) -> None:
        changes: dict[str, list[str]] = {}
        for mask, name in inotify.events(descriptor):
            if mask & inotify.OVERFLOW:
                trouble = inotify.CannotWatch("inotify overflowed")
                call.book.troubles.append(trouble)
            if name in {path.name for path in paths}:
                said = changes.setdefault(name, [])
                words = [w for bit, w in CHANGES.items() if mask & bit]
                said += [word for word in words if word not in said]
        for name, words in changes.items():
            call.saw(
                Sort.LIVE_IMAGE,
                f"{' and '.join(words)} {name}, which the guest has open",
                self._blamed(call, name),
            )

    def _blamed(self, call: DriverCall, name: str) -> str:
        places = [w for c, n, w in self._opened if c is call and n == name]
        places += [
            f"{command.where} ({command})"
            for command in self._commands()
            if command.call is call and any(name in w for w in command.words)
        ]
        return places[0] if places else "a place that is not known"
