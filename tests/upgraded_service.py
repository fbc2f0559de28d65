# SPDX-License-Identifier: Apache-2.0
"""The service after the upgrade: the kit's manager with the reference driver.

On the database and the share that a Cinder 29 has left behind.
"""

from __future__ import annotations

from assisted_kit.adapter import DriverAdapter
from assisted_kit.clock import VirtualClock
from assisted_kit.db import migration
from assisted_kit.db.database import Database
from assisted_kit.db.engine import create_engine
from assisted_kit.manager import VolumeManager
from assisted_kit.process import execute
from assisted_kit.status_api import StatusApi
from assisted_kit.timeouts import Timeouts
from reference_driver.driver import RemoteFSAssistedDriver

PATIENCE = 60.0
"""Seconds until a manager or a Nova that is at work is given up."""


class UpgradedService:
    """Upgrades the database, starts, and carries on what is in flight.

    :param export: what volumes have as their ``provider_location``.
    :param recover: as a service that starts does.
    """

    def __init__(
        self,
        url: str,
        share,
        nova,
        notifier,
        *,
        host: str,
        export: str,
        base_format: str,
        recover: bool = True,
    ) -> None:
        engine = create_engine(url)
        migration.upgrade(engine)
        self.clock = VirtualClock()
        self.database = Database(engine, self.clock)
        self.driver = DriverAdapter(
            RemoteFSAssistedDriver, {"export": export}
        ).construct(share, base_format=base_format, execute=execute)
        self._nova = nova
        self._notifier = notifier
        self.status_api = StatusApi(self.database, notifier)
        self.host = host
        self._start(recover)

    def _start(self, recover: bool) -> None:
        self.manager = VolumeManager(
            self.driver,
            self.database,
            self._nova,
            self._notifier,
            host=self.host,
        )
        if recover:
            self.manager.recover()
            self.settle()

    def close(self) -> None:
        """End the manager; what is in flight stays so."""
        self.settle()
        self.manager.stop()
        self.database.close()

    def settle(self) -> None:
        """Wait until neither the manager nor Nova is at work."""
        for party in (self.manager, self._nova) * 2:
            assert party.join(PATIENCE), f"{party} is busy"

    def let_deadline_pass(self) -> None:
        """Have so much time pass that no report is waited for any more."""
        self.clock.advance(Timeouts().delete + 1)
        self.settle()

    # -- what Nova reads and reports

    @property
    def references(self):
        """Volumes and snapshots by their ids."""
        return self.database.references

    @property
    def snapshots(self):
        """Snapshots, as Nova asks for their status."""
        return self.database.snapshots

    def update_snapshot_status(self, context, snapshot_id, body):
        """``os-update_snapshot_status`` with the contract's fields."""
        return self.status_api.update_snapshot_status(
            context, snapshot_id, body
        )

    # -- volumes

    def create_volume(self, **fields) -> str:
        """Create an empty volume of 1 GiB."""
        return self.manager.volumes.create(1, **fields).id

    def volume_from(self, snapshot_id: str) -> str:
        """Create a volume from a snapshot."""
        return self.manager.volumes.create_from_snapshot(snapshot_id).id

    def clone(self, volume_id: str) -> str:
        """Create a clone of a volume."""
        return self.manager.volumes.clone(volume_id).id

    def extend(self, volume_id: str, size: int) -> None:
        """Grow a volume to ``size`` GiB."""
        self.manager.volumes.extend(volume_id, size)

    def delete_volume(self, volume_id: str) -> None:
        """Delete a volume and its row."""
        self.manager.volumes.delete(volume_id)

    def volume(self, volume_id: str):
        """A volume as ordinary methods of the driver get it."""
        return self.manager.volumes.ref(volume_id)

    def connection(self, volume_id: str):
        """The driver's connection information, flat."""
        answer = self.driver.initialize_connection(
            self.volume(volume_id), {"host": "kit"}
        )
        return dict(answer["data"])

    def attach(self, volume_id: str, **how):
        """Attach a volume; returns the attachment."""
        return self.manager.volumes.attach(volume_id, **how)

    def detach(self, volume_id: str, attachment) -> None:
        """Detach a volume."""
        self.manager.volumes.detach(volume_id, attachment)

    # -- snapshots

    def accept_snapshot(self, volume_id: str) -> str:
        """Start taking a snapshot; returns its id."""
        return self.manager.create_snapshot(volume_id)

    def take_snapshot(self, snapshot_id: str) -> None:
        """Wait until a snapshot is taken."""
        self.settle()

    def delete_snapshot(self, snapshot_id: str, *, force=False) -> None:
        """Delete a snapshot and wait until that is over."""
        self.manager.delete_snapshot(snapshot_id, force=force)
        self.settle()

    def status(self, snapshot_id: str) -> str:
        """A snapshot's status; ``deleted`` when there is no row."""
        return str(self.database.snapshots.status(snapshot_id))

    def snapshot(self, snapshot_id: str):
        """A snapshot as a hook gets it."""
        return self.database.references.snapshot(snapshot_id)

    def formats(self, volume_id: str):
        """The formats that are recorded for a volume."""
        recorded = self.volume(volume_id).admin_metadata
        return {
            key: value for key, value in recorded.items() if "format" in key
        }
