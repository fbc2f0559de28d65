# SPDX-License-Identifier: Apache-2.0
"""Drivers with defects that are on no list, and that show late.

The drivers of ``fakes.broken`` were written with the rules in mind.  These
were not: they prove that the suite finds what nobody has thought of.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from assisted_kit.process import execute
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.chain import Settled
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.plan import Plan

GIB = 1024**3

VIRTUAL_SIZE = 24
"""Where a qcow2 header has it."""


class WrongFileAtDepthThree(RemoteFSAssistedDriver):
    """Merges past the backing file, but only from the third overlay on."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        depth = [i.name for i in reversed(chain.images)].index(plan.remove)
        if depth >= 3:
            base = str(files.path(chain.base.name))
            overlay = str(files.path(plan.remove))
            execute(
                *("qemu-img", "commit", "-f", "qcow2", "-d"),
                *("-b", base, overlay),
            )
        return super()._commit(files, info, chain, plan)


class SecondOverlayOneSectorShort(RemoteFSAssistedDriver):
    """Rounds the size of an overlay on an overlay down."""

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        super()._make_overlay(files, info, overlay, size, settled)
        if info.active != files.base:
            with files.path(overlay).open("r+b") as file:
                file.seek(VIRTUAL_SIZE)
                file.write(struct.pack(">Q", size * GIB - 512))


class LosesTheOldestRecord(RemoteFSAssistedDriver):
    """Writes the info file without its first snapshot, if there are three."""

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().delete_snapshot_assisted_complete(snapshot_ref)
        files = self._files(snapshot_ref.volume)
        info = info_file.read(files)
        if len(info.overlays) >= 2 and info.on_share:
            oldest = next(iter(info.overlays))
            info_file.write(files, info.without_snapshot(oldest))
        return update


class AttachesTheBaseAgain(RemoteFSAssistedDriver):
    """Takes a volume that nobody has attached for one without snapshots."""

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        connection = super().initialize_connection(volume, connector)
        available = [s for s in volume.snapshots if s.status == "available"]
        if len(available) == 2 and volume.attach_status == "detached":
            connection["data"]["name"] = volume.name
            connection["data"]["format"] = "raw"
        return connection
