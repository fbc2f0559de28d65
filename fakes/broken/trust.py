# SPDX-License-Identifier: Apache-2.0
"""Defects of trust: names and records taken as they stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import DamagedInfoFile
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info


class TrustsHeaders(RemoteFSAssistedDriver):
    """Follows a header wherever it points."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files = self._files(snapshot_ref.volume)
        info = self._read_info(files, snapshot_ref.volume)
        overlay = files.overlay(snapshot_ref.id)
        format_ = "raw" if info.active == files.base else "qcow2"
        files.make(
            overlay,
            lambda path: self._qemu_img.create_overlay(
                path, info.active, format_, snapshot_ref.volume.size
            ),
        )
        return {}


class TrustsInfoFile(RemoteFSAssistedDriver):
    """Removes the file that the info file names."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        return {}

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files = self._files(snapshot_ref.volume)
        info = json.loads(files.path(files.info).read_text())
        Path(self._directory, info[snapshot_ref.id]).unlink()
        return {}


class TakesDamageForNothing(RemoteFSAssistedDriver):
    """Takes an info file that cannot be read for one without snapshots."""

    def _read_info(self, files: VolumeFiles, volume: Any) -> Info:
        try:
            return super()._read_info(files, volume)
        except DamagedInfoFile:
            return Info(files.base, on_share=False)


BROKEN = (
    BrokenDriver(
        TrustsHeaders, ("SEC-001",), ("CVE-2014-3641", "bug 1350504")
    ),
    BrokenDriver(TrustsInfoFile, ("SEC-002",)),
    BrokenDriver(TakesDamageForNothing, ("SEC-003",), ("commit 792da5dbb",)),
)
