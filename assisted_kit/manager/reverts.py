# SPDX-License-Identifier: Apache-2.0
"""Reverting a volume to its newest snapshot.

As Cinder does it: the volume is ``reverting`` and the snapshot
``restoring``; unless the driver says that it needs none, a backup snapshot
is taken first and deleted afterwards.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from assisted_kit.db.snapshot_values import COMPUTE_CALL
from assisted_kit.db.starts import NotAllowed
from assisted_kit.db.statuses import LentStatus
from assisted_kit.db.statuses import Statuses
from assisted_kit.db.statuses import VolumeStatus
from assisted_kit.lifecycle import Status
from assisted_kit.manager.compute_calls import Answer
from assisted_kit.manager.optional_methods import method_of
from assisted_kit.manager.optional_methods import NotSupported
from assisted_kit.manager.temporary import DISPLAY_NAME
from assisted_kit.manager.temporary import TemporarySnapshots
from assisted_kit.manager.volumes import VolumeOperations
from assisted_kit.refs import SnapshotRef
from assisted_kit.refs import VolumeRef

LOG = logging.getLogger(__name__)


class RevertOperations:
    """Calls ``revert_to_snapshot``."""

    def __init__(
        self,
        driver: Any,
        volumes: VolumeOperations,
        snapshots: TemporarySnapshots,
        statuses: Statuses,
        context: Any,
    ) -> None:
        self._driver = driver
        self._volumes = volumes
        self._snapshots = snapshots
        self._statuses = statuses
        self._context = context

    def revert(
        self,
        volume_id: str,
        snapshot_id: str,
        *,
        temporary_name: str | None = DISPLAY_NAME,
    ) -> None:
        """Have the driver revert a detached volume.

        When the driver raises, the volume is in ``error`` and the snapshot
        ``available`` (commit 0a34a5a29), and a backup snapshot is kept: it
        has what there was before.  When it was not called, both are
        ``available`` and nothing is left.

        :param temporary_name: the display name of the backup snapshot.
        :raises NotFound: there is no such volume or snapshot of it.
        :raises NotAllowed: the volume or the snapshot is not available,
            the snapshot is not the newest, the volume has grown since, or
            the outcome of a create is in doubt (contract section 5).
        :raises NotSupported: the driver has no such method.
        :raises TemporarySnapshotFailed: there is no backup snapshot.
        """
        revert_to_snapshot = method_of(self._driver, "revert_to_snapshot")
        _check_not_in_doubt(self._volumes.ref(volume_id))
        self._statuses.begin_revert(volume_id, snapshot_id)
        backup: str | None = None
        end = VolumeStatus.AVAILABLE
        try:
            if self._wants_backup():
                backup = self._snapshots.take(volume_id, temporary_name)
            with self._ready(volume_id, snapshot_id) as snapshot:
                end = VolumeStatus.ERROR
                revert_to_snapshot(self._context, snapshot.volume, snapshot)
                end = VolumeStatus.AVAILABLE
        except NotSupported:
            # It said so, and did nothing.
            end = VolumeStatus.AVAILABLE
            raise
        finally:
            self._statuses.swap_volume(volume_id, VolumeStatus.REVERTING, end)
            self._statuses.swap_snapshot(
                snapshot_id, LentStatus.RESTORING, Status.AVAILABLE
            )
            if backup is not None and end == VolumeStatus.ERROR:
                LOG.warning(
                    "volume %s could not be reverted; snapshot %s has what "
                    "it held before",
                    volume_id,
                    backup,
                )
            elif backup is not None:
                self._snapshots.drop(backup)

    @contextlib.contextmanager
    def _ready(
        self, volume_id: str, snapshot_id: str
    ) -> Iterator[SnapshotRef]:
        """The snapshot, when whoever was queued before us has ended.

        :raises NotAllowed: something has come in between.
        """
        with self._volumes.exclusively(volume_id) as volume:
            _check_not_in_doubt(volume)
            if volume.attach_status == "attached":
                raise NotAllowed(f"volume {volume_id} is attached")
            for snapshot in volume.snapshots:
                if (snapshot.id, snapshot.status) == (
                    snapshot_id,
                    LentStatus.RESTORING,
                ):
                    if volume.size != snapshot.volume_size:
                        raise NotAllowed(f"volume {volume_id} has grown")
                    yield snapshot
                    return
            raise NotAllowed(f"snapshot {snapshot_id} is being deleted")

    def _wants_backup(self) -> bool:
        """Cinder's drivers are asked; the default there is yes."""
        asked = getattr(
            self._driver, "snapshot_revert_use_temp_snapshot", None
        )
        return True if asked is None else bool(asked())


def _check_not_in_doubt(volume: VolumeRef) -> None:
    """See that no create is pending, as far as the database tells.

    :raises NotAllowed: one is (contract section 5).
    """
    for snapshot in volume.snapshots:
        stored = snapshot.snapshot_admin_metadata
        if (
            snapshot.status == Status.ERROR
            and "create_info:type" in stored
            and stored.get(COMPUTE_CALL) != Answer.REFUSED
        ):
            raise NotAllowed(
                f"the create of snapshot {snapshot.id} is pending: delete "
                f"that snapshot first"
            )
