# SPDX-License-Identifier: Apache-2.0
"""What the program of every finding begins with.

One of Cinder's drivers, unmodified, on an empty directory that stands in for
the share; rows are Cinder's own objects in a database that Cinder's migrations
have made.  This needs a process of its own (:mod:`assisted_kit.cinder`).
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cinder import objects

from assisted_kit.cinder import nfs
from assisted_kit.cinder import quobyte
from assisted_kit.cinder import service
from assisted_kit.cinder import vzstorage
from assisted_kit.cinder.remotefs import RemoteFSAdapter
from assisted_kit.db.volumes import DEFAULT_VOLUME_TYPE

ADAPTERS: Mapping[str, Callable[[], RemoteFSAdapter]] = {
    "nfs": nfs.NfsAdapter,
    "quobyte": quobyte.QuobyteAdapter,
    "vzstorage": vzstorage.VZStorageAdapter,
}

GIB = 1024**3


class Nova:
    """Does what a program has put here.

    Unless it has, a create is reported done, and of a delete nothing is.
    """

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.create: Callable[[Any], object] = lambda info: None
        self.delete: Callable[[Any], object] = lambda info: None

    def create_volume_snapshot(
        self, context: Any, volume_id: str, info: Any
    ) -> None:
        """As Cinder's drivers call it."""
        self.asked.append(info)
        self.create(info)

    def delete_volume_snapshot(
        self, context: Any, snapshot_id: str, info: Any
    ) -> None:
        """As Cinder's drivers call it."""
        self.asked.append(info)
        self.delete(info)


class Bench:
    """A driver on an empty share.

    :param driver: ``nfs``, ``quobyte`` or ``vzstorage``.
    """

    def __init__(self, driver: str = "nfs") -> None:
        service.database(None)
        self.context = service.admin_context()
        self._directory = tempfile.TemporaryDirectory()
        self.share = Path(self._directory.name).resolve()
        adapter = ADAPTERS[driver]()
        self.driver = adapter.construct(self.share)._driver
        self.nova = self.driver._nova = Nova()
        self.nova.create = lambda info: self.report(
            info["snapshot_id"], "creating", "90%"
        )
        self.directory = adapter.mount_point(self.driver, self.share)

    def close(self) -> None:
        """Remove the share."""
        self._directory.cleanup()

    # -- rows

    def row(self, **fields: Any) -> Any:
        """The row of a volume of 1 GiB that the driver has yet to make."""
        volume = objects.Volume(
            self.context,
            size=1,
            status="creating",
            attach_status="detached",
            host="storage@shares#pool",
            user_id="ab",
            project_id="ab",
            volume_type_id=DEFAULT_VOLUME_TYPE,
            **fields,
        )
        volume.create()
        return volume

    def volume(self, **fields: Any) -> Any:
        """A new volume of 1 GiB, made by the driver."""
        volume = self.row(**fields)
        volume.update(self.driver.create_volume(volume) or {})
        volume.status = "available"
        volume.save()
        return volume

    def again(self, row: Any) -> Any:
        """A row as it is stored now."""
        return type(row).get_by_id(self.context, row.id)

    def attach(self, volume: Any) -> None:
        """Attach a volume, as far as the database and the driver go."""
        connection = self.driver.initialize_connection(volume, {"host": "h"})
        attachment = volume.begin_attach("rw")
        attachment.connector = {"host": "h"}
        attachment.connection_info = connection["data"]
        attachment.save()
        attachment.finish_attach(str(uuid.uuid4()), "h", "/dev/vdb")

    def snapshot(self, volume: Any) -> Any:
        """A snapshot as the API leaves it to the driver."""
        snapshot = objects.Snapshot(
            self.context,
            volume_id=volume.id,
            status="creating",
            progress="0%",
            volume_size=volume.size,
            user_id="ab",
            project_id="ab",
            volume_type_id=volume.volume_type_id,
            encryption_key_id=volume.encryption_key_id,
            metadata={},
        )
        snapshot.create()
        return self.again(snapshot)

    def take(self, volume: Any) -> Any:
        """A snapshot, taken by the driver."""
        snapshot = self.snapshot(volume)
        snapshot.update(self.driver.create_snapshot(snapshot) or {})
        snapshot.update({"status": "available", "progress": "100%"})
        snapshot.save()
        return snapshot

    def delete(self, snapshot: Any) -> None:
        """Delete a snapshot by the driver."""
        snapshot = self.again(snapshot)
        snapshot.status = "deleting"
        snapshot.save()
        self.driver.delete_snapshot(snapshot)
        snapshot.destroy()

    def report(self, snapshot_id: str, status: str, progress: str) -> None:
        """What Nova's report stores."""
        snapshot = objects.Snapshot.get_by_id(self.context, snapshot_id)
        snapshot.update({"status": status, "progress": progress})
        snapshot.save()

    # -- files

    def file(self, volume: Any, snapshot: Any = None) -> Path:
        """A volume's base image, or the overlay of one of its snapshots."""
        overlay = f".{snapshot.id}" if snapshot else ""
        return self.directory / f"{volume.name}{overlay}"

    def write(self, image: Path, data: bytes, format_: str) -> None:
        """Write to the beginning of the disk, as its guest does."""
        source = self.share / "data"
        # In whole sectors, as a disk is written.
        data += bytes(-len(data) % 512)
        source.write_bytes(data)
        command = f"write -s {source} 0 {len(data)}"
        self.run("qemu-io", "-f", format_, "-c", command, image)
        source.unlink()

    def backing(self, image: Path) -> tuple[str | None, str | None]:
        """The backing file of an image, and that file's format."""
        info = self.info(image, "qcow2")
        return (
            info.get("backing-filename"),
            info.get("backing-filename-format"),
        )

    def info(self, image: Path, format_: str) -> Any:
        """What ``qemu-img info`` says of an image."""
        options = ("-U", "-f", format_, "--output=json")
        return json.loads(self.run("qemu-img", "info", *options, image))

    def run(self, *words: object) -> str:
        """Run a command."""
        return subprocess.run(
            [str(word) for word in words],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
