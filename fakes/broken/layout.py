# SPDX-License-Identifier: Apache-2.0
"""Defects of names and of the info file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import DamagedInfoFile
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.plan import Plan


class RecordsBackingFile(RemoteFSAssistedDriver):
    """Records for a snapshot the file that its data is in."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files = self._files(snapshot_ref.volume)
        before = info_file.read(files)
        update = super().create_snapshot_assisted_complete(snapshot_ref)
        after = info_file.read(files)
        wrong = after.with_snapshot(snapshot_ref.id, before.active)
        info_file.write(files, wrong.with_active(after.active))
        return update


class _WrittenInPlace(VolumeFiles):
    _how_to_create = os.O_CREAT | os.O_TRUNC

    def make(
        self,
        name: str,
        write: Callable[[Path], object],
        *,
        like: Path | None = None,
        sync_directory: bool = True,
    ) -> None:
        if name == self.info:
            write(self.path(name))
        else:
            super().make(name, write, like=like, sync_directory=sync_directory)


class WritesInPlace(RemoteFSAssistedDriver):
    """Truncates the info file and writes it anew."""

    def _files(self, volume: Any) -> VolumeFiles:
        return _WrittenInPlace(self._directory, volume)


class _NamedById(VolumeFiles):
    def __init__(self, directory: Path, volume: Any) -> None:
        super().__init__(directory, volume)
        self._id_name = f"volume-{volume.id}"
        own = f"(?:{re.escape(self.base)}|{re.escape(self._id_name)})"
        self._own = re.compile(f"{own}(?:\\.[0-9a-f-]+)?")

    def overlay(self, snapshot_id: str) -> str:
        return f"{self._id_name}.{snapshot_id}"


class NamesById(RemoteFSAssistedDriver):
    """Names overlays after the volume's id."""

    def _files(self, volume: Any) -> VolumeFiles:
        return _NamedById(self._directory, volume)


class TakesMissingForNone(RemoteFSAssistedDriver):
    """Takes a missing info file for no snapshots, whatever is there."""

    def _read_info(self, files: VolumeFiles, volume: Any) -> Info:
        return info_file.read(files)


class NeedsInfoFile(RemoteFSAssistedDriver):
    """Expects an info file wherever there is an overlay."""

    def _read_info(self, files: VolumeFiles, volume: Any) -> Info:
        info = info_file.read(files)
        if not info.on_share and files.overlays():
            raise DamagedInfoFile(f"{files.path(files.info)} is missing")
        return info


class _NoTemporaryOnes(VolumeFiles):
    def __init__(self, directory: Path, volume: Any) -> None:
        super().__init__(directory, volume)
        self._own = re.compile(f"{re.escape(self.base)}(?:\\.[0-9a-f-]+)?")


class KnowsOwnNamesOnly(RemoteFSAssistedDriver):
    """Knows the names only that it gives to overlays itself."""

    def _files(self, volume: Any) -> VolumeFiles:
        return _NoTemporaryOnes(self._directory, volume)


class KeepsRecord(RemoteFSAssistedDriver):
    """Leaves the record of a snapshot whose overlay is gone."""

    def _remove(
        self, files: VolumeFiles, chain: Chain, plan: Plan, volume: Any
    ) -> None:
        super()._remove(files, chain, plan, volume)
        for snapshot in volume.snapshots:
            if files.overlay(snapshot.id) == plan.overlay:
                info = info_file.read(files)
                active = info.active
                kept = info.with_snapshot(snapshot.id, plan.overlay)
                info_file.write(files, kept.with_active(active))


class TakesWhatIsThere(RemoteFSAssistedDriver):
    """Makes a volume's files only where there are none."""

    def create_volume(self, volume: Any) -> dict[str, Any]:
        if self._files(volume).everything():
            return self._made("raw")
        return super().create_volume(volume)


BROKEN = (
    BrokenDriver(RecordsBackingFile, ("LAY-001",), ("bug 1222907",)),
    BrokenDriver(
        WritesInPlace,
        ("LAY-003", "CRH-001", "CRH-002", "CRH-003"),
        ("commit 792da5dbb",),
    ),
    BrokenDriver(NamesById, ("LAY-004",), ("bug 1798468",)),
    BrokenDriver(TakesMissingForNone, ("LAY-005",)),
    BrokenDriver(NeedsInfoFile, ("LAY-006",)),
    BrokenDriver(KnowsOwnNamesOnly, ("LAY-007",)),
    BrokenDriver(KeepsRecord, ("LAY-008",)),
    BrokenDriver(TakesWhatIsThere, ("LAY-009",), ("bug 1299182",)),
)
