# SPDX-License-Identifier: Apache-2.0
"""Operations that take snapshots on the way, with scripted drivers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from scripted import DatabaseTestCase
from scripted import Deployment
from scripted import PlainDriver
from scripted import ScriptedDriver

from assisted_kit.db import rows


class OptionalMethods:
    """What a driver may have beside the rest."""

    wants_backup_snapshot = True

    def revert_to_snapshot(self, context, volume, snapshot):
        self.play("revert_to_snapshot", snapshot, default=None)

    def snapshot_revert_use_temp_snapshot(self):
        return self.wants_backup_snapshot

    def copy_volume_to_image(self, context, volume, image_service, meta):
        self.play(
            "copy_volume_to_image", volume, image_service, meta, default=None
        )


class CapableDriver(OptionalMethods, ScriptedDriver):
    """With the hooks and the optional methods."""


class CapableLegacyDriver(OptionalMethods, PlainDriver):
    """Without the hooks."""

    supports_assisted_snapshots = False

    def create_snapshot(self, snapshot):
        return self.play("create_snapshot", snapshot, default=None)

    def delete_snapshot(self, snapshot):
        self.play("delete_snapshot", snapshot, default=None)


class CallerTestCase(DatabaseTestCase):
    """A manager whose Nova reports done as soon as it is asked."""

    driver_class: type[PlainDriver] = CapableDriver

    def setUp(self) -> None:
        super().setUp()
        self.driver: Any = self.driver_class()
        self.kit = self.useFixture(Deployment(self.driver))
        self.nova = self.kit.nova
        self.nova.answer = self.report_done
        self.manager = self.kit.manager

    def report_done(self, info) -> None:
        operation = "creating" if "new_file" in info else "deleting"
        file = info.get("new_file") or info["file_to_merge"]
        snapshot_id = file.rpartition(".")[2]
        self.kit.send(snapshot_id, status=operation, progress="90%")

    def volume_status(self, volume_id: str) -> str:
        return self.manager.volumes.ref(volume_id).status

    def snapshots_of(self, volume_id: str) -> list[Any]:
        return list(self.manager.volumes.ref(volume_id).snapshots)

    def volumes(self) -> set[str]:
        """The ids of the volumes that are not deleted."""
        table = rows.VOLUMES
        with self.kit.engine.connect() as connection:
            return set(
                connection.execute(
                    sa.select(table.c.id).where(rows.live(table))
                ).scalars()
            )

    def settled(self, volume_id: str) -> str:
        """A snapshot that was taken; the next one is newer by the clock."""
        snapshot_id = self.kit.create(volume_id)
        self.assertEqual("available", self.kit.status(snapshot_id))
        self.kit.advance(1)
        return snapshot_id
