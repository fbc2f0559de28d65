# SPDX-License-Identifier: Apache-2.0
"""Defects of recording formats, and of doing without a record."""

from __future__ import annotations

from typing import Any

from assisted_kit import qcow2
from fakes.broken.registry import BrokenDriver
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info


class KeepsBaseFormat(RemoteFSAssistedDriver):
    """Never records that a former overlay is the base image now."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_complete(snapshot_ref)
        update.get("volume_admin_metadata", {}).pop("base_format", None)
        return update


class NeedsFormat(RemoteFSAssistedDriver):
    """Takes for granted that a format was recorded."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        recorded = snapshot_ref.volume.admin_metadata
        recorded.get("base_format") or recorded["format"]
        return super().create_snapshot_assisted_complete(snapshot_ref)


class ProbesWhatIsUnrecorded(RemoteFSAssistedDriver):
    """Believes the base image when no format was recorded."""

    def _base_format(self, files: VolumeFiles, info: Info, volume: Any) -> str:
        base = files.path(files.base)
        if not volume.admin_metadata and qcow2.is_qcow2(base):
            return "qcow2"
        return super()._base_format(files, info, volume)


BROKEN = (
    BrokenDriver(KeepsBaseFormat, ("FMT-002",), ("commit 8c03308ed",)),
    BrokenDriver(NeedsFormat, ("FMT-003",)),
    BrokenDriver(ProbesWhatIsUnrecorded, ("FMT-004",), ("bug 2073146",)),
)
