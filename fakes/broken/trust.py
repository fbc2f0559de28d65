# SPDX-License-Identifier: Apache-2.0
"""Defects of trust: names and records taken as they stand."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assisted_kit.process import ProcessFailed
from assisted_kit.qcow2 import DamagedImage
from fakes.broken.registry import BrokenDriver
from reference_driver.chain import Chain
from reference_driver.chain import GIB
from reference_driver.chain import Image
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import DamagedInfoFile
from reference_driver.errors import ForeignImage
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


class _Followed(VolumeFiles):
    def path(self, name: str) -> Path:
        return super().path(name).resolve()

    def at(self, name: str) -> str:
        return str(self.path(name))


class FollowsLinks(RemoteFSAssistedDriver):
    """Opens what a link points at."""

    def _files(self, volume: Any) -> VolumeFiles:
        return _Followed(self._directory, volume)


class IgnoresSize(RemoteFSAssistedDriver):
    """Takes images of any virtual size."""

    def _walk(
        self,
        files: VolumeFiles,
        info: Info,
        volume: Any,
        active: str,
        *,
        size_gib: int = 0,
    ) -> Chain:
        return super()._walk(files, info, volume, active, size_gib=1024)


class TrustsActive(RemoteFSAssistedDriver):
    """Attaches whatever the info file names as active."""

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        files = self._files(volume)
        if not files.exists(files.info):
            return super().initialize_connection(volume, connector)
        active = json.loads(files.path(files.info).read_text())["active"]
        return {
            "driver_volume_type": "nfs",
            "data": {
                "export": self._export,
                "name": active,
                "format": "raw" if active == files.base else "qcow2",
            },
        }


class AsksQemuImg(RemoteFSAssistedDriver):
    """Has ``qemu-img`` look at whatever the info file names as active."""

    def _read_info(self, files: VolumeFiles, volume: Any) -> Info:
        if files.exists(files.info):
            named = json.loads(files.path(files.info).read_text())
            active = str(named["active"])
            # A pseudo-file is none of the share's.
            path = active if ":" in active else str(files.path(active))
            with contextlib.suppress(ProcessFailed):
                self._qemu_img._execute("qemu-img", "info", "-U", path)
        return super()._read_info(files, volume)


class LooksFirst(RemoteFSAssistedDriver):
    """Has ``qemu-img`` look at the chain, and checks it then."""

    def _read_info(self, files: VolumeFiles, volume: Any) -> Info:
        info = super()._read_info(files, volume)
        with contextlib.suppress(ProcessFailed):
            self._qemu_img._execute(
                *("qemu-img", "info", "-U", "--backing-chain"),
                files.at(info.active),
            )
        return info


class TrustsItsBegin(RemoteFSAssistedDriver):
    """Has ``qemu-img`` open the overlay: *begin* has made it, after all."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files = self._files(snapshot_ref.volume)
        with contextlib.suppress(ProcessFailed):
            self._qemu_img._execute(
                *("qemu-img", "info", "-U", "-f", "qcow2", "--backing-chain"),
                files.at(files.overlay(snapshot_ref.id)),
            )
        return super().create_snapshot_assisted_complete(snapshot_ref)


class TakesDamagedHeaders(RemoteFSAssistedDriver):
    """Goes by what it recorded where a header makes no sense."""

    def _walk(
        self,
        files: VolumeFiles,
        info: Info,
        volume: Any,
        active: str,
        *,
        size_gib: int = 0,
    ) -> Chain:
        try:
            return super()._walk(
                files, info, volume, active, size_gib=size_gib
            )
        except ForeignImage as error:
            if not isinstance(error.__cause__, DamagedImage):
                raise
        size = volume.size * GIB
        return Chain.of(
            Image(name, "raw" if name == files.base else "qcow2", size)
            for name in (active, files.base)
        )


class _BareNamesOnly(VolumeFiles):
    def own(self, name: object) -> str:
        if isinstance(name, str) and "/" in name:
            raise ForeignImage(f"{name!r} is no bare name")
        return super().own(name)


class NeedsBareNames(RemoteFSAssistedDriver):
    """Refuses the absolute names of its own files."""

    def _files(self, volume: Any) -> VolumeFiles:
        return _BareNamesOnly(self._directory, volume)


class TakesDamageForNothing(RemoteFSAssistedDriver):
    """Takes an info file that cannot be read for one without snapshots."""

    def _read_info(self, files: VolumeFiles, volume: Any) -> Info:
        try:
            return super()._read_info(files, volume)
        except DamagedInfoFile:
            return Info(files.base, on_share=False)


class RemovesWhatIsNamed(RemoteFSAssistedDriver):
    """Removes with a volume whatever its info file says is in use."""

    def delete_volume(self, volume: Any) -> None:
        files = self._files(volume)
        if files.exists(files.info):
            said = json.loads(files.path(files.info).read_bytes())
            files.path(said["active"]).unlink(missing_ok=True)
        super().delete_volume(volume)


class ReadsAMebibyte(RemoteFSAssistedDriver):
    """Reads an info file up to where no good one ends, and no further."""

    def _read_info(self, files: VolumeFiles, volume: Any) -> Info:
        path = files.path(files.info)
        if path.is_file() and path.stat().st_size > LONGEST:
            content = json.loads(path.read_bytes()[:LONGEST])
            return Info(content.pop("active"), content)
        return super()._read_info(files, volume)


LONGEST = 1024**2
"""Bytes."""


BROKEN = (
    BrokenDriver(
        TrustsHeaders,
        (
            "SEC-001",
            "SEC-005",
            "SEC-006",
            "SEC-007",
            "SEC-008",
            "SEC-010",
        ),
        ("CVE-2014-3641", "CVE-2022-47951", "CVE-2024-32498", "bug 1350504"),
    ),
    BrokenDriver(TrustsInfoFile, ("SEC-002",)),
    BrokenDriver(RemovesWhatIsNamed, ("SEC-002",)),
    BrokenDriver(TrustsActive, ("SEC-011",)),
    BrokenDriver(FollowsLinks, ("SEC-004",)),
    BrokenDriver(IgnoresSize, ("SEC-009",), ("bug 2059809",)),
    BrokenDriver(AsksQemuImg, ("SEC-012",), ("CVE-2024-4467",)),
    BrokenDriver(TakesDamagedHeaders, ("SEC-014",)),
    BrokenDriver(
        LooksFirst, ("SEC-015",), ("CVE-2024-32498", "CVE-2024-4467")
    ),
    BrokenDriver(TrustsItsBegin, ("SEC-016",), ("CVE-2024-32498",)),
    BrokenDriver(NeedsBareNames, ("SEC-013",), ("bug 2103742",)),
    BrokenDriver(TakesDamageForNothing, ("SEC-003",), ("commit 792da5dbb",)),
    BrokenDriver(ReadsAMebibyte, ("SEC-003",)),
)
