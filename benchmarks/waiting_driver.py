# SPDX-License-Identifier: Apache-2.0
"""A driver without storage, every create of which waits for a report."""

from __future__ import annotations

import time
from typing import Any


class WaitingDriver:
    """Asks for the compute service's help and notes when it is called.

    :ivar completed: when *create complete* was entered last, by
        ``time.perf_counter``.
    """

    supports_assisted_snapshots = True
    completed = 0.0

    def create_volume(self, volume: Any) -> None:
        """Make nothing."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """Ask for an overlay to be used."""
        overlay = f"{snapshot_ref.volume.name}.{snapshot_ref.id}"
        return {
            "snapshot_admin_metadata": {
                "create_info:type": "qcow2",
                "create_info:new_file": overlay,
            }
        }

    def create_snapshot_assisted_complete(self, snapshot_ref: Any) -> None:
        """Note the time."""
        self.completed = time.perf_counter()

    def delete_snapshot_assisted_begin(self, snapshot_ref: Any) -> None:
        """Nothing is stored, so nothing is to be merged."""

    def delete_snapshot_assisted_complete(self, snapshot_ref: Any) -> None:
        """Nothing is stored."""
