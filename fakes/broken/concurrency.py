# SPDX-License-Identifier: Apache-2.0
"""Defects that show when several volumes are worked on at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fakes.broken.registry import BrokenDriver
from fakes.good.extents import ExtentAdapter
from fakes.good.extents import ExtentDriver
from fakes.good.pool import Pool


class _LooseLock(Pool):
    """Gives the lock back before it does what it took it for."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        with super().locked():
            pass
        yield


class LockReleasedEarlyDriver(ExtentDriver):
    """Reads and writes what all volumes share, and others in between."""

    def __init__(self, configuration: Any) -> None:
        super().__init__(configuration)
        self._pool = _LooseLock(self._share)


class LockReleasedEarly(ExtentAdapter):
    """Constructs the driver."""

    driver_class = LockReleasedEarlyDriver


BROKEN = (
    BrokenDriver(
        LockReleasedEarly,
        ("CCY-001",),
        ("commit 792da5dbb", "bug 1251425"),
    ),
)
