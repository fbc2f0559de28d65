# SPDX-License-Identifier: Apache-2.0
"""A database for one test, which takes no longer than it must.

Each is a copy of one that was migrated, since a migration takes as long as
a short test does.  It dies with its test, so it does not wait for the disk.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import fixtures

from assisted_kit.db import migration
from assisted_kit.db.engine import create_engine


class TemporaryDatabase(fixtures.Fixture):
    """A new database, its schema up to date; ``engine`` leads to it."""

    def _setUp(self) -> None:
        file = Path(self.useFixture(fixtures.TempDir()).path, "cinder.sqlite")
        file.write_bytes(_migrated())
        self.engine = create_engine(f"sqlite:///{file}", durable=False)
        self.addCleanup(self.engine.dispose)


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
