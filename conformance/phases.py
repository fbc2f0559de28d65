# SPDX-License-Identifier: Apache-2.0
"""The statuses and phases that snapshots go through (contract section 4)."""

from __future__ import annotations

import time
from typing import Any

from assisted_kit.db.snapshot_values import Attempt
from assisted_kit.db.snapshots import Snapshots
from assisted_kit.lifecycle import Phase
from assisted_kit.lifecycle import Status
from conformance.timeline import Moment
from conformance.timeline import Side


class ObservedSnapshots(Snapshots):
    """Notes each change of a snapshot's status or phase."""

    def __init__(self, engine: Any, clock: Any) -> None:
        super().__init__(engine, clock)
        self.moments: list[Moment] = []

    def begin_create(self, *args: Any, **kwargs: Any) -> Attempt:
        """Noted as the start of a create."""
        attempt = super().begin_create(*args, **kwargs)
        self._note(attempt.snapshot_id, (Status.CREATING, None), None)
        return attempt

    def begin_delete(self, *args: Any, **kwargs: Any) -> Attempt:
        """Noted as the start of a delete."""
        attempt = super().begin_delete(*args, **kwargs)
        self._note(attempt.snapshot_id, (Status.DELETING, None), None)
        return attempt

    def move(
        self,
        attempt: Attempt,
        owner: str,
        start: tuple[str, Phase | None],
        end: tuple[str, Phase | None],
        *args: Any,
        **kwargs: Any,
    ) -> bool:
        """Noted with both states, and as lost when it was not made."""
        moved = super().move(attempt, owner, start, end, *args, **kwargs)
        self._note(attempt.snapshot_id, end, start, moved)
        return moved

    def report(
        self,
        snapshot_id: str,
        volume_id: str,
        start: tuple[str, Phase | None],
        end: tuple[str, Phase | None],
        **kwargs: Any,
    ) -> bool:
        """Noted as the status API's change."""
        moved = super().report(snapshot_id, volume_id, start, end, **kwargs)
        self._note(snapshot_id, end, start, moved, "a report is stored: ")
        return moved

    def _note(
        self,
        snapshot_id: str,
        end: tuple[str, Phase | None],
        start: tuple[str, Phase | None] | None,
        moved: bool = True,
        why: str = "",
    ) -> None:
        came = "" if start is None else f"{_shown(start)} -> "
        lost = "" if moved else " (not made: the state was another one)"
        what = f"{why}{snapshot_id}: {came}{_shown(end)}{lost}"
        moment = Moment(time.perf_counter(), Side.MANAGER, what)
        self.moments.append(moment)


def _shown(state: tuple[str, Phase | None]) -> str:
    status, phase = state
    return str(status) if phase is None else f"{status}/{phase}"
