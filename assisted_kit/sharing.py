# SPDX-License-Identifier: Apache-2.0
"""Who runs which test where several processes share the suite."""

from __future__ import annotations

import fcntl
import functools
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from assisted_kit.suite import SUITE

_LENGTHS = {
    "MachineTest": 47,
    "CrashAfterDeathTest": 8,
    "CrashTest": 8,
    "LeftAfterCrashTest": 8,
    "CommitCrashTest": 7,
    "CommitTest": 5,
    "DeepChainTest": 5,
    "ComputeDeathTest": 4,
    "DeletedVolumeTest": 4,
    "ChangingShareTest": 3,
    "LaterWritesTest": 3,
    "MixedTest": 3,
    "SeveralVolumesTest": 3,
}
"""Classes of tests that search or sweep, and how many times as long as most
others theirs take; on the reference driver, whose times are much like those
of others."""

_BYTES = 8


def length(item: pytest.Item) -> int:
    """How long a test takes, in units of what most take."""
    cls = getattr(item, "cls", None)
    # Whoever else has a class of such a name has tests of his own.
    if cls is None or cls.__module__.partition(".")[0] != SUITE:
        return 1
    return _LENGTHS.get(cls.__name__, 1)


def in_order(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Tests in the order in which several processes take them.

    The longest come first, so that none of them is the last that everyone
    waits for; otherwise the order is what it was.
    """
    return sorted(items, key=length, reverse=True)


class Turns:
    """Whose turn it is, for processes that take the same tests in turn.

    :param file: has how many were taken, and is theirs alone. A process that
        dies as it takes one gives its lock back.
    """

    def __init__(self, file: Path) -> None:
        self._path = file

    @functools.cached_property
    def _file(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)

    def take(self) -> int:
        """The number of the next test, from 0."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            taken = int.from_bytes(os.pread(self._file, _BYTES, 0), "big")
            os.pwrite(self._file, (taken + 1).to_bytes(_BYTES, "big"), 0)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        return taken
