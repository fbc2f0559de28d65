# SPDX-License-Identifier: Apache-2.0
"""What is on a share of a Cinder driver's, read as the contract says.

Upstream believes names, formats and sizes that it finds there, and has no
notion of an operation whose outcome is unknown; the reference driver does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from castellan import key_manager
from cinder.volume import volume_utils
from oslo_config import cfg

from reference_driver import chain as chains
from reference_driver import info_file
from reference_driver.carrying_out import DeleteWork
from reference_driver.chain import Chain
from reference_driver.chain import Image
from reference_driver.encryption import Keys
from reference_driver.files import VolumeFiles
from reference_driver.files_as_root import FilesAsRoot
from reference_driver.info_file import Info
from reference_driver.plan import Plan
from reference_driver.qemu_img import QemuImg
from reference_driver.share import formats_of


@dataclass(slots=True)
class State:
    """A volume as it is on the share, checked."""

    volume: Any
    files: VolumeFiles
    info: Info
    chain: Chain
    base_format: str
    size_gib: int
    """The largest that an image may be."""

    def image(self, name: str) -> Image | None:
        """An image of the chain as it is now, if it is one."""
        if name not in self.chain:
            return None
        format_ = self.chain.find(name).format
        return chains.inspect(self.files, name, format_, self.size_gib)


class Books(DeleteWork):
    """The reference driver's knowledge of chains, for a driver of Cinder's.

    :param driver: on ``RemoteFSSnapDriverBase``.
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        # Made if it is missing.
        self._conversion = volume_utils.image_conversion_dir()
        self._execute = self._as_upstream
        self._qemu_img = QemuImg(self._execute)
        self._keys = Keys(key_manager.API(cfg.CONF))

    def _files(self, volume: Any) -> VolumeFiles:
        directory = Path(self._driver._local_volume_dir(volume))
        if self._driver._execute_as_root and os.geteuid() != 0:
            return FilesAsRoot(directory, volume, self._as_upstream)
        return VolumeFiles(directory, volume)

    def _as_upstream(self, *words: str, **options: Any) -> Any:
        driver = self._driver
        return driver._execute(
            *words, run_as_root=driver._execute_as_root, **options
        )

    def files(self, volume: Any) -> VolumeFiles:
        """Names and paths of a volume's files."""
        return self._files(volume)

    def state(self, volume: Any, *, size_gib: int = 0) -> State:
        """The chain below the recorded active image.

        :param size_gib: the largest that an image may be, the volume's if it
            is 0.
        :raises ForeignImage: an image is not as the driver made it.
        """
        files = self._files(volume)
        info = self._read_info(files, volume)
        return self._state(files, info, volume, info.active, size_gib)

    def in_use(self, volume: Any) -> State:
        """The chain below the image that an attachment is to use.

        While a create is pending that is its overlay (contract section 5).
        """
        files = self._files(volume)
        info = self._read_info(files, volume)
        pending = self._pending(files, info, volume)
        name = files.overlay(pending[0].id) if pending else info.active
        return self._state(files, info, volume, name, 0)

    def settled(
        self, volume: Any, *, but: Any = None, size_gib: int = 0
    ) -> State:
        """As :meth:`state`, provided that nothing about it is in doubt.

        :param but: a snapshot whose own state does not matter.
        :raises ChainUnsettled: an earlier operation's outcome is in doubt.
        """
        state = self.state(volume, size_gib=size_gib)
        self._check_settled(state.files, state.info, state.chain, volume, but)
        return state

    def _state(
        self,
        files: VolumeFiles,
        info: Info,
        volume: Any,
        active: str,
        size_gib: int,
    ) -> State:
        chain = self._walk(files, info, volume, active, size_gib=size_gib)
        base_format = self._base_format(files, info, volume)
        return State(
            volume, files, info, chain, base_format, size_gib or volume.size
        )

    # -- create

    def make_overlay(self, state: State, path: Path) -> None:
        """Make an overlay of the active image, which nobody opens for it."""
        active = state.chain.active
        qemu_img = self._qemu_img_of(state.files)
        state.files.make(
            path.name,
            lambda new: qemu_img.create_overlay(
                new, active.name, active.format, state.volume.size
            ),
            like=state.files.path(active.name),
            sync_directory=False,
        )

    def see_that_nothing_is_there(self, volume: Any) -> None:
        """See that a volume to be made overwrites nothing.

        :raises InvalidVolume: a file of its is there.
        """
        self._new_files(volume)

    def check_names(self, volume: Any) -> None:
        """See that the info file, if there is one, names the volume's own.

        :raises DamagedInfoFile: it does not.
        """
        info_file.read(self._files(volume))

    def copy(self, state: State, name: str, volume: Any, format_: str) -> None:
        """Copy what is read through an image of a chain into a new volume."""
        image = state.chain.find(name)
        self._copy_image(state.files, image, self._files(volume), format_)

    def make_encrypted(self, volume: Any) -> None:
        """Make an empty base image, encrypted."""
        files = self._new_files(volume)
        qemu_img = self._qemu_img_of(files)
        files.make(files.base, lambda path: qemu_img.create(path, volume.size))

    def extend(self, volume: Any, size_gib: int) -> None:
        """Grow the active image.

        :raises ChainUnsettled: an operation's outcome is in doubt.
        """
        state = self.settled(volume, size_gib=size_gib)
        active = state.chain.active
        path = state.files.path(active.name)
        self._qemu_img_of(state.files).resize(path, active.format, size_gib)

    def check_overlay(self, snapshot: Any) -> None:
        """See that a new overlay is on the active image.

        :raises ChainUnsettled: another image is below it.
        """
        files = self._files(snapshot.volume)
        info = self._read_info(files, snapshot.volume)
        if snapshot.id not in info.overlays:
            overlay = files.overlay(snapshot.id)
            self._check_on(files, overlay, info.active, snapshot.volume)

    def formats(self, volume: Any) -> dict[str, str | None]:
        """The formats to record for the chain as it is now."""
        files = self._files(volume)
        info = self._read_info(files, volume)
        base_format = self._base_format(files, info, volume)
        return formats_of(files, info, base_format)

    def commit(self, state: State, name: str) -> None:
        """Merge an overlay of a detached volume into its backing file."""
        qemu_img = self._qemu_img_of(state.files)
        qemu_img.commit(state.files.path(name))

    def rebase(self, state: State, name: str) -> None:
        """Put an overlay on what its backing file is on."""
        backing = state.chain.find(name).backing
        assert backing is not None
        below = state.chain.find(backing)
        assert below.backing is not None
        self._qemu_img_of(state.files).rebase(
            state.files.path(name), below.backing, below.backing_format or ""
        )

    # -- delete

    def put_format_back(self, snapshot: Any, plan: Plan) -> None:
        """See that whoever merged wrote the recorded format.

        :raises ForeignImage: it was another one; it is put back then.
        """
        self._check_format(self._files(snapshot.volume), plan)

    def decide(self, snapshot: Any, attached: bool) -> tuple[Plan, bool]:
        """How a snapshot is deleted, and whether there is a merge to do.

        :raises ChainUnsettled: another operation is in doubt.
        """
        state = self.state(snapshot.volume)
        return self._decide(
            state.files, state.info, state.chain, snapshot, attached
        )

    def carry_out(self, state: State, snapshot: Any, plan: Plan) -> None:
        """Record and remove what upstream has no notion of."""
        _, chain = self._merge_and_record(
            state.files, state.info, state.chain, plan, snapshot
        )
        if plan.remove:
            self._remove(state.files, chain, plan, state.volume)

    def release(self, state: State, plan: Plan) -> None:
        """See that nothing is on the file that is to be removed.

        :raises ForeignImage: something is.
        """
        self._release(state.files, state.chain, plan, state.volume)

    def write_info(self, volume: Any, content: dict[str, str]) -> None:
        """Replace the info file: a reader sees the old one or the new."""
        overlays = {k: v for k, v in content.items() if k != "active"}
        info = Info(content["active"], overlays)
        info_file.write(self._files(volume), info)
