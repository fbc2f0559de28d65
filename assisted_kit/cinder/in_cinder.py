# SPDX-License-Identifier: Apache-2.0
"""What every adapter says of a driver that runs in a process of Cinder's."""

from __future__ import annotations

from typing import Any

from assisted_kit.cinder import service


class InCinder:
    """To be put before an adapter: Cinder's context and its database."""

    def context(self) -> Any:
        """The context that Cinder's volume manager calls drivers with."""
        return service.admin_context()

    def database(self, configured: str | None) -> str:
        """The database that Cinder uses in this process."""
        return service.database(configured)

    def join(self, database: str | None) -> None:
        """Have Cinder use the database that another process has set up."""
        assert database is not None
        service.join(database)
