# SPDX-License-Identifier: Apache-2.0
"""``o(s)`` of drivers with books of their own (contract section 3)."""

from __future__ import annotations

from collections.abc import Sequence

from assisted_kit.image import Image


class Overlays:
    """Which overlay each snapshot of a volume is recorded for.

    Worked out from what is active and from the table of section 3, so that
    a driver may keep its books wherever it likes.
    """

    def __init__(self) -> None:
        self._recorded: dict[str, str] = {}

    def of(self, snapshot_id: str) -> str | None:
        """``o(s)`` of a snapshot, if it was ever available."""
        return self._recorded.get(snapshot_id)

    def took(self, snapshot_id: str, active: Image) -> None:
        """A snapshot is available: its overlay is what is active now."""
        self._recorded[snapshot_id] = active.path.name

    def dropped(self, snapshot_id: str, chain: Sequence[Image]) -> None:
        """A snapshot was deleted, which left this chain.

        The snapshot recorded for a file that was pulled is recorded for
        the overlay that it was pulled into.
        """
        overlay = self._recorded.pop(snapshot_id, None)
        names = {image.path.name for image in chain}
        for other, recorded in self._recorded.items():
            if overlay in names and recorded not in names:
                self._recorded[other] = str(overlay)
