# SPDX-License-Identifier: Apache-2.0
"""A share, a database and a Nova that live through an upgrade and back.

Guests run on while the volume service is exchanged under them; whoever
serves at the time answers Nova.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from pathlib import Path

import fixtures
from cinder_death import DriversTime
from cinder_nfs import start_afresh
from cinder_service import CinderService
from cinder_service import HOST
from upgraded_service import UpgradedService

from assisted_kit.cinder.nfs import NfsAdapter
from assisted_kit.cinder.quobyte import QuobyteAdapter
from assisted_kit.cinder.vzstorage import VZStorageAdapter
from assisted_kit.db import engine as db_engine
from assisted_kit.db import migration
from assisted_kit.notifier import LocalNotifier
from conformance.observed import KeptLog
from fakes.compute import FakeNova
from fakes.compute import FaultPlan
from fakes.compute import Generation
from reference_driver.blocking import BlockingNfsDriver

ADAPTERS = {
    "blocking": lambda: NfsAdapter(BlockingNfsDriver),
    "nfs": NfsAdapter,
    "quobyte": QuobyteAdapter,
    "vzstorage": VZStorageAdapter,
}

WAITING = (
    "assisted_kit.cinder.blocking.driver.time",
    "cinder.volume.drivers.remotefs.time",
)
"""What drivers wait for Nova by."""


class CinderCloud:
    """Begins with a Cinder 29, whose database has no row in it.

    :param database: its URL.
    :param driver: ``nfs``, ``quobyte`` or ``vzstorage``, or ``blocking`` for
        one that is written for the hooks.
    """

    def __init__(
        self,
        database: str,
        stack: contextlib.ExitStack,
        *,
        driver: str = "nfs",
        base_format: str = "raw",
    ) -> None:
        start_afresh(database)
        self.url = database
        self.base_format = base_format
        self.adapter = ADAPTERS[driver]()
        self.share = Path(
            stack.enter_context(tempfile.TemporaryDirectory())
        ).resolve()
        self.faults = FaultPlan()
        self.notifier = LocalNotifier()
        self.log = KeptLog()
        stack.enter_context(
            fixtures.LogHandler(self.log, name="", level=logging.WARNING)
        )
        # Nova is the one of today before and after the upgrade.
        self.nova = FakeNova(
            self,
            self,
            self.notifier,
            lambda info: self.adapter.image(self.share, info),
            generation=Generation.JUNO,
            faults=self.faults,
        )
        stack.callback(self.nova.close)
        self.time = DriversTime(self.nova)
        for name in WAITING:
            stack.enter_context(fixtures.MonkeyPatch(name, self.time))
        self.serving = self._cinder()
        stack.callback(lambda: self.serving.close())

    # -- what Nova is given, whoever serves

    @property
    def references(self):
        """Volumes and snapshots by their ids."""
        return self.serving.references

    @property
    def snapshots(self):
        """Snapshots, as Nova asks for their status."""
        return self.serving.snapshots

    def update_snapshot_status(self, context, snapshot_id, body):
        """Take a report."""
        return self.serving.update_snapshot_status(context, snapshot_id, body)

    def attach(self, volume_id, **how):
        """Attach a volume; returns the attachment."""
        return self.serving.attach(volume_id, **how)

    def detach(self, volume_id, attachment):
        """Detach a volume."""
        self.serving.detach(volume_id, attachment)

    # -- changing hands

    def upgrade(self) -> UpgradedService:
        """Go on with the kit's manager and the reference driver."""
        self.serving.close()
        self.serving = UpgradedService(
            self.url,
            self.share,
            self.nova,
            self.notifier,
            host=HOST,
            export=self.adapter.share_name,
            base_format=self.base_format,
        )
        return self.serving

    def hand_back(self) -> CinderService:
        """Go on with Cinder's driver; the kit's tables are left there."""
        self.serving.close()
        self.serving = self._cinder()
        return self.serving

    def downgrade(self) -> CinderService:
        """Take the kit's tables away, and go on with Cinder's driver.

        :raises MigrationRefused: a snapshot is in flight.
        """
        engine = db_engine.create_engine(self.url)
        try:
            migration.downgrade(engine, migration.CINDER_TABLES)
        finally:
            engine.dispose()
        return self.hand_back()

    def _cinder(self) -> CinderService:
        driver = self.adapter.construct(
            self.share, base_format=self.base_format
        )
        return CinderService(driver, self.nova)

    def story(self) -> list[str]:
        """What Nova did, what was logged, and what is on the share."""
        return [
            str(self.nova.history),
            b"".join(self.log.as_bytes()).decode(),
            *sorted(path.name for path in self.share.iterdir()),
        ]
