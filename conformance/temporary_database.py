# SPDX-License-Identifier: Apache-2.0
"""A database for one test, which takes no longer than it must.

Each is a copy of one that was migrated, since a migration takes as long as
a short test does.  It dies with its test, so it does not wait for the disk.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import fixtures
import sqlalchemy as sa

from assisted_kit.db import migration
from assisted_kit.db.engine import create_engine


class TemporaryDatabase(fixtures.Fixture):
    """A new database, its schema up to date; ``engine`` leads to it."""

    def _setUp(self) -> None:
        file = Path(self.useFixture(fixtures.TempDir()).path, "cinder.sqlite")
        file.write_bytes(_migrated())
        self.engine = create_engine(f"sqlite:///{file}", durable=False)
        self.engine.update_execution_options(compiled_cache=_COMPILED)
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


class _Compiled(dict[Any, Any]):
    """Compiled statements, whichever of these databases they were for.

    All engines here are made alike, so the one thing in a statement's key
    that differs between them says nothing about it.
    """

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_without_dialect(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_without_dialect(key), value)


def _without_dialect(key: tuple[Any, ...]) -> tuple[Any, ...]:
    # It is the first part, and asked for with each statement.
    return key[1:] if isinstance(key[0], sa.Dialect) else key


_COMPILED = _Compiled()
