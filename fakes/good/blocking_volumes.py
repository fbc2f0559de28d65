# SPDX-License-Identifier: Apache-2.0
"""The ordinary methods of the good legacy driver."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fakes.good.blocking_share import GIB
from fakes.good.blocking_share import Link
from fakes.good.blocking_share import ShareTrouble
from fakes.good.blocking_share import VolumeShare


class VolumeInUse(Exception):
    """The volume is attached, or attached in a way that is not known."""


class BlockingVolumes:
    """Volumes, copies and connections."""

    assisted_capabilities = frozenset(
        {
            "cascade",
            "cinder_share_layout",
            "clone",
            "create_from_snapshot",
            "extend_with_snapshots",
            "overlay_files",
            "qcow2_base",
            "raw_base",
        }
    )

    def __init__(
        self, configuration: Any, execute: Callable[..., Any]
    ) -> None:
        self._directory = Path(configuration.share_directory)
        self._format = "qcow2" if configuration.qcow2_volumes else "raw"
        self._execute = execute

    def do_setup(self, context: Any) -> None:
        """Nothing is to be prepared."""

    def check_for_setup_error(self) -> None:
        """See that the share is there.

        :raises ShareTrouble: it is not.
        """
        if not os.access(self._directory, os.R_OK | os.W_OK | os.X_OK):
            raise ShareTrouble(f"{self._directory} cannot be written")

    # -- volumes

    def create_volume(self, volume: Any) -> dict[str, Any]:
        """Make an empty base image."""
        share = self._new(volume)
        path = share.path(share.name)
        if self._format == "raw":
            with path.open("xb") as file:
                file.truncate(volume.size * GIB)
        else:
            self._qemu_img("create", "-f", "qcow2", path, f"{volume.size}G")
        return self._made(path)

    def delete_volume(self, volume: Any) -> None:
        """Remove the volume's files, the book last."""
        share = self._share(volume)
        for name in share.images():
            share.path(name).unlink()
        share.path(f"{share.name}.info").unlink(missing_ok=True)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        """Grow the active image of a detached volume."""
        if self._is_attached(volume):
            raise VolumeInUse(f"volume {volume.id} is attached")
        share = self._share(volume)
        book = share.read_book()
        chain = share.chain(book.active)
        self._check_undoubted(share, volume)
        active = chain[book.active]
        self._qemu_img(
            "resize",
            "-f",
            active.format,
            share.path(active.name),
            f"{new_size}G",
        )

    def create_volume_from_snapshot(
        self, volume: Any, snapshot: Any
    ) -> dict[str, Any]:
        """Copy what is below the snapshot's overlay."""
        source = self._share(snapshot.volume)
        book = source.read_book()
        chain = source.chain(book.active)
        self._check_undoubted(source, snapshot.volume)
        below = chain[book.overlays[snapshot.id]].below
        assert below is not None
        return self._copy(source, chain[below], volume)

    def create_cloned_volume(
        self, volume: Any, src_vref: Any
    ) -> dict[str, Any]:
        """Copy a detached volume."""
        if self._is_attached(src_vref):
            raise VolumeInUse(f"volume {src_vref.id} is attached")
        source = self._share(src_vref)
        book = source.read_book()
        chain = source.chain(book.active)
        self._check_undoubted(source, src_vref)
        return self._copy(source, chain[book.active], volume)

    # -- connections

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Name the image to use: a pending overlay, or the active image."""
        share = self._share(volume)
        book = share.read_book()
        top = (*share.pending(book), book.active)[0]
        image = share.chain(top)[top]
        return {
            "driver_volume_type": "nfs",
            "data": {
                "export": str(self._directory),
                "name": image.name,
                "format": image.format,
                "options": None,
            },
        }

    def terminate_connection(
        self, volume: Any, connector: Mapping[str, Any], **_others: Any
    ) -> None:
        """Nothing was done to connect."""

    # -- files

    def _share(self, volume: Any) -> VolumeShare:
        return VolumeShare(self._directory, volume)

    def _new(self, volume: Any) -> VolumeShare:
        if volume.encryption_key_id:
            raise ShareTrouble("encrypted volumes are not supported")
        share = self._share(volume)
        if share.images() or share.there(f"{share.name}.info"):
            raise ShareTrouble(f"there are files of {share.name} already")
        return share

    def _made(self, path: Path) -> dict[str, Any]:
        os.chmod(path, 0o660)
        return {
            "provider_location": str(self._directory),
            "admin_metadata": {"format": self._format},
        }

    def _copy(
        self, source: VolumeShare, image: Link, volume: Any
    ) -> dict[str, Any]:
        share = self._new(volume)
        path = share.path(share.name)
        self._qemu_img(
            "convert",
            "-f",
            image.format,
            "-O",
            self._format,
            source.path(image.name),
            path,
        )
        if volume.size > source.volume.size:
            size = f"{volume.size}G"
            self._qemu_img("resize", "-f", self._format, path, size)
        return self._made(path)

    def _make_overlay(
        self, share: VolumeShare, overlay: str, below: Link
    ) -> None:
        """Make the overlay without opening what it stands on."""
        path = share.path(overlay)
        self._qemu_img(
            "create",
            "-u",
            "-f",
            "qcow2",
            "-b",
            below.name,
            "-F",
            below.format,
            path,
            f"{share.volume.size}G",
        )
        os.chmod(path, share.path(below.name).stat().st_mode & 0o777)

    def _rebase(self, share: VolumeShare, name: str, below: Link) -> None:
        self._qemu_img(
            "rebase",
            "-u",
            "-f",
            "qcow2",
            "-b",
            below.name,
            "-F",
            below.format,
            share.path(name),
        )

    def _qemu_img(self, command: str, *words: str | Path) -> None:
        self._execute("qemu-img", command, *map(str, words))

    def _check_undoubted(self, share: VolumeShare, volume: Any) -> None:
        """See that no operation on the chain is in doubt.

        :raises ShareTrouble: one is.
        """
        book = share.read_book()
        chain = share.chain(book.active)
        recorded = set(book.overlays.values())
        for name in {*share.pending(book), *(recorded - chain.keys())}:
            raise ShareTrouble(f"{name} is in doubt: delete its snapshot")

    def _is_attached(self, volume: Any) -> bool:
        """Whether a guest has the volume's image open.

        :raises VolumeInUse: more than one has.
        """
        if volume.attach_status != "attached":
            return False
        if len(volume.volume_attachment) != 1:
            raise VolumeInUse(
                f"volume {volume.id} has {len(volume.volume_attachment)} "
                f"attachments"
            )
        return True
