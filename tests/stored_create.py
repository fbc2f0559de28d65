# SPDX-License-Identifier: Apache-2.0
"""One create in the database, for tests of what is stored."""

from __future__ import annotations

from database_contents import rows_of
from scripted import DatabaseTestCase
from scripted import Deployment

from assisted_kit.lifecycle import Phase

OWNER = "host@kit#1"
OTHER = "host@kit#2"
BEGIN = ("creating", Phase.BEGIN)
COMPUTE = ("creating", Phase.COMPUTE)
COMPLETE = ("creating", Phase.COMPLETE)


class StoreTestCase(DatabaseTestCase):
    """The rows of one create in phase ``begin``; no manager runs."""

    def setUp(self) -> None:
        super().setUp()
        self.kit = self.useFixture(Deployment())
        self.snapshots = self.kit.database.snapshots
        self.claims = self.kit.database.claims
        self.volume_id = self.kit.volume(attached=True)
        self.attempt = self.snapshots.begin_create(
            self.volume_id, assisted=True, metadata={"given": "1"}
        )
        self.id = self.attempt.snapshot_id
        self.claims.take(self.volume_id, OWNER, self.id)

    def move(self, start, end, change=None, owner=OWNER, **options) -> bool:
        return self.snapshots.move(
            options.pop("attempt", self.attempt),
            owner,
            start,
            end,
            change,
            **options,
        )

    def pairs(self) -> dict[str, str]:
        return self.kit.admin_metadata(self.id)

    def contents(self):
        return rows_of(self.kit.engine)
