# SPDX-License-Identifier: Apache-2.0
"""Defects of taking a snapshot."""

from __future__ import annotations

from typing import Any

from assisted_kit.process import execute
from fakes.broken.registry import BrokenDriver
from reference_driver import info_file
from reference_driver.chain import Settled
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import ExtendVolumeError
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info


class NamesBackingByPath(RemoteFSAssistedDriver):
    """Writes a path into headers that only Cinder's host has."""

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        super()._make_overlay(files, info, overlay, size, settled)
        active = settled().active
        self._qemu_img.rebase(
            files.path(overlay), str(files.path(active.name)), active.format
        )


class OneSectorShort(RemoteFSAssistedDriver):
    """Makes overlays a sector smaller than the volume."""

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        super()._make_overlay(files, info, overlay, size, settled)
        path = str(files.path(overlay))
        options = ("resize", "-f", "qcow2", "--shrink", path, "-512")
        execute("qemu-img", *options)


class ProbesFormat(RemoteFSAssistedDriver):
    """Believes what a raw volume's guest wrote into its first sector."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        files, _, chain = self._chain(snapshot_ref.volume)
        active = files.path(chain.active.name)
        with active.open("rb") as file:
            looks = "qcow2" if file.read(4) == b"QFI\xfb" else "raw"
        overlay = files.overlay(snapshot_ref.id)
        self._qemu_img.rebase(files.path(overlay), active.name, looks)
        return update


class RefusesLeftovers(RemoteFSAssistedDriver):
    """Cannot make an overlay that an interrupted call has left behind."""

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        if files.exists(overlay):
            raise FileExistsError(overlay)
        super()._make_overlay(files, info, overlay, size, settled)


class MakesOverlayAnew(RemoteFSAssistedDriver):
    """Makes the overlay whenever it is asked, even under a guest."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        volume = snapshot_ref.volume
        files, info, chain = self._chain(volume)
        overlay = files.overlay(snapshot_ref.id)
        self._make_overlay(files, info, overlay, volume.size, lambda: chain)
        return update


class CompletesCreateOnce(RemoteFSAssistedDriver):
    """Takes an overlay that is active already for another snapshot's."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files = self._files(snapshot_ref.volume)
        if info_file.read(files).active == files.overlay(snapshot_ref.id):
            raise FileExistsError(files.overlay(snapshot_ref.id))
        return super().create_snapshot_assisted_complete(snapshot_ref)


class ForksChain(RemoteFSAssistedDriver):
    """Puts every overlay on the base image."""

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        super()._make_overlay(files, info, overlay, size, settled)
        base = settled().base
        if base.name != info.active:
            self._qemu_img.rebase(files.path(overlay), base.name, base.format)

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files = self._files(snapshot_ref.volume)
        info = info_file.read(files)
        overlay = files.overlay(snapshot_ref.id)
        info_file.write(files, info.with_snapshot(snapshot_ref.id, overlay))
        return super().create_snapshot_assisted_complete(snapshot_ref)


class ForgetsFormats(RemoteFSAssistedDriver):
    """Never records what format the base image and the active one have."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_complete(snapshot_ref)
        del update["volume_admin_metadata"]
        return update


class RecordsInBegin(RemoteFSAssistedDriver):
    """Makes the overlay active before anybody has agreed to use it."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_begin(snapshot_ref)
        files, info, _ = self._chain(snapshot_ref.volume)
        overlay = files.overlay(snapshot_ref.id)
        info_file.write(files, info.with_snapshot(snapshot_ref.id, overlay))
        return update


class TakesFirstAttachment(RemoteFSAssistedDriver):
    """Assumes that there is one attachment, and takes the first."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        del snapshot_ref.volume.volume_attachment[1:]
        return super().create_snapshot_assisted_begin(snapshot_ref)


class IgnoresPending(RemoteFSAssistedDriver):
    """Takes a snapshot while nobody knows what the guest writes to."""

    def _check_settled(self, *_arguments: Any, **_options: Any) -> None:
        return None


class TakesImageForGranted(RemoteFSAssistedDriver):
    """Puts the overlay on the active image by its name alone."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files = self._files(snapshot_ref.volume)
        active = info_file.read(files).active
        if files.exists(active):
            return super().create_snapshot_assisted_begin(snapshot_ref)
        overlay = files.path(files.overlay(snapshot_ref.id))
        size = snapshot_ref.volume.size
        self._qemu_img.create_overlay(overlay, active, "qcow2", size)
        return {}


class KeepsOverlayToItself(RemoteFSAssistedDriver):
    """Makes overlays that only the volume service's user can open."""

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        super()._make_overlay(files, info, overlay, size, settled)
        files.path(overlay).chmod(0o600)


class MakesOneSize(RemoteFSAssistedDriver):
    """Makes every overlay of 1 GiB, and extends no volume with snapshots."""

    assisted_capabilities = frozenset(
        RemoteFSAssistedDriver.assisted_capabilities
        - {"extend_with_snapshots"}
    )

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        super()._make_overlay(files, info, overlay, 1, settled)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        if volume.snapshots:
            raise ExtendVolumeError(f"volume {volume.id} has snapshots")
        super().extend_volume(volume, new_size)


class KeepsInfoFileToItself(RemoteFSAssistedDriver):
    """Makes the info file for its own user alone."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        update = super().create_snapshot_assisted_complete(snapshot_ref)
        files = self._files(snapshot_ref.volume)
        files.path(files.info).chmod(0o600)
        return update


BROKEN = (
    BrokenDriver(
        NamesBackingByPath,
        ("CRE-006",),
        ("bug 1438027", "bug 2119353"),
    ),
    BrokenDriver(OneSectorShort, ("CRE-001", "DAT-001")),
    BrokenDriver(ProbesFormat, ("CRE-002", "CRE-007"), ("bug 2073146",)),
    BrokenDriver(RefusesLeftovers, ("CRE-004",), ("bug 1657585",)),
    BrokenDriver(CompletesCreateOnce, ("CRE-008",), ("bug 1310526",)),
    BrokenDriver(MakesOverlayAnew, ("CRE-005",)),
    BrokenDriver(ForksChain, ("DAT-001",), ("bug 1251425",)),
    BrokenDriver(ForgetsFormats, ("FMT-001",), ("commit 8c03308ed",)),
    BrokenDriver(RecordsInBegin, ("ERR-002", "LAY-002"), ("bug 1713735",)),
    BrokenDriver(TakesFirstAttachment, ("ERR-001",), ("bug 1528548",)),
    BrokenDriver(IgnoresPending, ("ERR-006",)),
    BrokenDriver(TakesImageForGranted, ("CRE-009",), ("bug 1739995",)),
    BrokenDriver(KeepsOverlayToItself, ("CRE-010",), ("bug 1286376",)),
    BrokenDriver(MakesOneSize, ("CRE-001",)),
    BrokenDriver(KeepsInfoFileToItself, ("CRE-010",), ("bug 1807760",)),
)
