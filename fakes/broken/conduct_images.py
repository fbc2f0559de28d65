# SPDX-License-Identifier: Apache-2.0
"""Locks that are held too long, and images that others have open."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from typing import Any
from typing import IO

from fakes.broken.conduct import on_a_thread
from fakes.broken.registry import BrokenDriver
from reference_driver.driver import RemoteFSAssistedDriver


class HoldsLock(RemoteFSAssistedDriver):
    """Takes the driver's lock in begin and gives it back in complete."""

    _lock = threading.Lock()

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._lock.acquire()
        try:
            return super().create_snapshot_assisted_begin(snapshot_ref)
        except BaseException:
            self._lock.release()
            raise

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        try:
            return super().create_snapshot_assisted_complete(snapshot_ref)
        finally:
            self._lock.release()


class HoldsLockForConnections(HoldsLock):
    """Makes connections wait for the compute service as well."""

    def initialize_connection(
        self, volume: Any, connector: Any
    ) -> dict[str, Any]:
        with self._lock:
            return super().initialize_connection(volume, connector)


class HoldsFileLock(RemoteFSAssistedDriver):
    """Locks a file of the share in begin, until complete."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._locks: dict[str, IO[bytes]] = {}

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._take(snapshot_ref.id)
        return super().delete_snapshot_assisted_begin(snapshot_ref)

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._take(snapshot_ref.id)
        try:
            return super().create_snapshot_assisted_begin(snapshot_ref)
        finally:
            self._locks.pop(snapshot_ref.id).close()

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        try:
            return super().delete_snapshot_assisted_complete(snapshot_ref)
        finally:
            self._locks.pop(snapshot_ref.id).close()

    def _take(self, snapshot_id: str) -> None:
        lock = (self._directory / "lock").open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX)
        self._locks[snapshot_id] = lock


class WritesOpenImage(RemoteFSAssistedDriver):
    """Opens the image that the guest writes to, to write it out."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files, _, chain = self._chain(snapshot_ref.volume)
        active = files.path(chain.active.name)
        on_a_thread(lambda: _write_out(active))
        return super().create_snapshot_assisted_begin(snapshot_ref)


def _write_out(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


class TouchesOpenImage(RemoteFSAssistedDriver):
    """Has another program open the image that the guest writes to."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_complete(snapshot_ref)
        files, _, chain = self._chain(snapshot_ref.volume)
        path = str(files.path(chain.active.name))
        words = ["dd", "if=/dev/null", f"of={path}", "conv=notrunc"]
        pid = os.posix_spawnp(
            "dd",
            [*words, "status=none"],
            os.environ,
        )
        os.waitpid(pid, 0)
        return update


BROKEN = (
    BrokenDriver(HoldsLock, ("HKS-005",), ("commit f16c12169",)),
    BrokenDriver(HoldsLockForConnections, ("HKS-005",)),
    BrokenDriver(HoldsFileLock, ("HKS-005",), ("commit f16c12169",)),
    BrokenDriver(WritesOpenImage, ("HKS-006",), ("bug 1731992",)),
    BrokenDriver(TouchesOpenImage, ("HKS-006",)),
)
