# SPDX-License-Identifier: Apache-2.0
"""Defects of optional abilities: copies, extend, revert and upload."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assisted_kit.process import execute
from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.chain import GIB
from reference_driver.chain import Image
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import ExtendVolumeError
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info


class CopiesByName(RemoteFSAssistedDriver):
    """Finds a snapshot's overlay by its name and not in the info file."""

    def create_volume_from_snapshot(
        self, volume: Any, snapshot: Any
    ) -> dict[str, Any]:
        files, _, chain = self._settled_chain(snapshot.volume)
        overlay = chain.find(files.overlay(snapshot.id))
        return self._copy(files, chain, str(overlay.backing), volume)


class LinksBase(RemoteFSAssistedDriver):
    """Saves the copying where the data is in the base image."""

    def _copy(
        self, source: VolumeFiles, chain: Chain, name: str, volume: Any
    ) -> dict[str, Any]:
        if name != source.base:
            return super()._copy(source, chain, name, volume)
        files = self._new_files(volume)
        os.link(source.path(name), files.path(files.base))
        return self._made(chain.base.format)


class ClonesBase(RemoteFSAssistedDriver):
    """Takes the base image for the volume."""

    def create_cloned_volume(
        self, volume: Any, src_vref: Any
    ) -> dict[str, Any]:
        files, _, chain = self._settled_chain(src_vref)
        return self._copy(files, chain, chain.base.name, volume)


class ForgetsFormatOfCopies(RemoteFSAssistedDriver):
    """Records the format of new volumes only when they are empty."""

    def _copy(
        self, source: VolumeFiles, chain: Chain, name: str, volume: Any
    ) -> dict[str, Any]:
        made = super()._copy(source, chain, name, volume)
        return {"provider_location": made["provider_location"]}


class ProbesSource(RemoteFSAssistedDriver):
    """Reads an image as what it looks like."""

    def _settled_chain(
        self, volume: Any, *, but: Any = None
    ) -> tuple[VolumeFiles, Info, Chain]:
        files, info, chain = super()._settled_chain(volume, but=but)
        with files.path(chain.base.name).open("rb") as file:
            looks = "qcow2" if file.read(4) == b"QFI\xfb" else "raw"
        base = chain.base._replace(format=looks)
        return files, info, Chain.of((*chain.images[:-1], base))


class ExtendsBase(RemoteFSAssistedDriver):
    """Resizes the file that is named like the volume."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        files, _, chain = self._settled_chain(volume)
        path = files.path(chain.base.name)
        self._qemu_img.resize(path, chain.base.format, new_size)


class ExtendsWholeChain(RemoteFSAssistedDriver):
    """Resizes the backing files as well."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        files, _, chain = self._settled_chain(volume)
        for image in chain:
            path = files.path(image.name)
            self._qemu_img.resize(path, image.format, new_size)


class ExtendsInVain(RemoteFSAssistedDriver):
    """Leaves it to the next attachment to find out the size."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        return None


class RefusesTooLate(RemoteFSAssistedDriver):
    """Looks whether it may resize an image when it has done so."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        files, info, chain = self._chain(volume)
        if chain.active.format == "raw":
            os.truncate(files.path(info.active), new_size * GIB)
        super().extend_volume(volume, new_size)


class ExtendsByReplacing(RemoteFSAssistedDriver):
    """Makes a larger copy, under a guest that has the old file open."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        files, info, chain = self._chain(volume)
        if len(chain.images) > 1:
            return super().extend_volume(volume, new_size)
        active = files.path(info.active)

        def write(path: Path) -> None:
            execute("cp", "--sparse=always", str(active), str(path))
            self._qemu_img.resize(path, chain.active.format, new_size)

        files.make(info.active, write, like=active)
        return None


class RevertsByCopying(RemoteFSAssistedDriver):
    """Writes the snapshot's data over the active image, as raw."""

    def revert_to_snapshot(
        self, context: Any, volume: Any, snapshot: Any
    ) -> None:
        files, info, chain = self._settled_chain(volume)
        overlay = chain.find(info.overlays[snapshot.id])
        below = chain.find(str(overlay.backing))
        path = files.path(info.active)
        self._qemu_img.convert(
            files.path(below.name), below.format, path, "raw"
        )


class RevertDropsSnapshot(RemoteFSAssistedDriver):
    """Goes back to the backing file, and forgets what it was recorded for."""

    def revert_to_snapshot(
        self, context: Any, volume: Any, snapshot: Any
    ) -> None:
        files, info, chain = self._settled_chain(volume)
        overlay = chain.find(info.overlays[snapshot.id])
        reverted = info.without_snapshot(snapshot.id)
        info_file.write(files, reverted.with_active(str(overlay.backing)))
        files.remove(overlay.name)


class UploadsOverlay(RemoteFSAssistedDriver):
    """Uploads the active image as it is."""

    def copy_volume_to_image(
        self,
        context: Any,
        volume: Any,
        image_service: Any,
        image_meta: Mapping[str, Any],
    ) -> None:
        files, info, _ = self._settled_chain(volume)
        with files.path(info.active).open("rb") as file:
            image_service.update(context, image_meta["id"], {}, file)


class WorksInDoubt(RemoteFSAssistedDriver):
    """Copies what is recorded, whatever else may have come of it."""

    def _check_settled(self, *_arguments: Any, **_options: Any) -> None:
        """Doubt nothing."""


class ExtendsInDoubt(RemoteFSAssistedDriver):
    """Extends what is recorded, whatever else may have come of it."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        files, info, chain = self._chain(volume)
        path = files.path(info.active)
        self._qemu_img.resize(path, chain.active.format, new_size)


class IgnoresKey(RemoteFSAssistedDriver):
    """Makes a plain file for a volume that is to be encrypted."""

    def create_volume(self, volume: Any) -> dict[str, Any]:
        volume.encryption_key_id = None
        return super().create_volume(volume)

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        snapshot_ref.volume.encryption_key_id = None
        return super().create_snapshot_assisted_begin(snapshot_ref)


class ResizesProbed(RemoteFSAssistedDriver):
    """Leaves it to qemu-img to find out what it resizes."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        files, info, _ = self._settled_chain(volume)
        path = str(files.path(info.active))
        execute("qemu-img", "resize", path, f"{new_size}G")


class KeepsCopiesToItself(RemoteFSAssistedDriver):
    """Makes copies that only the volume service's user can open."""

    def _copy(
        self, source: VolumeFiles, chain: Chain, name: str, volume: Any
    ) -> dict[str, Any]:
        made = super()._copy(source, chain, name, volume)
        files = self._files(volume)
        files.path(files.base).chmod(0o600)
        return made


class CopiesWithoutKey(RemoteFSAssistedDriver):
    """Makes the same copy, whether or not it is to be encrypted."""

    def _copy(
        self, source: VolumeFiles, chain: Chain, name: str, volume: Any
    ) -> dict[str, Any]:
        volume.encryption_key_id = None
        return super()._copy(source, chain, name, volume)


class ExtendsByStatus(RemoteFSAssistedDriver):
    """Takes a volume that is being extended for one that nobody has open."""

    def extend_volume(self, volume: Any, new_size: int) -> None:
        if volume.status == "in-use":
            raise ExtendVolumeError(f"volume {volume.id} is in use")
        files, info, chain = self._settled_chain(volume)
        path = files.path(info.active)
        self._qemu_img.resize(path, chain.active.format, new_size)


class CopiesInSourcesSize(RemoteFSAssistedDriver):
    """Makes a copy as large as its source, whatever was asked."""

    def _copy_image(
        self,
        source: VolumeFiles,
        image: Image,
        files: VolumeFiles,
        format_: str,
    ) -> None:
        path = source.path(image.name)
        files.make(
            files.base,
            lambda new: self._qemu_img.convert(
                path, image.format, new, format_
            ),
            like=path,
        )


BROKEN = (
    BrokenDriver(CopiesByName, ("ABL-001",), ("bug 1262880",)),
    BrokenDriver(LinksBase, ("ABL-002",)),
    BrokenDriver(ClonesBase, ("ABL-003",), ("bug 1275977",)),
    BrokenDriver(ForgetsFormatOfCopies, ("ABL-004",), ("bug 2142477",)),
    BrokenDriver(ProbesSource, ("ABL-005",), ("CVE-2015-1851",)),
    BrokenDriver(ExtendsBase, ("ABL-006",), ("bug 1499452",)),
    BrokenDriver(ExtendsWholeChain, ("ABL-006",)),
    BrokenDriver(ExtendsInVain, ("ABL-006", "ABL-007")),
    BrokenDriver(RefusesTooLate, ("ABL-007",), ("bug 2103742",)),
    BrokenDriver(ExtendsByReplacing, ("ABL-007",), ("bug 1870367",)),
    BrokenDriver(RevertsByCopying, ("ABL-008",), ("LIVE-16",)),
    BrokenDriver(RevertDropsSnapshot, ("ABL-008",)),
    BrokenDriver(UploadsOverlay, ("ABL-009",), ("bug 1275977",)),
    BrokenDriver(WorksInDoubt, ("ABL-010",)),
    BrokenDriver(ExtendsInDoubt, ("ABL-010",)),
    BrokenDriver(IgnoresKey, ("ABL-011",), ("bug 1675469",)),
    BrokenDriver(
        ResizesProbed,
        ("ABL-012", "HKS-007"),
        ("CVE-2026-24708", "bug 2137507"),
    ),
    BrokenDriver(KeepsCopiesToItself, ("ABL-013",), ("bug 1254768",)),
    BrokenDriver(CopiesWithoutKey, ("ABL-014",), ("bug 1572007",)),
    BrokenDriver(ExtendsByStatus, ("ABL-007",), ("bug 1870367",)),
    BrokenDriver(CopiesInSourcesSize, ("ABL-015",)),
)
