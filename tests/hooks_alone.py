# SPDX-License-Identifier: Apache-2.0
"""The reference driver's hooks alone: no manager, database or thread."""

from __future__ import annotations

import copy
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assisted_kit.adapter import DriverConfiguration
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from assisted_kit.key_manager import KeyManager
from assisted_kit.process import execute
from assisted_kit.refs import SnapshotRef
from assisted_kit.refs import VolumeRef
from assisted_kit.updates import validate
from reference_driver.driver import RemoteFSAssistedDriver

CONNECTOR: Mapping[str, Any] = {"host": "tests"}


class DetachedVolume:
    """A detached volume on a directory, its rows kept in memory.

    :param key_manager: encrypts the volume, with a key that it makes.
    """

    def __init__(
        self,
        share: Path,
        *,
        qcow2: bool = False,
        key_manager: KeyManager | None = None,
    ) -> None:
        self.share = share
        self.qcow2 = qcow2
        self.key_manager = key_manager
        self.commands: list[tuple[str, ...]] = []
        self.limits: list[Any] = []
        self.hook_seconds = 0.0
        self.fields: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "size": 1,
            "status": "available",
            "attach_status": "detached",
            "encryption_key_id": key_manager and key_manager.create_key(None),
            "admin_metadata": {},
        }
        self.snapshots: dict[str, dict[str, Any]] = {}
        update = self.driver().create_volume(self.ref())
        self.fields["admin_metadata"] = update["admin_metadata"]

    def copy(self, directory: Path) -> DetachedVolume:
        """The same volume on a share of its own, below ``directory``."""
        share = Path(tempfile.mkdtemp(dir=directory))
        # It keeps the holes, without which a volume would be a GiB.
        subprocess.run(
            ["cp", "-a", "--sparse=always", f"{self.share}/.", str(share)],
            check=True,
        )
        twin = copy.copy(self)
        twin.share = share
        twin.fields = copy.deepcopy(self.fields)
        twin.snapshots = copy.deepcopy(self.snapshots)
        twin.commands = []
        twin.limits = []
        return twin

    def driver(self) -> RemoteFSAssistedDriver:
        """A driver instance of its own, as another process has."""
        configuration = DriverConfiguration(
            {"share_directory": self.share, "qcow2_volumes": self.qcow2}
        )
        return RemoteFSAssistedDriver(
            configuration,
            execute=self._execute,
            key_manager=self.key_manager,
        )

    def ref(self) -> VolumeRef:
        """The volume as a driver gets it."""
        volume = VolumeRef(
            {
                **self.fields,
                "snapshots": [
                    SnapshotRef(fields) for fields in self.snapshots.values()
                ],
                "volume_attachment": [],
            }
        )
        for snapshot in volume.snapshots:
            snapshot.bind(volume)
        return volume

    def snapshot_ref(self, snapshot_id: str) -> SnapshotRef:
        """A snapshot as a hook gets it."""
        for snapshot in self.ref().snapshots:
            if snapshot.id == snapshot_id:
                found: SnapshotRef = snapshot
                return found
        raise KeyError(snapshot_id)

    def new_snapshot(self) -> str:
        """The row of a snapshot that is being created."""
        snapshot_id = str(uuid.uuid4())
        self.snapshots[snapshot_id] = {
            "id": snapshot_id,
            "volume_id": self.fields["id"],
            "status": "creating",
            "snapshot_admin_metadata": {},
        }
        return snapshot_id

    def call(self, hook: Hook, snapshot_id: str) -> None:
        """Call a hook and store what it returns."""
        driver = self.driver()
        work = getattr(driver, hook)
        ref = self.snapshot_ref(snapshot_id)
        start = time.perf_counter()
        returned = work(ref)
        self.hook_seconds += time.perf_counter() - start
        update = validate(hook, returned)
        stored = self.snapshots[snapshot_id]["snapshot_admin_metadata"]
        for pairs, changes in (
            (stored, update.snapshot_admin_metadata),
            (self.fields["admin_metadata"], update.volume_admin_metadata),
        ):
            for key, value in changes.items():
                pairs.pop(key, None)
                if value is not None:
                    pairs[key] = value

    def take(self) -> str:
        """Take a snapshot."""
        snapshot_id = self.new_snapshot()
        self.call(Hook.CREATE_BEGIN, snapshot_id)
        self.call(Hook.CREATE_COMPLETE, snapshot_id)
        self.snapshots[snapshot_id]["status"] = "available"
        return snapshot_id

    def delete(self, snapshot_id: str) -> None:
        """Delete a snapshot."""
        self.snapshots[snapshot_id]["status"] = "deleting"
        for hook in Hook:
            if hook.operation is Operation.DELETE:
                self.call(hook, snapshot_id)
        del self.snapshots[snapshot_id]

    def active(self) -> tuple[Path, str]:
        """The active image and its format."""
        connection = self.driver().initialize_connection(self.ref(), CONNECTOR)
        data = connection["data"]
        return self.share / data["name"], data["format"]

    def write(self, number: int) -> None:
        """Write a pattern at a place that ``number`` shares with others."""
        path, format_ = self.active()
        where = f"{number // 2 * 64}k 128k"
        command = ["qemu-io", "-f", format_]
        command += ["-c", f"write -P {number + 1} {where}", str(path)]
        subprocess.run(command, check=True, capture_output=True)

    def content(self, path: Path, format_: str) -> bytes:
        """The first 512 KiB of what is read through an image."""
        copied = self.share / "content"
        command = ["qemu-img", "dd", "-U", "-f", format_, "-O", "raw"]
        command += ["bs=512k", "count=1", f"if={path}", f"of={copied}"]
        subprocess.run(command, check=True, capture_output=True)
        content = copied.read_bytes()
        copied.unlink()
        return content

    def _execute(self, *command: str, prlimit: Any = None) -> tuple[str, str]:
        self.commands.append(command)
        self.limits.append(prlimit)
        return execute(*command, prlimit=prlimit)
