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

from assisted_kit.db import migration
from assisted_kit.db.engine import create_engine


def open_in(directory: Path) -> Any:
    """The engine of a new database, its schema up to date."""
    file = directory / "cinder.sqlite"
    file.write_bytes(_migrated())
    return create_engine(f"sqlite:///{file}", durable=False)


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
