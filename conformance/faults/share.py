# SPDX-License-Identifier: Apache-2.0
"""A share that fails at one of the writes of an operation."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conformance.faults.private_mount import PrivateMount
from conformance.watch.audit import AUDIT_HOOK
from conformance.watch.audit import Listener
from conformance.watch.calls import DriverCall

_CHANGES = (
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
)
"""Audit events that come before something on a share is changed."""


class FailingShare:
    """Counts what hooks are about to write to a share, and fails in time.

    A command that is started counts as one write.

    :param fail: what happens to the share.
    :param directory: where the share is.
    :param write: the number of the write before which it happens, the
        first one being 1; at 0 it never does.
    """

    def __init__(
        self,
        mount: PrivateMount,
        fail: Callable[[], None],
        directory: Path,
        write: int,
    ) -> None:
        self._mount = mount
        self._fail = fail
        self._directory = directory
        self._write_that_fails = write
        self.writes = 0
        """How many there have been."""

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Have it fail during the body, and be mended afterwards."""
        listeners: dict[str, Listener] = dict.fromkeys(_CHANGES, self._changed)
        listeners["open"] = self._opened
        listeners["subprocess.Popen"] = self._writes
        try:
            with AUDIT_HOOK.listening(listeners):
                yield
        finally:
            self._mount.mend()

    def _opened(self, call: DriverCall, arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if (flags or 0) & os.O_ACCMODE and self._has(path):
            self._writes(call, arguments)

    def _changed(self, call: DriverCall, arguments: tuple[Any, ...]) -> None:
        # To remove what is not there is no write.
        if self._has(arguments[0]) and os.path.lexists(arguments[0]):
            self._writes(call, arguments)

    def _has(self, path: object) -> bool:
        # A relative path or a descriptor may be of a file there.
        return not (
            isinstance(path, str | bytes | os.PathLike)
            and os.path.isabs(path)
            and self._directory not in Path(os.fsdecode(path)).parents
        )

    def _writes(self, call: DriverCall, arguments: tuple[Any, ...]) -> None:
        if call.is_hook:
            self.writes += 1
            if self.writes == self._write_that_fails:
                self._fail()
