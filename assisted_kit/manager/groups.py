# SPDX-License-Identifier: Apache-2.0
"""Group snapshots: of several volumes together, each by the hooks.

What Cinder does for a group when the driver has no group snapshots of its
own: one snapshot a volume, and each ends by itself.  Volumes have chains of
their own, so all are under way at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assisted_kit.db.references import NotFound
from assisted_kit.db.references import References
from assisted_kit.db.starts import NotAllowed
from assisted_kit.lifecycle import Status
from assisted_kit.manager.outcomes import Expected
from assisted_kit.manager.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class Member:
    """What came of one volume of a group."""

    volume_id: str
    snapshot_id: str | None
    """None: no snapshot was started."""
    status: str | None
    """What the snapshot settled in; None: nothing was started."""
    reason: str = ""
    """Why nothing was started."""


@dataclass(frozen=True, slots=True)
class GroupResult:
    """What came of a group, by the volumes' ids."""

    wanted: str
    """The status that every snapshot was to settle in."""
    members: Mapping[str, Member]

    @property
    def failed(self) -> dict[str, Member]:
        """The members that were refused or ended otherwise."""
        return {
            volume_id: member
            for volume_id, member in self.members.items()
            if member.status != self.wanted
        }

    @property
    def snapshot_ids(self) -> list[str]:
        """The snapshots that there are, failed ones included."""
        return [
            member.snapshot_id
            for member in self.members.values()
            if member.snapshot_id is not None
            and member.status != Status.DELETED
        ]


class GroupOperations:
    """Takes and deletes snapshots of several volumes together.

    :param create: the manager's ``create_snapshot``.
    :param delete: the manager's ``delete_snapshot``.
    """

    def __init__(
        self,
        create: Callable[..., str],
        delete: Callable[[str], None],
        references: References,
        outcomes: Outcomes,
    ) -> None:
        self._create = create
        self._delete = delete
        self._references = references
        self._outcomes = outcomes

    def create_snapshot(
        self, volume_ids: Collection[str], **fields: Any
    ) -> GroupResult:
        """Take a snapshot of each volume, and wait for all of them.

        A volume that is refused or whose snapshot fails holds nobody up:
        the others end as they end.

        :param volume_ids: one that occurs twice counts once.
        :param fields: columns of every new row, ``display_name`` say.
        :raises ManagerStopped: before all had settled.
        """
        members: dict[str, Member] = {}
        started: dict[str, str] = {}
        with self._outcomes.expected() as outcomes:
            for volume_id in dict.fromkeys(volume_ids):
                try:
                    started[volume_id] = self._create(volume_id, **fields)
                except (NotFound, NotAllowed) as error:
                    members[volume_id] = Member(
                        volume_id, None, None, str(error)
                    )
            members.update(_settled(outcomes, started))
        return _result(Status.AVAILABLE, volume_ids, members)

    def delete_snapshot(self, snapshot_ids: Collection[str]) -> GroupResult:
        """Delete the snapshots of a group, and wait for all of them.

        :param snapshot_ids: of one volume each, as they were taken.
        :raises ValueError: two of them are of one volume.
        :raises NotFound: there is no such snapshot; nothing was started.
        :raises ManagerStopped: before all had settled.
        """
        volumes = self._volumes_of(snapshot_ids)
        members: dict[str, Member] = {}
        started: dict[str, str] = {}
        with self._outcomes.expected() as outcomes:
            for volume_id, snapshot_id in volumes.items():
                try:
                    self._delete(snapshot_id)
                except (NotFound, NotAllowed) as error:
                    members[volume_id] = Member(
                        volume_id, snapshot_id, None, str(error)
                    )
                else:
                    started[volume_id] = snapshot_id
            members.update(_settled(outcomes, started))
        return _result(Status.DELETED, volumes, members)

    def _volumes_of(self, snapshot_ids: Collection[str]) -> dict[str, str]:
        volumes: dict[str, str] = {}
        for snapshot_id in dict.fromkeys(snapshot_ids):
            volume_id = self._references.snapshot(snapshot_id).volume_id
            if volume_id in volumes:
                raise ValueError(
                    f"snapshots {volumes[volume_id]} and {snapshot_id} are "
                    f"both of volume {volume_id}"
                )
            volumes[volume_id] = snapshot_id
        return volumes


def _settled(
    outcomes: Expected, started: Mapping[str, str]
) -> dict[str, Member]:
    return {
        volume_id: Member(volume_id, snapshot_id, outcomes.of(snapshot_id))
        for volume_id, snapshot_id in started.items()
    }


def _result(
    wanted: str,
    volume_ids: Collection[str],
    members: Mapping[str, Member],
) -> GroupResult:
    # In the order in which they were asked for.
    return GroupResult(
        wanted, {volume_id: members[volume_id] for volume_id in volume_ids}
    )
