# SPDX-License-Identifier: Apache-2.0
"""How the suite handles a back end with the hooks in today's Cinder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assisted_kit.adapter import DriverAdapter
from assisted_kit.cinder import service
from assisted_kit.cinder.versioned import VersionedDriver


class BlockingAdapter(DriverAdapter):
    """Constructs it as any driver, in a process set up as Cinder's.

    For what is none of Cinder's own drivers: those have their adapters.
    """

    def construct(self, share: Path, **arguments: Any) -> Any:
        # The locks are Cinder's, whoever has the database.
        self.database(None)
        return VersionedDriver(super().construct(share, **arguments))

    def context(self) -> Any:
        return service.admin_context()

    def database(self, configured: str | None) -> str:
        return service.database(configured)

    def join(self, database: str | None) -> None:
        assert database is not None
        service.join(database)
