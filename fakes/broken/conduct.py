# SPDX-License-Identifier: Apache-2.0
"""Hooks that do the manager's work, or keep to themselves what is due."""

from __future__ import annotations

import http.client
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import Any

from assisted_kit.errors import AssistedKitError
from assisted_kit.process import execute
from fakes.broken.registry import BrokenDriver
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info


def on_a_thread(work: Callable[[], object]) -> None:
    """Do some work on a thread of its own, to its end."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


class SavesReference(RemoteFSAssistedDriver):
    """Sets the status itself, and ignores that this is refused."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_complete(snapshot_ref)
        snapshot_ref.status = "available"
        with suppress(AssistedKitError):
            snapshot_ref.save()
        return update


class KeepsVolume(RemoteFSAssistedDriver):
    """Keeps a volume that it may save, for the hooks to save it.

    As long as its process lives: another one has none to save.
    """

    _kept: Any = None

    def create_volume(self, volume: Any) -> dict[str, Any]:
        self._kept = volume
        return super().create_volume(volume)

    def _use(self, volume: Any) -> None:
        """What is not a driver's to do, by the volume that was kept."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        if self._kept is not None:
            self._use(self._kept)
        return super().create_snapshot_assisted_complete(snapshot_ref)


class SavesOnThread(KeepsVolume):
    """Saves a volume that it has kept, on a thread of its own."""

    def _use(self, volume: Any) -> None:
        volume.provider_id = volume.id
        on_a_thread(volume.save)


class UpdatesRow(KeepsVolume):
    """Writes to Cinder's tables with statements of its own."""

    def _use(self, volume: Any) -> None:
        with volume._saver._engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE snapshots SET provider_id = 'x' WHERE id = ''"
            )


class OpensDatabaseFile(KeepsVolume):
    """Opens the file of the database, and writes to it from a thread."""

    def _use(self, volume: Any) -> None:
        path = volume._saver._engine.url.database

        def write() -> None:
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute("delete from volumes where id = ''")

        on_a_thread(write)


class CallsNova(RemoteFSAssistedDriver):
    """Asks Nova itself, as drivers did before there were hooks."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        on_a_thread(self._ask)
        return super().create_snapshot_assisted_begin(snapshot_ref)

    def _ask(self) -> None:
        # A port of which nobody else knows, and nobody listens on.
        nova = http.client.HTTPConnection("127.0.0.1", 9)
        with closing(nova), suppress(OSError):
            nova.request("POST", "/v2.1/os-assisted-volume-snapshots")


class Sleeps(RemoteFSAssistedDriver):
    """Gives Nova ten minutes."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        sleep(600)
        return update


class ReadsProgress(RemoteFSAssistedDriver):
    """Looks whether Nova has set the progress already."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        with suppress(AssistedKitError):
            snapshot_ref.refresh()
        return super().delete_snapshot_assisted_begin(snapshot_ref)


class RemembersInInstance(RemoteFSAssistedDriver):
    """Keeps in an attribute what complete needs."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._begun: dict[str, Any] = {}

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._begun[snapshot_ref.id] = snapshot_ref.volume.attach_status
        return super().create_snapshot_assisted_begin(snapshot_ref)

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        del self._begun[snapshot_ref.id]
        return super().create_snapshot_assisted_complete(snapshot_ref)


BEGUN: set[str] = set()


class RemembersInModule(RemoteFSAssistedDriver):
    """Keeps in a variable of its module what complete needs."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        BEGUN.add(snapshot_ref.id)
        return super().delete_snapshot_assisted_begin(snapshot_ref)

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        BEGUN.remove(snapshot_ref.id)
        return super().delete_snapshot_assisted_complete(snapshot_ref)


class RemembersInTemporaryFile(RemoteFSAssistedDriver):
    """Leaves what complete needs in a directory of this host's."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        _left_by(snapshot_ref).touch()
        return super().delete_snapshot_assisted_begin(snapshot_ref)

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        _left_by(snapshot_ref).unlink()
        return super().delete_snapshot_assisted_complete(snapshot_ref)


def _left_by(snapshot_ref: Any) -> Path:
    return Path(tempfile.gettempdir(), f"assisted-kit.{snapshot_ref.id}")


class RemembersRecords(RemoteFSAssistedDriver):
    """Keeps what it read of the share until it has changed it itself."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._known: dict[str, Info] = {}

    def _read_info(self, files: VolumeFiles, volume: Any) -> Info:
        if volume.id not in self._known:
            self._known[volume.id] = super()._read_info(files, volume)
        return self._known[volume.id]

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_complete(snapshot_ref)
        self._known.clear()
        return update

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_complete(snapshot_ref)
        self._known.clear()
        return update


class SleepsSeconds(RemoteFSAssistedDriver):
    """Gives the compute service some seconds to begin with something."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        sleep(8)
        return super().create_snapshot_assisted_begin(snapshot_ref)


class StartsSleep(RemoteFSAssistedDriver):
    """Leaves the waiting to a command."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        execute("sleep", "0.01")
        return super().delete_snapshot_assisted_complete(snapshot_ref)


class CallsNovaByCommand(RemoteFSAssistedDriver):
    """Asks the compute service by a command, as a script would."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        url = "http://127.0.0.1:1/v2.1/os-assisted-volume-snapshots"
        execute("sh", "-c", f"true POST {url}")
        return super().create_snapshot_assisted_begin(snapshot_ref)


BROKEN = (
    BrokenDriver(SavesReference, ("HKS-001",)),
    BrokenDriver(SavesOnThread, ("HKS-001",)),
    BrokenDriver(UpdatesRow, ("HKS-001",)),
    BrokenDriver(OpensDatabaseFile, ("HKS-001",)),
    BrokenDriver(CallsNova, ("HKS-002",)),
    BrokenDriver(Sleeps, ("HKS-003",), ("LIVE-11",)),
    BrokenDriver(ReadsProgress, ("HKS-003",), ("LIVE-2",)),
    BrokenDriver(RemembersInInstance, ("HKS-004",), ("bug 1660584",)),
    BrokenDriver(RemembersInModule, ("HKS-004",), ("bug 1607074",)),
    BrokenDriver(RemembersInTemporaryFile, ("HKS-004",)),
    BrokenDriver(RemembersRecords, ("HKS-004",), ("bug 1615667",)),
    BrokenDriver(SleepsSeconds, ("HKS-003",), ("LIVE-11",)),
    BrokenDriver(StartsSleep, ("HKS-003",)),
    BrokenDriver(CallsNovaByCommand, ("HKS-002",)),
)
