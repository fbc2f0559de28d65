# SPDX-License-Identifier: Apache-2.0
"""Defects of connection information, and of copies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver.driver import RemoteFSAssistedDriver
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


class CopiesActive(RemoteFSAssistedDriver):
    """Copies what the volume holds now."""

    def create_volume_from_snapshot(
        self, volume: Any, snapshot: Any
    ) -> dict[str, Any]:
        files, info, chain = self._settled_chain(snapshot.volume)
        return self._copy(files, chain, info.overlays[snapshot.id], volume)


BROKEN = (
    BrokenDriver(
        StaleConnection,
        ("CRE-003",),
        ("bug 1860913", "bug 1989514"),
    ),
    BrokenDriver(ForgetsPending, ("ERR-004",), ("bug 1310526",)),
    BrokenDriver(CopiesActive, ("DAT-005",), ("bug 1222907",)),
)
