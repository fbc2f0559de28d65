# SPDX-License-Identifier: Apache-2.0
"""Temporary snapshots: how an attached volume is copied (section 1)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from collections.abc import Iterator

from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import NotAllowed
from assisted_kit.db.statuses import LentStatus
from assisted_kit.db.statuses import Statuses
from assisted_kit.errors import AssistedKitError
from assisted_kit.lifecycle import Status
from assisted_kit.manager.outcomes import Outcomes

LOG = logging.getLogger(__name__)

DISPLAY_NAME = "temporary"
"""Of temporary snapshots, for people: nobody else goes by it."""


class TemporarySnapshotFailed(AssistedKitError):
    """The snapshot to copy from could not be taken."""


class TemporarySnapshots:
    """Takes a snapshot, lends it, and deletes it in any case.

    It is a snapshot like every other: the compute service reports on it
    by its id (Launchpad bug 1744692), and nothing tells it by its name
    (bug 1875570).

    :param create: the manager's ``create_snapshot``.
    :param delete: the manager's ``delete_snapshot``.
    """

    def __init__(
        self,
        create: Callable[..., str],
        delete: Callable[[str], None],
        statuses: Statuses,
        outcomes: Outcomes,
    ) -> None:
        self._create = create
        self._delete = delete
        self._statuses = statuses
        self._outcomes = outcomes

    def take(
        self, volume_id: str, display_name: str | None = DISPLAY_NAME
    ) -> str:
        """Take one, on the caller's thread, which waits for it.

        One that fails is deleted again.

        :returns: its id; it is ``available``.
        :raises TemporarySnapshotFailed: it did not become available.
        """
        with self._outcomes.expected() as outcomes:
            snapshot_id = self._create(
                volume_id, internal=True, display_name=display_name
            )
            status = outcomes.of(snapshot_id)
        if status == Status.AVAILABLE:
            return snapshot_id
        self.drop(snapshot_id)
        raise TemporarySnapshotFailed(
            f"temporary snapshot {snapshot_id} of volume {volume_id} is "
            f"{status}"
        )

    def drop(self, snapshot_id: str) -> None:
        """Delete one and wait for that; never raises for its failure.

        What it was taken for is done or has failed by then.
        """
        with self._outcomes.expected() as outcomes:
            try:
                self._delete(snapshot_id)
            except (NotFound, NotAllowed) as error:
                # Somebody deletes it already, by force.
                LOG.info("temporary snapshot %s: %s", snapshot_id, error)
                return
            status = outcomes.of(snapshot_id)
        if status != Status.DELETED:
            LOG.error(
                "temporary snapshot %s could not be deleted; it is %s",
                snapshot_id,
                status,
            )

    @contextlib.contextmanager
    def of(
        self, volume_id: str, display_name: str | None = DISPLAY_NAME
    ) -> Iterator[str]:
        """A snapshot's id, for the body.

        Meanwhile the snapshot is ``backing-up``, so that nobody deletes it
        (bug 1970768).

        :raises TemporarySnapshotFailed: it did not become available.
        """
        snapshot_id = self.take(volume_id, display_name)
        lent = LentStatus.BACKING_UP
        self._statuses.swap_snapshot(snapshot_id, Status.AVAILABLE, lent)
        try:
            yield snapshot_id
        finally:
            self._statuses.swap_snapshot(snapshot_id, lent, Status.AVAILABLE)
            self.drop(snapshot_id)
