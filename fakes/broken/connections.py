# SPDX-License-Identifier: Apache-2.0
"""Defects of connection information, and of copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.chain import GIB
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import ForeignImage
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info


class StaleConnection(RemoteFSAssistedDriver):
    """Answers for an attachment what it answered before."""

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        connection = super().initialize_connection(volume, connector)
        for attachment in volume.volume_attachment:
            if attachment.connection_info:
                connection["data"] = {
                    key: attachment.connection_info[key]
                    for key in connection["data"]
                }
        return connection


class ForgetsPending(RemoteFSAssistedDriver):
    """Knows only what was reported."""

    def _pending(
        self, files: VolumeFiles, info: Info, volume: Any
    ) -> list[Any]:
        return []


class NamesRecordedFormat(RemoteFSAssistedDriver):
    """Names the format that is recorded, whichever image is in use."""

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        connection = super().initialize_connection(volume, connector)
        recorded = volume.admin_metadata.get("format")
        connection["data"]["format"] = recorded or connection["data"]["format"]
        return connection


class RecordsWhenAsked(RemoteFSAssistedDriver):
    """Puts its records right when an attachment is looked up."""

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        connection = super().initialize_connection(volume, connector)
        files = self._files(volume)
        info = self._read_info(files, volume)
        name = connection["data"]["name"]
        if info.on_share and info.active != name:
            info_file.write(files, info.with_active(name))
        return connection


class AnswersWithPath(RemoteFSAssistedDriver):
    """Puts an object into data that only its own process has."""

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        connection = super().initialize_connection(volume, connector)
        connection["data"]["mount_point"] = self._directory
        return connection


class NamesWholePath(RemoteFSAssistedDriver):
    """Names the image by the path that it has on Cinder's host."""

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        connection = super().initialize_connection(volume, connector)
        name = connection["data"]["name"]
        connection["data"]["name"] = str(self._directory / name)
        return connection


class PendingWhileCreating(RemoteFSAssistedDriver):
    """Takes a create that failed for one that is over."""

    def _pending(
        self, files: VolumeFiles, info: Info, volume: Any
    ) -> list[Any]:
        return [
            snapshot
            for snapshot in super()._pending(files, info, volume)
            if snapshot.status == "creating"
        ]


class ConnectsSettledOnly(RemoteFSAssistedDriver):
    """Refuses to attach a volume of which a create is pending."""

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        self._settled_chain(volume)
        return super().initialize_connection(volume, connector)


class CopiesActive(RemoteFSAssistedDriver):
    """Copies what the volume holds now."""

    def create_volume_from_snapshot(
        self, volume: Any, snapshot: Any
    ) -> dict[str, Any]:
        files, info, chain = self._settled_chain(snapshot.volume)
        return self._copy(files, chain, info.overlays[snapshot.id], volume)


class WantsWholeSize(RemoteFSAssistedDriver):
    """Refuses an image that is not as large as its volume."""

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        _, _, chain = self._chain(volume)
        if chain.active.virtual_size != volume.size * GIB:
            raise ForeignImage(f"{chain.active.name} has another size")
        return super().initialize_connection(volume, connector)


BROKEN = (
    BrokenDriver(
        StaleConnection,
        ("CRE-003",),
        ("bug 1860913", "bug 1989514"),
    ),
    BrokenDriver(ForgetsPending, ("ERR-004", "FLT-002"), ("bug 1310526",)),
    BrokenDriver(NamesRecordedFormat, ("CON-004",), ("LIVE-11",)),
    BrokenDriver(RecordsWhenAsked, ("CON-001",)),
    BrokenDriver(AnswersWithPath, ("CON-002",)),
    BrokenDriver(NamesWholePath, ("CON-003",), ("bug 1475419",)),
    BrokenDriver(PendingWhileCreating, ("CON-004",), ("bug 1310526",)),
    BrokenDriver(ConnectsSettledOnly, ("CON-005",)),
    BrokenDriver(CopiesActive, ("DAT-005",), ("bug 1222907",)),
    BrokenDriver(WantsWholeSize, ("CON-006",), ("bug 2073146",)),
)
