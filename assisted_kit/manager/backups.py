# SPDX-License-Identifier: Apache-2.0
"""Backing a volume up: its whole content, read from an unattached volume.

A detached volume is read itself.  Of an attached one a temporary snapshot
is taken through the hooks and a temporary volume made from it, which is
read; both are deleted again, in failure too.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import TypeVar

from assisted_kit.db.references import NotFound
from assisted_kit.db.statuses import Statuses
from assisted_kit.db.statuses import VolumeStatus
from assisted_kit.manager.temporary import DISPLAY_NAME
from assisted_kit.manager.temporary import TemporarySnapshots
from assisted_kit.manager.volumes import VolumeOperations
from assisted_kit.refs import VolumeRef

LOG = logging.getLogger(__name__)

Result = TypeVar("Result")

Read = Callable[[VolumeRef, Mapping[str, Any]], Result]
"""Reads a volume through what ``initialize_connection`` returned for it."""


class BackupOperations:
    """Lends a volume's content to whoever backs it up."""

    def __init__(
        self,
        driver: Any,
        volumes: VolumeOperations,
        snapshots: TemporarySnapshots,
        statuses: Statuses,
        *,
        host: str,
    ) -> None:
        self._driver = driver
        self._volumes = volumes
        self._snapshots = snapshots
        self._statuses = statuses
        self._connector = {"host": host}

    def create(
        self,
        volume_id: str,
        read: Read[Result],
        *,
        connector: Mapping[str, Any] | None = None,
        temporary_name: str | None = DISPLAY_NAME,
    ) -> Result:
        """Back a volume up, on the caller's thread.

        The volume is ``backing-up`` meanwhile; an attached one stays
        attached, and its guest writes on.  Afterwards it is what it was
        before, in failure too.

        :param read: is called once, with a volume that nobody has attached
            and that nobody attaches before it returns.
        :param connector: of the host that reads.
        :param temporary_name: the display name of the temporary snapshot
            and the temporary volume; nobody goes by it (bug 1875570).
        :returns: what ``read`` returns.
        :raises NotFound: there is no such volume.
        :raises NotAllowed: it is neither available nor in use.
        :raises TemporarySnapshotFailed: there is nothing to read.
        """
        self._statuses.occupy(
            volume_id,
            VolumeStatus.BACKING_UP,
            of=(VolumeStatus.AVAILABLE, VolumeStatus.IN_USE),
        )
        connector = self._connector if connector is None else connector
        try:
            with self._volumes.exclusively(volume_id) as volume:
                if volume.attach_status != "attached":
                    return self._read(volume, connector, read)
            with (
                self._snapshots.of(volume_id, temporary_name) as snapshot_id,
                self._copy(snapshot_id, temporary_name) as copy_id,
                self._volumes.exclusively(copy_id) as copy,
            ):
                return self._read(copy, connector, read)
        finally:
            self._statuses.swap_volume(
                volume_id, VolumeStatus.BACKING_UP, None
            )

    def _read(
        self,
        volume: VolumeRef,
        connector: Mapping[str, Any],
        read: Read[Result],
    ) -> Result:
        connection = self._driver.initialize_connection(volume, connector)
        try:
            return read(volume, connection)
        finally:
            self._driver.terminate_connection(volume, connector)

    @contextlib.contextmanager
    def _copy(self, snapshot_id: str, name: str | None) -> Iterator[str]:
        """A temporary volume; as it is lent, nobody else deletes it."""
        volume_id = str(uuid.uuid4())
        try:
            self._volumes.copy(
                snapshot_id,
                {"id": volume_id, "display_name": name, "use_quota": False},
                status=VolumeStatus.BACKING_UP,
            )
            yield volume_id
        finally:
            self._drop(volume_id)

    def _drop(self, volume_id: str) -> None:
        """Delete a temporary volume; what it was for stands in any case."""
        try:
            self._volumes.delete(volume_id, lent=True)
        except NotFound:
            LOG.info("there is no temporary volume %s", volume_id)
        except Exception:
            LOG.exception(
                "temporary volume %s could not be deleted", volume_id
            )
