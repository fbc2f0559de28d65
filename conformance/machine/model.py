# SPDX-License-Identifier: Apache-2.0
"""What should be there: bytes by their offsets, and how things stand.

Nothing here asks the driver.  What a volume holds, and what it held when a
snapshot was taken, is a :class:`~conformance.ledger.Ledger`, a dictionary of
bytes.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from dataclasses import field

from conformance.ledger import Ledger
from conformance.machine.mishaps import End


class Standing(enum.Enum):
    """How a snapshot stands: its status, and whether its data is there."""

    AVAILABLE = "available"
    REFUSED = "error, and nobody was told of its overlay"
    PENDING = "error, and the guest may be on its overlay"
    CREATING = "creating"
    KEPT = "error_deleting, and not carried out"
    MERGED = "error_deleting, and carried out all the same"
    DELETING_KEPT = "deleting, and not carried out"
    DELETING_MERGED = "deleting, and carried out"

    @property
    def status(self) -> str:
        """What its row says."""
        return self.value.partition(",")[0]

    @property
    def is_readable(self) -> bool:
        """Whether it has to read as it did when it was taken."""
        return self in (self.AVAILABLE, self.KEPT, self.DELETING_KEPT)

    @property
    def is_merged(self) -> bool:
        """Whether its overlay is not in use any more, though recorded."""
        return self in (self.MERGED, self.DELETING_MERGED)

    @property
    def is_in_flight(self) -> bool:
        """Whether a report on it may come."""
        return self.status in ("creating", "deleting")

    @property
    def after_deadline(self) -> Standing:
        """How it stands when nobody has reported in time."""
        return _AFTER_DEADLINE.get(self, self)


_AFTER_DEADLINE = {
    Standing.CREATING: Standing.PENDING,
    Standing.DELETING_KEPT: Standing.KEPT,
    Standing.DELETING_MERGED: Standing.MERGED,
}

AFTER_CREATE = {
    End.WELL: Standing.AVAILABLE,
    End.REFUSED: Standing.REFUSED,
    End.FAILED: Standing.PENDING,
    End.IN_FLIGHT: Standing.CREATING,
}


def after_delete(end: End, is_done: bool) -> Standing:
    """How a snapshot stands whose delete has not ended well."""
    if end is End.IN_FLIGHT:
        return Standing.DELETING_MERGED if is_done else Standing.DELETING_KEPT
    return Standing.MERGED if is_done else Standing.KEPT


@dataclass
class SnapshotModel:
    """A snapshot as it should be."""

    name: str
    volume: str
    content: Ledger
    standing: Standing
    is_held: bool = False
    """Whether Nova holds the report back that would end it."""


@dataclass
class VolumeModel:
    """A volume as it should be."""

    name: str
    content: Ledger
    is_attached: bool = False
    snapshots: dict[str, SnapshotModel] = field(default_factory=dict)

    def any_is(self, *standings: Standing) -> bool:
        """Whether a snapshot of it stands so."""
        return any(s.standing in standings for s in self.snapshots.values())

    @property
    def is_claimed(self) -> bool:
        """Whether an operation on its chain is under way."""
        return any(s.standing.is_in_flight for s in self.snapshots.values())


@dataclass
class Model:
    """All volumes and snapshots that there are, by their names."""

    volumes: dict[str, VolumeModel] = field(default_factory=dict)
    made: int = 0
    """Volumes that there ever were."""
    taken: int = 0
    """Snapshots that were ever taken."""
    is_report_held: bool = False

    @property
    def snapshots(self) -> dict[str, SnapshotModel]:
        """Those of all volumes."""
        return {
            name: snapshot
            for volume in self.volumes.values()
            for name, snapshot in volume.snapshots.items()
        }

    def volume_of(self, snapshot: str) -> VolumeModel:
        """The volume that a snapshot is of."""
        return self.volumes[self.snapshots[snapshot].volume]
