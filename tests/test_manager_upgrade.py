# SPDX-License-Identifier: Apache-2.0
"""What Cinder had in flight when the database was upgraded.

Its rows have no phase, no number of an attempt and no claim.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from scripted import CONNECT
from scripted import Deployment
from scripted import ManagerTestCase
from scripted import PlainDriver

from assisted_kit.db import rows


def as_cinder_left_it(kit: Deployment) -> None:
    """Take everything away that the kit has stored, but for the rows."""
    with kit.database.engine.begin() as connection:
        for table in (rows.SNAPSHOT_ADMIN_METADATA, rows.CLAIMS):
            connection.execute(sa.delete(table))


class UpgradeTest(ManagerTestCase):
    def test_create_has_failed(self) -> None:
        snapshot_id = self.kit.create(self.kit.volume(attached=True))
        as_cinder_left_it(self.kit)
        hooks = self.driver.hooks
        self.kit.restart()
        self.assertEqual("error", self.kit.status(snapshot_id))
        self.assertEqual(hooks, self.driver.hooks)
        self.assertEqual({}, self.kit.claims())

    def test_delete_has_failed(self) -> None:
        snapshot_id = self.kit.available(self.kit.volume(attached=True))
        self.kit.delete(snapshot_id)
        as_cinder_left_it(self.kit)
        self.kit.restart()
        self.assertEqual("error_deleting", self.kit.status(snapshot_id))
        self.kit.delete(snapshot_id, force=True)
        self.assertEqual("compute", self.kit.phase(snapshot_id))

    def test_driver_names_the_image_knowing_of_the_doubt(self) -> None:
        volume_id = self.kit.volume(attached=True)
        snapshot_id = self.kit.create(volume_id)
        as_cinder_left_it(self.kit)
        known: list[Any] = []

        def connect(volume: Any, *_others: Any) -> Any:
            (snapshot,) = volume.snapshots
            known.append(
                (
                    snapshot.status,
                    snapshot.snapshot_admin_metadata["manager:compute_call"],
                )
            )
            return {"driver_volume_type": "nfs", "data": {"name": "overlay"}}

        self.driver.on[CONNECT] = connect
        self.kit.restart()
        self.assertEqual([("creating", "unknown")], known)
        (info,) = self.kit.connection_info(volume_id)
        self.assertEqual("overlay", info["name"])
        self.assertEqual("error", self.kit.status(snapshot_id))


class LegacyDriver(PlainDriver):
    """Makes the overlay anew whenever it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.creates = 0

    def create_snapshot(self, snapshot: Any) -> None:
        self.creates += 1


class LegacyUpgradeTest(ManagerTestCase):
    def test_legacy_driver_is_not_called_for_it_again(self) -> None:
        driver = LegacyDriver()
        kit = self.useFixture(Deployment(driver))
        snapshot_id = kit.create(kit.volume(attached=True))
        with kit.database.engine.begin() as connection:
            connection.execute(
                sa.update(rows.SNAPSHOTS).values(status="creating")
            )
        as_cinder_left_it(kit)
        kit.restart()
        self.assertEqual("error", kit.status(snapshot_id))
        self.assertEqual(1, driver.creates)
