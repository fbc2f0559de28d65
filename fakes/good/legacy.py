# SPDX-License-Identifier: Apache-2.0
"""A legacy driver: two blocking calls, as Cinder always made them.

It asks Nova itself and looks every half minute whether Nova has reported,
on the thread that called it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from fakes.good.blocking_share import Book
from fakes.good.blocking_share import Link
from fakes.good.blocking_share import ShareTrouble
from fakes.good.blocking_share import VolumeShare
from fakes.good.blocking_volumes import BlockingVolumes

PATIENCE = {"creating": 600, "deleting": 7200}
"""Status in flight to the seconds that Nova has."""

INTERVAL = 30
"""Seconds between two looks at a snapshot."""

REFUSED = (400, 401, 403, 404, 409)
"""Nova's answers that say that it will do nothing."""

UNHEARD = (ConnectionRefusedError, socket.gaierror)
"""Errors that say that there was no connection to Nova."""


class ComputeFailed(Exception):
    """Nova did not do what it was asked, as far as anybody knows."""


class BlockingShareDriver(BlockingVolumes):
    """Assisted snapshots without the hooks.

    :param compute: Nova.
    """

    def __init__(
        self,
        configuration: Any,
        execute: Callable[..., Any],
        compute: Any = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(configuration, execute)
        self._compute = compute
        self._sleep = sleep

    # -- create

    def create_snapshot(self, snapshot: Any) -> None:
        """Make the overlay, have the guest switched to it, and record it.

        :raises ShareTrouble: the chain is not as it was left.
        :raises ComputeFailed: Nova failed, or never reported.
        """
        volume = snapshot.volume
        attached = self._is_attached(volume)
        share = self._share(volume)
        book = share.read_book()
        chain = share.chain(book.active)
        self._check_settled(share, book, chain, snapshot)
        overlay = share.overlay_of(snapshot.id)
        self._make_overlay(share, overlay, chain[book.active])
        if attached:
            self._switch(share, snapshot, overlay)
        base_format = share.base_format()
        self._record_formats(volume, "qcow2", base_format)
        book.active = book.overlays[snapshot.id] = overlay
        share.write_book(book)

    def _switch(self, share: VolumeShare, snapshot: Any, overlay: str) -> None:
        info = {
            "snapshot_id": snapshot.id,
            "type": "qcow2",
            "new_file": overlay,
        }
        # First of all, for Nova reads it again as soon as the status has
        # changed, and a report of an error changes that.  As long as nobody
        # writes to the overlay it reads as what is below it.
        below = share.link(overlay)
        self._publish(snapshot.volume, overlay, "qcow2")
        try:
            self._compute.create_volume_snapshot(
                snapshot.obj_context, snapshot.volume_id, info
            )
        except Exception as error:
            if _is_refusal(error):
                self._publish(snapshot.volume, below.below, below.below_format)
                share.path(overlay).unlink()
                raise
            # Any other answer, or none: Nova may have accepted it.
        self._wait(snapshot, "creating")

    # -- delete

    def delete_snapshot(self, snapshot: Any) -> None:
        """Merge what has to be merged, record it, and tidy up.

        :raises ShareTrouble: the chain is not as it was left, or not as
            Nova reported.
        :raises ComputeFailed: Nova failed, or never reported.
        """
        volume = snapshot.volume
        attached = self._is_attached(volume)
        share = self._share(volume)
        book = share.read_book()
        if snapshot.id not in book.overlays:
            self._delete_unrecorded(share, book, snapshot, attached)
            return
        chain = share.chain(book.active)
        overlay = book.overlays[snapshot.id]
        pulled = self._pulled_into(share, book, chain, snapshot)
        if pulled:
            self._move(book, pulled, overlay)
        elif overlay in chain and chain[overlay].below is not None:
            self._check_settled(share, book, chain, snapshot)
            if attached:
                self._merge_online(share, book, chain, snapshot)
            else:
                self._merge(share, book, chain, overlay)
        self._check_settled(share, book, chain, snapshot, but=pulled)
        self._drop(share, book, snapshot)

    def _pulled_into(
        self,
        share: VolumeShare,
        book: Book,
        chain: Mapping[str, Link],
        snapshot: Any,
    ) -> str | None:
        """What an earlier attempt pulled into the snapshot's overlay.

        The delete of another snapshot that was carried out and never
        reported leaves the same headers; that one has failed.
        """
        overlay = book.overlays[snapshot.id]
        failed = {
            other.id
            for other in snapshot.volume.snapshots
            if other.status == "error_deleting"
        }
        for other, file in book.overlays.items():
            if (
                other != snapshot.id
                and other not in failed
                and overlay in chain
                and file not in chain
                and share.link(file).below == chain[overlay].below
            ):
                return file
        return None

    def _merge(
        self,
        share: VolumeShare,
        book: Book,
        chain: Mapping[str, Link],
        overlay: str,
    ) -> None:
        """Commit an overlay of a detached volume into what is below it."""
        below = chain[overlay].below
        assert below is not None
        self._qemu_img("commit", "-f", "qcow2", "-d", share.path(overlay))
        for above in chain.values():
            if above.below == overlay:
                self._rebase(share, above.name, chain[below])
        if book.active == overlay:
            book.active = below

    def _merge_online(
        self,
        share: VolumeShare,
        book: Book,
        chain: Mapping[str, Link],
        snapshot: Any,
    ) -> None:
        """Have Nova merge, and believe it only if the chain agrees."""
        overlay = book.overlays[snapshot.id]
        below = chain[overlay].below
        assert below is not None
        pulls = overlay == book.active
        if pulls:
            gone, target = below, chain[below].below
            files = {"file_to_merge": target, "merge_target_file": None}
        else:
            gone, target = overlay, below
            files = {"file_to_merge": overlay, "merge_target_file": below}
        info = {"volume_id": snapshot.volume_id, "type": "qcow2", **files}
        try:
            self._compute.delete_volume_snapshot(
                snapshot.obj_context, snapshot.id, info
            )
        except Exception as error:
            if _is_refusal(error):
                raise
        self._wait(snapshot, "deleting")
        after = share.chain(book.active)
        if gone in after:
            raise ShareTrouble(f"{gone} is in the chain still")
        expected = [name for name in chain if name != gone]
        if list(after) != (expected if target else [overlay]):
            raise ShareTrouble(f"the chain is {' <- '.join(after)}")
        if pulls:
            self._move(book, gone, overlay)

    def _move(self, book: Book, pulled: str, overlay: str) -> None:
        """Record the snapshot of a pulled file for what it was pulled to."""
        for other, file in book.overlays.items():
            if file == pulled:
                book.overlays[other] = overlay

    def _drop(self, share: VolumeShare, book: Book, snapshot: Any) -> None:
        book.overlays.pop(snapshot.id, None)
        chain = share.chain(book.active)
        base = list(chain)[-1]
        base_format = chain[base].format
        self._record_formats(
            snapshot.volume, chain[book.active].format, base_format
        )
        share.write_book(book)
        share.sweep(book, snapshot.id)

    def _delete_unrecorded(
        self, share: VolumeShare, book: Book, snapshot: Any, attached: bool
    ) -> None:
        """A snapshot whose create failed, or never began."""
        overlay = share.overlay_of(snapshot.id)
        if overlay == book.active or not share.there(overlay):
            return
        if attached:
            # The guest may be on it, so it is the active image from now on.
            share.chain(overlay)
            book.active = overlay
            self._publish(snapshot.volume, overlay, "qcow2")
        elif share.link(overlay).below == book.active:
            self._qemu_img("commit", "-f", "qcow2", "-d", share.path(overlay))
            share.path(overlay).unlink()
        else:
            raise ShareTrouble(f"{overlay} is not on {book.active}")
        self._drop(share, book, snapshot)

    # -- Nova, and whoever reads what it did

    def _wait(self, snapshot: Any, status: str) -> None:
        """Wait until Nova has reported that it is done.

        :raises ComputeFailed: it reported something else, or nothing.
        """
        for _ in range(0, PATIENCE[status] + INTERVAL, INTERVAL):
            snapshot.refresh()
            if snapshot.status != status:
                raise ComputeFailed(
                    f"snapshot {snapshot.id} is {snapshot.status}"
                )
            if snapshot.progress == "90%":
                return
            self._sleep(INTERVAL)
        raise ComputeFailed(f"nothing was reported on {snapshot.id}")

    def _publish(
        self, volume: Any, name: str | None, format_: str | None
    ) -> None:
        """Have the attachment name an image."""
        for attachment in volume.volume_attachment:
            attachment.connection_info = {
                **attachment.connection_info,
                "name": name,
                "format": format_,
            }
            attachment.save()

    def _record_formats(
        self, volume: Any, format_: str, base_format: str
    ) -> None:
        volume.admin_metadata["format"] = format_
        volume.admin_metadata["base_format"] = base_format
        volume.save()

    def _check_settled(
        self,
        share: VolumeShare,
        book: Book,
        chain: Mapping[str, Link],
        snapshot: Any,
        *,
        but: str | None = None,
    ) -> None:
        """See that no other operation's outcome is in doubt.

        :raises ShareTrouble: one is.
        """
        pending = set(share.pending(book, snapshot.id))
        lost = {
            file
            for other, file in book.overlays.items()
            if other != snapshot.id and file not in chain and file != but
        }
        for name in pending | lost:
            raise ShareTrouble(f"{name} is in doubt: delete its snapshot")


def _is_refusal(error: Exception) -> bool:
    """Whether Nova will do nothing; otherwise it may have accepted."""
    return (
        isinstance(error, UNHEARD) or getattr(error, "code", None) in REFUSED
    )
