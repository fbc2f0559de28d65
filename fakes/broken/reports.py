# SPDX-License-Identifier: Apache-2.0
"""Defects of hearing what the compute service reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fakes.broken.registry import BrokenDriver
from fakes.good.blocking_share import Book
from fakes.good.blocking_share import Link
from fakes.good.blocking_share import VolumeShare
from fakes.good.legacy import BlockingShareDriver
from fakes.good.legacy import ComputeFailed
from fakes.good.legacy import INTERVAL
from reference_driver.driver import RemoteFSAssistedDriver

# -- with the hooks


class NeedsPercentage(RemoteFSAssistedDriver):
    """Believes a completion only if the percentage is complete as well."""

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        _check_percentage(snapshot_ref)
        return super().create_snapshot_assisted_complete(snapshot_ref)

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        _check_percentage(snapshot_ref)
        return super().delete_snapshot_assisted_complete(snapshot_ref)


def _check_percentage(snapshot: Any) -> None:
    stored = snapshot.snapshot_admin_metadata
    asked = "create_info:type" in stored or "delete_info:type" in stored
    if asked and stored.get("compute_progress") != "100":
        raise RuntimeError("the compute service is not done")


# -- legacy


class WaitsForPercentage(BlockingShareDriver):
    """Waits for a field that only newer compute services send."""

    def _wait(self, snapshot: Any, status: str) -> None:
        for _ in range(0, 7200, INTERVAL):
            snapshot.refresh()
            if snapshot.status != status:
                break
            stored = snapshot.snapshot_admin_metadata
            if stored.get("compute_progress") == "100":
                return
            self._sleep(INTERVAL)
        raise ComputeFailed


class TakesAnyProgress(BlockingShareDriver):
    """Takes the first sign of progress for the last."""

    def _wait(self, snapshot: Any, status: str) -> None:
        while snapshot.progress in ("0%", "", None):
            self._sleep(INTERVAL)
            snapshot.refresh()
            if snapshot.status != status:
                raise ComputeFailed


class WatchesProgressOnly(BlockingShareDriver):
    """Never looks at the status, and goes on waiting when it is error."""

    def _wait(self, snapshot: Any, status: str) -> None:
        while snapshot.progress != "90%":
            self._sleep(INTERVAL)
            snapshot.refresh()


class NeverSleeps(BlockingShareDriver):
    """Looks again and again, without a pause."""

    def _wait(self, snapshot: Any, status: str) -> None:
        while snapshot.status == status and snapshot.progress != "90%":
            snapshot.refresh()
        if snapshot.status != status:
            raise ComputeFailed


class RemembersCompletion(BlockingShareDriver):
    """Takes the completion of a snapshot's create for that of its delete."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._completed: set[str] = set()

    def _wait(self, snapshot: Any, status: str) -> None:
        if snapshot.id not in self._completed:
            super()._wait(snapshot, status)
        self._completed.add(snapshot.id)

    def _merge_online(
        self,
        share: VolumeShare,
        book: Book,
        chain: Mapping[str, Link],
        snapshot: Any,
    ) -> None:
        try:
            super()._merge_online(share, book, chain, snapshot)
        except Exception:
            # What the chain says does not count, the report does.
            overlay = book.overlays[snapshot.id]
            share.path(overlay).unlink()


class RecordsFormatBeforePull(BlockingShareDriver):
    """Records what the pull of everything will make of the base image."""

    def _merge_online(
        self,
        share: VolumeShare,
        book: Book,
        chain: Mapping[str, Link],
        snapshot: Any,
    ) -> None:
        if len(chain) == 2:
            self._record_formats(snapshot.volume, "qcow2", "qcow2")
        super()._merge_online(share, book, chain, snapshot)


class DropsRecordEarly(BlockingShareDriver):
    """Drops the snapshot's record before Nova has merged anything."""

    def _merge_online(
        self,
        share: VolumeShare,
        book: Book,
        chain: Mapping[str, Link],
        snapshot: Any,
    ) -> None:
        left = {**book.overlays}
        del left[snapshot.id]
        share.write_book(Book(book.active, left))
        super()._merge_online(share, book, chain, snapshot)

    def _delete_unrecorded(
        self, share: VolumeShare, book: Book, snapshot: Any, attached: bool
    ) -> None:
        return None


class DiscardsOverlay(BlockingShareDriver):
    """Takes back its overlay when Nova has failed, whoever uses it."""

    def _switch(self, share: VolumeShare, snapshot: Any, overlay: str) -> None:
        try:
            super()._switch(share, snapshot, overlay)
        except ComputeFailed:
            share.path(overlay).unlink()
            raise


class GivesUpEarly(BlockingShareDriver):
    """Has less patience than a merge takes."""

    def _wait(self, snapshot: Any, status: str) -> None:
        for _ in range(0, 300, INTERVAL):
            snapshot.refresh()
            if (snapshot.status, snapshot.progress) == (status, "90%"):
                return
            if snapshot.status != status:
                break
            self._sleep(INTERVAL)
        raise ComputeFailed


class NeverComparesChain(BlockingShareDriver):
    """Asks for a merge that was carried out before, and never reported."""

    def _pulled_into(
        self,
        share: VolumeShare,
        book: Book,
        chain: Mapping[str, Link],
        snapshot: Any,
    ) -> str | None:
        self._merge_online(share, book, chain, snapshot)
        return None


class NeverUpdatesAttachment(BlockingShareDriver):
    """Has the attachment name the image that the guest has left."""

    def _publish(
        self, volume: Any, name: str | None, format_: str | None
    ) -> None:
        return None


BROKEN = (
    BrokenDriver(NeedsPercentage, ("REP-001", "REP-002", "REP-003")),
    BrokenDriver(WaitsForPercentage, ("REP-001", "REP-002")),
    BrokenDriver(TakesAnyProgress, ("REP-004",)),
    BrokenDriver(
        WatchesProgressOnly,
        ("REP-005", "REP-006"),
        ("commit b626c2a637",),
    ),
    BrokenDriver(NeverSleeps, ("REP-004", "REP-008"), ("bug 1538496",)),
    BrokenDriver(RemembersCompletion, ("REP-007",)),
    BrokenDriver(RecordsFormatBeforePull, ("REP-007",)),
    BrokenDriver(DropsRecordEarly, ("REP-006",), ("bug 1919487",)),
    BrokenDriver(DiscardsOverlay, ("REP-005",), ("bug 1629371",)),
    BrokenDriver(GivesUpEarly, ("REP-008",), ("bug 1273894",)),
    BrokenDriver(NeverComparesChain, ("REP-009",), ("bug 1311182",)),
    BrokenDriver(
        NeverUpdatesAttachment, ("REP-001", "CRE-003"), ("bug 1304695",)
    ),
)
