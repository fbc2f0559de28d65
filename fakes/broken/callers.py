# SPDX-License-Identifier: Apache-2.0
"""Defects that show when Cinder's own operations take snapshots."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import InvalidSnapshot
from reference_driver.errors import InvalidVolume
from reference_driver.files import VolumeFiles


class TakesNamesForIds(RemoteFSAssistedDriver):
    """Takes a second snapshot of a name for the first one, repeated."""

    def __init__(self, configuration: Any, **others: Any) -> None:
        super().__init__(configuration, **others)
        self._begun: dict[str, str] = {}

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        name, id_ = snapshot_ref.display_name, snapshot_ref.id
        if self._begun.setdefault(name, id_) == id_:
            return super().create_snapshot_assisted_begin(snapshot_ref)
        return {}


class GoesByStatus(RemoteFSAssistedDriver):
    """Takes a volume for detached that is not in-use."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        return update if snapshot_ref.volume.status == "in-use" else {}


class CopiesAvailableOnly(RemoteFSAssistedDriver):
    """Refuses to copy a snapshot that is backing-up."""

    def create_volume_from_snapshot(
        self, volume: Any, snapshot: Any
    ) -> dict[str, Any]:
        if snapshot.status != "available":
            raise InvalidSnapshot(f"snapshot {snapshot.id} is busy")
        return super().create_volume_from_snapshot(volume, snapshot)


class KnowsTemporary(RemoteFSAssistedDriver):
    """Keeps no record of a snapshot that it takes for a temporary one."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files = self._files(snapshot_ref.volume)
        update = super().create_snapshot_assisted_complete(snapshot_ref)
        if (snapshot_ref.display_name or "").startswith("tmp-snap-"):
            info = info_file.read(files)
            forgotten = info.without_snapshot(snapshot_ref.id)
            info_file.write(files, forgotten)
        return update


class NeedsDisplayName(RemoteFSAssistedDriver):
    """Expects every snapshot to have a name."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        if snapshot_ref.display_name.startswith("tmp-snap-"):
            return {}
        return super().create_snapshot_assisted_begin(snapshot_ref)


class _NamedOverlays(VolumeFiles):
    """Names overlays after what their snapshots are called."""

    names: Mapping[str, str | None]
    """The display names of snapshots, by id."""

    def overlay(self, snapshot_id: str) -> str:
        name = self.names.get(snapshot_id, snapshot_id)
        return self.own(
            f"{self.base}.{uuid.uuid5(uuid.NAMESPACE_URL, name or '')}"
        )


class NamesOverlayAfterDisplayName(RemoteFSAssistedDriver):
    """Names a snapshot's overlay after the snapshot's display name."""

    def __init__(self, configuration: Any, **others: Any) -> None:
        super().__init__(configuration, **others)
        self._names: dict[str, str | None] = {}

    def _files(self, volume: Any) -> VolumeFiles:
        files = _NamedOverlays(self._directory, volume)
        files.names = self._names
        return files

    def _learn(self, snapshot_ref: Any) -> None:
        self._names[snapshot_ref.id] = snapshot_ref.display_name

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._learn(snapshot_ref)
        return super().create_snapshot_assisted_begin(snapshot_ref)

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._learn(snapshot_ref)
        return super().create_snapshot_assisted_complete(snapshot_ref)

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._learn(snapshot_ref)
        return super().delete_snapshot_assisted_begin(snapshot_ref)

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._learn(snapshot_ref)
        return super().delete_snapshot_assisted_complete(snapshot_ref)


class RefusesDeleting(RemoteFSAssistedDriver):
    """Deletes snapshots of volumes in two statuses only."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        if snapshot_ref.volume.status not in ("available", "in-use"):
            raise InvalidVolume(f"volume is {snapshot_ref.volume.status}")
        return super().delete_snapshot_assisted_begin(snapshot_ref)


class DeletesBaseOnly(RemoteFSAssistedDriver):
    """Deletes the file that is named like the volume, and the info file."""

    def delete_volume(self, volume: Any) -> None:
        files = self._files(volume)
        files.remove(files.base)
        files.remove(files.info)


class DeletesActiveOnly(RemoteFSAssistedDriver):
    """Deletes the active image and the info file."""

    def delete_volume(self, volume: Any) -> None:
        files = self._files(volume)
        files.remove(info_file.read(files).active)
        files.remove(files.info)


class ClonesAvailableOnly(RemoteFSAssistedDriver):
    """Refuses to clone a volume that is downloading."""

    def create_cloned_volume(
        self, volume: Any, src_vref: Any
    ) -> dict[str, Any]:
        if src_vref.status != "available":
            raise InvalidVolume(f"volume is {src_vref.status}")
        return super().create_cloned_volume(volume, src_vref)


class ClonesUnderSourcesName(RemoteFSAssistedDriver):
    """Names a clone's file after the volume that it is a clone of."""

    def create_cloned_volume(
        self, volume: Any, src_vref: Any
    ) -> dict[str, Any]:
        made = super().create_cloned_volume(volume, src_vref)
        path = self._directory / volume.name
        path.rename(self._directory / f"{src_vref.name}-{volume.id}")
        return made


class LocksItselfOut(RemoteFSAssistedDriver):
    """Calls a method that takes the lock that is held already."""

    _lock = threading.Lock()

    def create_volume(self, volume: Any) -> dict[str, Any]:
        with self._lock:
            return super().create_volume(volume)

    def create_cloned_volume(
        self, volume: Any, src_vref: Any
    ) -> dict[str, Any]:
        with self._lock:
            self.create_volume(volume)
            self.delete_volume(volume)
            return super().create_cloned_volume(volume, src_vref)


BROKEN = (
    BrokenDriver(TakesNamesForIds, ("CAL-001",)),
    BrokenDriver(GoesByStatus, ("CAL-002",), ("commit fb48a1fe6",)),
    BrokenDriver(
        CopiesAvailableOnly,
        ("CAL-002", "CAL-004", "CAL-005", "CAL-008"),
        ("bug 1888951", "bug 1946059"),
    ),
    BrokenDriver(KnowsTemporary, ("CAL-003", "CAL-004"), ("bug 1875570",)),
    BrokenDriver(NeedsDisplayName, ("CAL-003", "CAL-004")),
    BrokenDriver(
        NamesOverlayAfterDisplayName, ("CAL-005", "LAY-004"), ("bug 1840712",)
    ),
    BrokenDriver(RefusesDeleting, ("CAL-006",), ("bug 1681406",)),
    BrokenDriver(DeletesBaseOnly, ("CAL-007",), ("bug 1300303",)),
    BrokenDriver(DeletesActiveOnly, ("CAL-007",), ("LIVE-17",)),
    BrokenDriver(ClonesAvailableOnly, ("CAL-008",), ("bug 1685277",)),
    BrokenDriver(LocksItselfOut, ("ABL-003",), ("bug 1272092",)),
    BrokenDriver(ClonesUnderSourcesName, ("ABL-003",), ("bug 1244238",)),
)
