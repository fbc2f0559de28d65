# SPDX-License-Identifier: Apache-2.0
"""A volume service and a compute service around the driver under test."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import fixtures
from oslo_context import context as oslo_context

from assisted_kit.clock import VirtualClock
from assisted_kit.db import migration
from assisted_kit.db.database import Database
from assisted_kit.db.engine import create_engine
from assisted_kit.image import Image
from assisted_kit.manager import VolumeManager
from assisted_kit.notifier import LocalNotifier
from assisted_kit.process import execute
from assisted_kit.status_api import StatusApi
from assisted_kit.subject import Subject
from assisted_kit.timeouts import Timeouts
from conformance.observed import Journal
from conformance.observed import observed_execute
from conformance.observed import ObservedDriver
from conformance.work_directory import WorkDirectory
from fakes.compute import FakeNova
from fakes.compute import FaultPlan
from fakes.compute import Generation
from fakes.compute.history import Call

PATIENCE = 120.0
"""Seconds until a hook that does not return is given up."""


class Deployment(fixtures.Fixture):
    """Everything around one driver instance, for one test.

    Time is virtual: deadlines pass when a test says so.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        base_format: str = "raw",
        generation: Generation = Generation.DUAL,
    ) -> None:
        self.subject = subject
        self.base_format = base_format
        self._generation = generation

    def _setUp(self) -> None:
        self.useFixture(
            fixtures.FakeLogger(
                level=logging.WARNING, nuke_handlers=True, name=""
            )
        )
        self.share = self.useFixture(WorkDirectory(self.subject)).path
        self.journal = Journal()
        self.clock = VirtualClock()
        self.faults = FaultPlan()
        self.notifier = LocalNotifier()
        self.database = Database(self._engine(), self.clock)
        self.addCleanup(self.database.close)
        self.context = oslo_context.RequestContext(
            is_admin=True, overwrite=False
        )
        self.status_api = StatusApi(self.database, self.notifier)
        self.nova = FakeNova(
            self.database,
            self.status_api,
            self.notifier,
            self._locate,
            generation=self._generation,
            faults=self.faults,
            context=self.context,
        )
        self.addCleanup(self.nova.close)
        self.driver = self.new_driver()
        self.manager = VolumeManager(
            self.driver,
            self.database,
            self.nova,
            self.notifier,
            context=self.context,
        )
        self.addCleanup(self.manager.stop)

    def new_driver(self) -> ObservedDriver:
        """Another instance of the driver on the same share."""
        return ObservedDriver(self._construct(), self.journal, self._construct)

    def _construct(self) -> Any:
        return self.subject.adapter.construct(
            self.share,
            base_format=self.base_format,
            execute=observed_execute(execute, self.journal),
        )

    def settle(self) -> bool:
        """Wait until neither the driver nor Nova is at work any more.

        Snapshots whose report does not come stay in flight.

        :returns: false when a hook did not return in :data:`PATIENCE`.
        """
        # The manager asks Nova, Nova reports, the manager completes, and
        # Nova reads the connection information again.
        return all(
            party.join(PATIENCE) for party in (self.manager, self.nova) * 2
        )

    def let_deadline_pass(self) -> None:
        """Have so much time pass that nobody waits for a report any more."""
        self.clock.advance(Timeouts().delete + 1)
        self.settle()

    def nova_calls(self, snapshot_id: str) -> list[str]:
        """What the compute service was asked to do with a snapshot."""
        return [
            str(entry)
            for entry in self.nova.history
            if isinstance(entry, Call) and entry.snapshot_id == snapshot_id
        ]

    def image(self, connection_info: Any) -> Image:
        """The image that flat connection information names."""
        return self._locate(connection_info)

    def _locate(self, connection_info: Any) -> Image:
        return self.subject.adapter.image(self.share, connection_info)

    def _engine(self) -> Any:
        connection = self.subject.database
        if connection is None:
            directory = self.useFixture(fixtures.TempDir()).path
            connection = f"sqlite:///{Path(directory) / 'cinder.sqlite'}"
        engine = create_engine(connection)
        migration.upgrade(engine)
        return engine
