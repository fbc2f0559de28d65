# SPDX-License-Identifier: Apache-2.0
"""How the suite handles a back end with the hooks in today's Cinder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assisted_kit.adapter import DriverAdapter
from assisted_kit.cinder.in_cinder import InCinder
from assisted_kit.cinder.versioned import VersionedDriver


class BlockingAdapter(InCinder, DriverAdapter):
    """Constructs it as any driver, in a process set up as Cinder's.

    For what is none of Cinder's own drivers: those have their adapters.
    """

    def construct(self, share: Path, **arguments: Any) -> Any:
        # The locks are Cinder's, whoever has the database.
        self.database(None)
        return VersionedDriver(super().construct(share, **arguments))
