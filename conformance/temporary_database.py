# SPDX-License-Identifier: Apache-2.0
"""A database for one test, which takes no longer than it must.

Each is a copy of one that was migrated, since a migration takes as long as
a short test does.  It dies with its test, so it does not wait for the disk.
Engines outlive it, as they keep the statements that they have compiled, which
takes a tenth of a short test's time: one that is free gets a new file.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

import fixtures
import sqlalchemy as sa

from assisted_kit.db import migration
from assisted_kit.db.engine import create_engine


class TemporaryDatabase(fixtures.Fixture):
    """A new database, its schema up to date; ``engine`` leads to it."""

    def _setUp(self) -> None:
        pid = os.getpid()
        free = _FREE.setdefault(pid, [])
        self.engine, file = free.pop() if free else _engine()
        # Whoever still has the former file open keeps it.
        for left in (file, *file.parent.glob(f"{file.name}-*")):
            left.unlink(missing_ok=True)
        file.write_bytes(_migrated())
        self.addCleanup(free.append, (self.engine, file))
        self.addCleanup(self.engine.dispose)


_FREE: dict[int, list[tuple[sa.Engine, Path]]] = {}
"""Engines that no test uses, of each process: a forked child has its own."""


def _engine() -> tuple[sa.Engine, Path]:
    directory = Path(tempfile.mkdtemp(prefix="assisted-kit-database-"))
    atexit.register(_remove, directory, os.getpid())
    file = directory / "cinder.sqlite"
    file.write_bytes(_migrated())
    return create_engine(f"sqlite:///{file}", durable=False), file


def _remove(directory: Path, pid: int) -> None:
    if os.getpid() == pid:
        shutil.rmtree(directory, ignore_errors=True)


@functools.cache
def _migrated() -> bytes:
    """The content of a database that was just migrated."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "cinder.sqlite")
        engine = create_engine(f"sqlite:///{file}")
        migration.upgrade(engine)
        # The last one to close it writes everything into the file itself.
        engine.dispose()
        return file.read_bytes()
