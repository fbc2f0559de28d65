# SPDX-License-Identifier: Apache-2.0
"""A volume service to measure: manager, status API, database on a file."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Self

from oslo_context import context as oslo_context

from assisted_kit.clock import VirtualClock
from assisted_kit.db import engine as engines
from assisted_kit.db import migration
from assisted_kit.db.database import Database
from assisted_kit.manager import VolumeManager
from assisted_kit.notifier import LocalNotifier
from assisted_kit.status_api import StatusApi

PATIENCE = 600.0
"""Seconds until a manager that still works counts as stuck."""


class Stuck(Exception):
    """The manager does not come to rest, or an operation failed."""


class AcceptingNova:
    """A compute service that accepts every request and never reports."""

    def create_volume_snapshot(
        self, context: Any, volume_id: str, create_info: Mapping[str, Any]
    ) -> None:
        """Accept it."""

    def delete_volume_snapshot(
        self, context: Any, snapshot_id: str, delete_info: Mapping[str, Any]
    ) -> None:
        """Accept it."""


class Service(contextlib.AbstractContextManager["Service"]):
    """What a volume service consists of, around a driver.

    The database is an SQLite file with the default synchronous setting;
    time is virtual, so that no deadline passes while something is measured.

    :param directory: the database is made in it.
    :param database: the URL of one that is there instead.
    :param compute: Nova; without it one that never reports.
    """

    def __init__(
        self,
        directory: Path,
        driver: Any,
        *,
        database: str = "",
        compute: Any = None,
    ) -> None:
        self.engine = engines.create_engine(
            database or f"sqlite:///{directory / 'cinder.db'}"
        )
        migration.upgrade(self.engine)
        self.clock = VirtualClock()
        self.database = Database(self.engine, self.clock)
        self.notifier = LocalNotifier()
        self.context = oslo_context.RequestContext(
            is_admin=True, overwrite=False
        )
        self.status_api = StatusApi(self.database, self.notifier)
        self.manager = VolumeManager(
            driver,
            self.database,
            compute or AcceptingNova(),
            self.notifier,
            context=self.context,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.manager.stop()
        self.database.close()

    def rest(self) -> None:
        """Wait until nothing works; snapshots may be waiting.

        :raises Stuck: it takes too long.
        """
        if not self.manager.join(PATIENCE):
            raise Stuck("the manager still works")

    def create(self, volume_id: str, expect: str = "available") -> str:
        """Take a snapshot.

        :raises Stuck: it ended in another status than ``expect``.
        """
        snapshot_id = self.manager.create_snapshot(volume_id)
        self.rest()
        status = self.database.snapshots.status(snapshot_id)
        if status != expect:
            raise Stuck(f"snapshot {snapshot_id} is {status}")
        return snapshot_id

    def delete(self, snapshot_id: str) -> None:
        """Delete a snapshot."""
        self.manager.delete_snapshot(snapshot_id)
        self.rest()

    def report_done(self, snapshot_id: str) -> None:
        """Report a create as the compute service does."""
        self.status_api.update_snapshot_status(
            self.context,
            snapshot_id,
            {
                "os-update_snapshot_status": {
                    "status": "creating",
                    "compute_snapshot_status": "creating_compute_complete",
                }
            },
        )
