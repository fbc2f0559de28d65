# SPDX-License-Identifier: Apache-2.0
"""The mixin for a driver that is written for the hooks.

It is put before the driver's class, and the class that results is named as
``volume_driver`` in cinder.conf::

    class VendorDriver(BlockingSnapshots, VendorAssistedDriver):
        pass

Under a volume manager that has the contract the vendor's own class is used;
nothing has to be converted then but what is kept of the snapshots.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from cinder import compute
from cinder import context as cinder_context
from cinder import objects

from assisted_kit import lifecycle
from assisted_kit.cinder.blocking import locks
from assisted_kit.cinder.blocking.operation import BlockingOperation
from assisted_kit.cinder.blocking.operation import OperationFailed
from assisted_kit.cinder.blocking.views import SnapshotView
from assisted_kit.cinder.blocking.views import VolumeView
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Phase
from assisted_kit.lifecycle import Status
from assisted_kit.timeouts import Timeouts
from assisted_kit.updates import COMPLETION_PROGRESS

LOG = logging.getLogger(__name__)

TEMPORARY_NAME = "tmp-snap-{}"
"""The display name of the snapshot that an attached volume is cloned from,
as Cinder's RemoteFS drivers name theirs."""


class BlockingSnapshots:
    """``create_snapshot`` and ``delete_snapshot`` by the four hooks.

    One operation works on a volume's chain at a time, in all processes that
    have the same coordination back end; others wait for it.  Nova's report
    is waited for by looking at ``progress``, as there is nothing else.
    """

    supports_assisted_snapshots = False
    compute_timeouts = Timeouts()
    """How long Nova may take, in seconds."""

    _nova: Any = None

    def do_setup(self, context: Any) -> None:
        """Set the driver up, and the way to Nova."""
        set_up = getattr(super(), "do_setup", None)
        if set_up is not None:
            set_up(context)
        self._nova = compute.API()

    # -- snapshots

    def create_snapshot(self, snapshot: Any) -> dict[str, Any]:
        """Take a snapshot, and wait until that is done.

        :raises OperationFailed: Nova refused, failed or never reported.
        """
        with locks.chain(snapshot.volume_id):
            return self._blocking(Operation.CREATE, snapshot).run()

    def delete_snapshot(self, snapshot: Any) -> None:
        """Delete a snapshot, and wait until that is done.

        :raises SnapshotIsBusy: it cannot be deleted now, and is as it was.
        :raises OperationFailed: Nova refused, failed or never reported.
        """
        with locks.chain(snapshot.volume_id):
            self._blocking(Operation.DELETE, snapshot).run()

    def _blocking(
        self, operation: Operation, snapshot: Any
    ) -> BlockingOperation:
        return BlockingOperation(
            self,
            self._nova,
            operation,
            snapshot,
            lambda: self._wait(operation, snapshot.id),
        )

    def _wait(self, operation: Operation, snapshot_id: str) -> bool:
        """Whether Nova reported that it is done, or that it failed.

        :raises OperationFailed: it did not report in time, or somebody else
            has changed the status.
        """
        status = lifecycle.in_flight(operation, Phase.COMPUTE).status
        waited = 0
        while True:
            row = objects.Snapshot.get_by_id(
                cinder_context.get_admin_context(), snapshot_id
            )
            if row.status == lifecycle.failed(operation):
                return False
            if row.status == status and row.progress == COMPLETION_PROGRESS:
                return True
            if (status, row.status) == (Status.CREATING, Status.AVAILABLE):
                # Whoever sets that says that it is done (section 7).
                return True
            if row.status != status:
                raise OperationFailed(
                    f"snapshot {snapshot_id} is {row.status}: somebody has "
                    f"ended its {operation}"
                )
            if waited >= self.compute_timeouts.of(operation):
                raise OperationFailed(
                    f"the compute service did not report within {waited} s "
                    f"on the {operation} of snapshot {snapshot_id}"
                )
            interval = _interval(waited)
            time.sleep(interval)
            waited += interval

    # -- what else works on a chain

    def initialize_connection(self, volume: Any, connector: Any) -> Any:
        """What Nova opens; waits while a hook works on detached files."""
        with locks.Gate(volume.id):
            return super().initialize_connection(  # type: ignore[misc]
                _written(volume), connector
            )

    def terminate_connection(
        self, volume: Any, connector: Any, **others: Any
    ) -> Any:
        """Detach the volume."""
        return super().terminate_connection(  # type: ignore[misc]
            _written(volume), connector, **others
        )

    def create_volume(self, volume: Any) -> Any:
        """Create an empty volume."""
        return super().create_volume(_written(volume))  # type: ignore[misc]

    def delete_volume(self, volume: Any) -> Any:
        """Delete a volume."""
        with locks.chain(volume.id):
            update = super().delete_volume(  # type: ignore[misc]
                _written(volume)
            )
        locks.forget(volume.id)
        return update

    def extend_volume(self, volume: Any, new_size: int) -> Any:
        """Grow a volume to ``new_size`` GiB."""
        with locks.chain(volume.id), locks.Gate(volume.id):
            return super().extend_volume(  # type: ignore[misc]
                _written(volume), new_size
            )

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> Any:
        """Create a volume that holds what a snapshot holds."""
        with locks.chain(snapshot.volume_id):
            return super().create_volume_from_snapshot(  # type: ignore[misc]
                _written(volume), SnapshotView(snapshot, writable=True)
            )

    def create_cloned_volume(self, volume: Any, src_vref: Any) -> Any:
        """Create a volume that holds what another one holds.

        An attached source is copied from a temporary snapshot (section 1).
        """
        if src_vref.attach_status == "attached":
            return self._clone_attached(volume, src_vref)
        with locks.chain(src_vref.id), locks.Gate(src_vref.id):
            return super().create_cloned_volume(  # type: ignore[misc]
                _written(volume), _written(src_vref)
            )

    def copy_volume_to_image(
        self,
        context: Any,
        volume: Any,
        image_service: Any,
        image_meta: Any,
    ) -> Any:
        """Upload a volume as an image."""
        with locks.chain(volume.id), locks.Gate(volume.id):
            return super().copy_volume_to_image(  # type: ignore[misc]
                context, _written(volume), image_service, image_meta
            )

    def revert_to_snapshot(
        self, context: Any, volume: Any, snapshot: Any
    ) -> Any:
        """Make the volume hold what its newest snapshot holds."""
        with locks.chain(volume.id), locks.Gate(volume.id):
            return super().revert_to_snapshot(  # type: ignore[misc]
                context,
                _written(volume),
                SnapshotView(snapshot, writable=True),
            )

    def _clone_attached(self, volume: Any, source: Any) -> Any:
        snapshot = _temporary_snapshot(source, volume.id)
        try:
            fields = self.create_snapshot(snapshot)
        except BaseException:
            snapshot.status = Status.ERROR
            snapshot.save()
            LOG.error(
                "snapshot %s, from which volume %s was to be cloned, could "
                "not be taken; it is left to be deleted",
                snapshot.id,
                source.id,
            )
            raise
        snapshot.update({**fields, "status": Status.AVAILABLE})
        snapshot.save()
        try:
            return self.create_volume_from_snapshot(volume, snapshot)
        finally:
            self._delete_temporary(snapshot)

    def _delete_temporary(self, snapshot: Any) -> None:
        snapshot.status = Status.DELETING
        snapshot.save()
        try:
            self.delete_snapshot(snapshot)
        except BaseException:
            snapshot.status = Status.ERROR_DELETING
            snapshot.save()
            raise
        snapshot.destroy()


def _written(volume: Any) -> VolumeView:
    return VolumeView(volume, writable=True)


def _temporary_snapshot(source: Any, name: str) -> Any:
    context = cinder_context.get_admin_context()
    snapshot = objects.Snapshot(
        context=context,
        volume_id=source.id,
        user_id=source.user_id,
        project_id=source.project_id,
        status=Status.CREATING,
        progress=lifecycle.STARTING_PROGRESS,
        volume_size=source.size,
        display_name=TEMPORARY_NAME.format(name),
        display_description=None,
        volume_type_id=source.volume_type_id,
        encryption_key_id=source.encryption_key_id,
    )
    snapshot.create()
    return snapshot


def _interval(waited: float) -> int:
    """Seconds until the next look, the more the longer it takes."""
    for until, interval in ((10, 1), (20, 2), (60, 5)):
        if waited < until:
            return interval
    return 10
