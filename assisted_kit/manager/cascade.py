# SPDX-License-Identifier: Apache-2.0
"""Cascading delete: a volume together with its snapshots.

The volume is ``deleting`` all the while, as in Cinder (bug 1681406).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence

from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import NotAllowed
from assisted_kit.db.statuses import Statuses
from assisted_kit.db.statuses import VolumeStatus
from assisted_kit.errors import AssistedKitError
from assisted_kit.lifecycle import Status
from assisted_kit.manager.outcomes import Outcomes
from assisted_kit.manager.volumes import VolumeOperations


class CascadeFailed(AssistedKitError):
    """A snapshot could not be deleted, so its volume was not either."""


class CascadeOperations:
    """Deletes volumes that have snapshots.

    :param delete_snapshot: the manager's.
    """

    def __init__(
        self,
        delete_snapshot: Callable[[str], None],
        volumes: VolumeOperations,
        statuses: Statuses,
        outcomes: Outcomes,
    ) -> None:
        self._delete_snapshot = delete_snapshot
        self._volumes = volumes
        self._statuses = statuses
        self._outcomes = outcomes

    def delete(
        self, volume_id: str, *, order: Sequence[str] | None = None
    ) -> None:
        """Delete a volume and all its snapshots, and wait for it.

        Every delete is accepted at once, and they are carried out in
        order; one that fails does not keep the others from ending.

        :param order: the snapshots' ids.  Unless it is given, failed ones
            come first: while a create is pending nothing else on the chain
            goes ahead (contract section 5).
        :raises NotFound: there is no such volume.
        :raises NotAllowed: the volume or a snapshot of it is in a status
            in which it is not deleted; nothing was changed.
        :raises ValueError: ``order`` does not name the volume's snapshots.
        :raises CascadeFailed: naming the snapshots that are left; the
            volume is ``error_deleting``.
        """
        if order is not None:
            self._check(volume_id, order)
        found = self._statuses.begin_cascade(volume_id)
        if order is None:
            order = sorted(found, key=lambda id_: found[id_] != Status.ERROR)
        left = self._delete_snapshots([i for i in order if i in found])
        if left:
            self._statuses.swap_volume(
                volume_id, VolumeStatus.DELETING, VolumeStatus.ERROR_DELETING
            )
            raise CascadeFailed(
                f"volume {volume_id} is not deleted: "
                + ", ".join(f"snapshot {i} is {s}" for i, s in left.items())
            )
        self._volumes.delete(volume_id)

    def _check(self, volume_id: str, order: Sequence[str]) -> None:
        there = [each.id for each in self._volumes.ref(volume_id).snapshots]
        if sorted(order) != sorted(there):
            raise ValueError(
                f"volume {volume_id} has the snapshots {there}, and not "
                f"{list(order)}"
            )

    def _delete_snapshots(self, snapshot_ids: Sequence[str]) -> dict[str, str]:
        """Delete them; returns those that are left, and their statuses."""
        left: dict[str, str] = {}
        started = []
        with self._outcomes.expected() as outcomes:
            for snapshot_id in snapshot_ids:
                try:
                    self._delete_snapshot(snapshot_id)
                except NotAllowed as error:
                    left[snapshot_id] = f"not deletable: {error}"
                except NotFound:
                    # Somebody else has just deleted it.
                    continue
                else:
                    started.append(snapshot_id)
            for snapshot_id in started:
                status = outcomes.of(snapshot_id)
                if status != Status.DELETED:
                    left[snapshot_id] = status
        return left
