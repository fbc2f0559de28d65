# SPDX-License-Identifier: Apache-2.0
"""The database as the rest of the kit holds it."""

from __future__ import annotations

import sqlalchemy as sa

from assisted_kit.clock import Clock
from assisted_kit.db.claims import Claims
from assisted_kit.db.references import References
from assisted_kit.db.snapshots import Snapshots
from assisted_kit.db.statuses import Statuses
from assisted_kit.db.volumes import Volumes


class Database:
    """One database: its tables by subject, on one engine and one clock."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self.references = References(engine, clock)
        self.snapshots = Snapshots(engine, clock)
        self.claims = Claims(engine, clock)
        self.volumes = Volumes(engine, clock)
        self.statuses = Statuses(engine, clock)

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()
