# SPDX-License-Identifier: Apache-2.0
"""Python's audit events on the threads of a driver.

They come whatever library a driver uses, and cannot be got around by names
that a module has imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

from conformance.watch import calls
from conformance.watch.calls import DriverCall

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND


def opens_for_writing(arguments: tuple[Any, ...]) -> bool:
    """Whether an ``open`` of a path, not of a descriptor, may write."""
    path, _, flags = arguments
    return not isinstance(path, int) and bool((flags or 0) & _WRITING)


Listener = Callable[[DriverCall, tuple[Any, ...]], None]


class AuditHook:
    """The one audit hook of this process, which Python never removes."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = {}
        self._installed = False

    @contextmanager
    def listening(self, listeners: Mapping[str, Listener]) -> Iterator[None]:
        """Call the listeners for what drivers do meanwhile."""
        if not self._installed:
            self._installed = True
            sys.addaudithook(self._hear)
        for event, listener in listeners.items():
            self._listeners.setdefault(event, []).append(listener)
        try:
            yield
        finally:
            for event, listener in listeners.items():
                self._listeners[event].remove(listener)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        # Called for every import and attribute that Python audits.
        listeners = self._listeners.get(event)
        if not listeners:
            return
        call = calls.current()
        if call is None:
            return
        if not (event == "open" and isinstance(arguments[0], int)):
            # Out of what the driver does just now, which is the purpose;
            # but Popen would not close its pipes.
            call.check()
        try:
            with calls.aside():
                for listener in list(listeners):
                    listener(call, arguments)
        except Exception as error:
            # It would come out of what the driver does just now.
            call.book.troubles.append(error)


AUDIT_HOOK = AuditHook()
"""The process' own: an audit hook cannot be taken out again."""
