# SPDX-License-Identifier: Apache-2.0
"""Cinder's drivers as the tests have them, in a process of Cinder's.

This module imports Cinder, so it belongs into a process of its own
(`cinder_process`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import sqlalchemy as sa
from cinder import objects
from cinder.db import api as db_api

from assisted_kit.cinder import service
from assisted_kit.cinder.service import admin_context as admin_context
from conformance import named_database


def set_up(directory: Path) -> str:
    """Make this process one that Cinder's drivers run in.

    :returns: the URL of a database of Cinder's.
    """
    url = service.set_up(directory)
    file = _file_of(url)
    # As Cinder's migrations made it, for :func:`start_afresh`.
    shutil.copyfile(file, _as_migrated(file))
    return url


def start_afresh(url: str) -> None:
    """Make the database again what Cinder's migrations made it."""
    file = _file_of(url)
    db_api.get_engine().dispose()
    for suffix in ("", "-wal", "-shm"):
        file.with_name(f"{file.name}{suffix}").unlink(missing_ok=True)
    shutil.copyfile(_as_migrated(file), file)
    # The kit's own tables are gone with the old file.
    named_database.forget_migrations()


def _file_of(url: str) -> Path:
    return Path(sa.make_url(url).database)


def _as_migrated(file: Path) -> Path:
    return file.with_name("cinder-29.db")


def snapshot_of_cinders(snapshot_id):
    """A snapshot as Cinder itself has it."""
    return objects.Snapshot.get_by_id(admin_context(), snapshot_id)
