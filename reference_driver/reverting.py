# SPDX-License-Identifier: Apache-2.0
"""Reverting a detached volume to its newest snapshot.

What was written since the snapshot is in the overlay recorded for it, so an
empty one takes its place::

    volume-1234 <- volume-1234.aaaa (written to)     before
    volume-1234 <- volume-1234.aaaa (empty)          after

One rename does it: the volume reads as before or as reverted, and at no
moment is there no active image (Cinder's driver removes the overlay before
it makes another).  Above it there may be overlays without a snapshot, which
were a pending create's: then the empty one gets a name of its own, and the
info file makes the change.  Nothing below it is touched, so the snapshot
stays usable.
"""

from __future__ import annotations

from typing import Any

from reference_driver import chain as chains
from reference_driver import info_file
from reference_driver.chain import Chain
from reference_driver.chain import Image
from reference_driver.errors import ChainUnsettled
from reference_driver.errors import InvalidSnapshot
from reference_driver.errors import InvalidVolume
from reference_driver.files import VolumeFiles
from reference_driver.image_lock import is_open
from reference_driver.info_file import Info
from reference_driver.share import is_unused
from reference_driver.share import RemoteFSShare


class RemoteFSReverts(RemoteFSShare):
    """Undoing what was written since the newest snapshot."""

    def snapshot_revert_use_temp_snapshot(self) -> bool:
        """No backup snapshot first: it would be the newest one."""
        return False

    def revert_to_snapshot(
        self, context: Any, volume: Any, snapshot: Any
    ) -> None:
        """Have the volume read as it did when a snapshot was taken.

        Interrupted anywhere and called again, it finishes the job.

        :raises InvalidVolume: the volume is attached, or somebody has its
            active image open.
        :raises InvalidSnapshot: the snapshot is not recorded, or is not
            the newest one.
        :raises ChainUnsettled: an earlier operation is in doubt.
        """
        if volume.attach_status == "attached":
            raise InvalidVolume(f"volume {volume.id} is attached")
        files, info, chain = self._settled_chain(volume)
        overlay = _newest(info, chain, snapshot)
        if is_open(files.path(chain.active.name)):
            raise InvalidVolume(
                f"somebody has {chain.active.name} of volume {volume.id} open"
            )
        if overlay.backing is None:
            raise ChainUnsettled(
                f"the data of snapshot {snapshot.id} has been pulled away"
            )
        backing = chain.find(overlay.backing)
        dropped = _dropped(files, info, chain, overlay, volume, snapshot)
        name = _name(files, chain, overlay, snapshot)
        qemu_img = self._qemu_img_of(files)
        files.make(
            name,
            lambda path: qemu_img.create_overlay(
                path, backing.name, backing.format, volume.size
            ),
            like=files.path(chain.active.name),
        )
        if name != chain.active.name:
            reverted = info.moved(overlay.name, name).with_active(name)
            info_file.write(files, reverted)
        chain = self._walk(files, info, volume, name)
        for unneeded in dropped:
            files.remove_unused(unneeded, chain.names())


def _newest(info: Info, chain: Chain, snapshot: Any) -> Image:
    """The overlay recorded for a snapshot, no other one's being above.

    :raises InvalidSnapshot: there is none, or another one's is.
    """
    recorded = info.overlays.get(snapshot.id)
    if recorded is None:
        raise InvalidSnapshot(
            f"snapshot {snapshot.id} is not recorded: it was never completed"
        )
    for image in chain:
        if image.name == recorded:
            return image
        if image.name in info.overlays.values():
            raise InvalidSnapshot(
                f"snapshot {snapshot.id} is not the newest: {image.name} was "
                f"made later than {recorded}"
            )
    raise InvalidSnapshot(f"{recorded} is not in the chain")


def _names(files: VolumeFiles, snapshot: Any) -> tuple[str, str]:
    """What a snapshot's overlay may be called, by us alone."""
    return (
        files.overlay(snapshot.id),
        files.temporary_overlay(snapshot.id),
    )


def _name(
    files: VolumeFiles, chain: Chain, overlay: Image, snapshot: Any
) -> str:
    """What the empty overlay is called.

    The same in every attempt, so that one that was interrupted leaves
    nothing that the next one does not make anew.

    :raises ChainUnsettled: there is no name left.
    """
    if overlay == chain.active:
        return overlay.name
    for name in _names(files, snapshot):
        if name not in chain:
            return name
    raise ChainUnsettled(
        f"every name for an overlay of snapshot {snapshot.id} is in use"
    )


def _dropped(
    files: VolumeFiles,
    info: Info,
    chain: Chain,
    overlay: Image,
    volume: Any,
    snapshot: Any,
) -> list[str]:
    """What nobody needs afterwards, each before its backing file.

    That is the overlays above the snapshot's and that one itself, where it
    is not replaced under its own name; and what an interrupted attempt has
    left of these.

    :raises ChainUnsettled: an overlay outside the chain is on one of them
        and has come into use.
    """
    name = _name(files, chain, overlay, snapshot)
    roots = {
        own
        for own in _names(files, snapshot)
        if own not in chain and files.exists(own)
    }
    if overlay != chain.active:
        roots |= {overlay.name}
    found: list[str] = []

    def visit(image: str) -> None:
        if image in found:
            return
        if image not in chain and image not in roots:
            _check_droppable(files, info, image, volume)
        for user in chains.users_of(files, image, chain):
            visit(user)
        found.append(image)

    for root in sorted(roots):
        visit(root)
    return [image for image in found if image != name]


def _check_droppable(
    files: VolumeFiles, info: Info, name: str, volume: Any
) -> None:
    live = {files.overlay(each.id) for each in volume.snapshots}
    in_use = (
        not is_unused(files, name)
        if name in live
        else is_open(files.path(name))
    )
    if in_use or name in info.overlays.values():
        raise ChainUnsettled(f"{name} has come into use and is not dropped")
