# SPDX-License-Identifier: Apache-2.0
"""Defects that no operation shows that is preceded by only one other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fakes.broken.registry import BrokenDriver
from fakes.good.layers import Layers
from fakes.good.own_books import OwnBooksAdapter
from fakes.good.own_books import OwnBooksDriver
from reference_driver.chain import Image
from reference_driver.chain import inspect
from reference_driver.chain import Settled
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.plan import Action
from reference_driver.plan import Plan


class RemembersSize(RemoteFSAssistedDriver):
    """Makes each overlay as large as the volume's first one was.

    Which is too small for what was extended between two snapshots.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sizes: dict[str, int] = {}

    def _make_overlay(
        self,
        files: VolumeFiles,
        info: Info,
        overlay: str,
        size: int,
        settled: Settled,
    ) -> None:
        size = self._sizes.setdefault(files.volume.id, size)
        super()._make_overlay(files, info, overlay, size, settled)


class RepeatsItsRequest(RemoteFSAssistedDriver):
    """Requests of a second attempt what it had requested of the first.

    Which is something else once there is a newer snapshot.
    """

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        earlier = Plan.stored_in(snapshot_ref.snapshot_admin_metadata)
        update = super().delete_snapshot_assisted_begin(snapshot_ref)
        if earlier and "delete_info:type" in update["snapshot_admin_metadata"]:
            update["snapshot_admin_metadata"] = {
                **earlier.as_admin_metadata(),
                **earlier.request(),
            }
        return update


class BelievesEarlierPlan(RemoteFSAssistedDriver):
    """Takes a stored plan for that of the attempt that was carried out.

    Which it is not when a detached volume's delete was killed before its own
    was stored, and an earlier attempt had planned something else.
    """

    def _plan_unrecorded(
        self, files: VolumeFiles, info: Info, snapshot: Any, attached: bool
    ) -> Plan:
        plan = super()._plan_unrecorded(files, info, snapshot, attached)
        earlier = Plan.stored_in(snapshot.snapshot_admin_metadata)
        if earlier is None or plan.action is not Action.COMMITTED:
            return plan
        return replace(plan, remove=earlier.remove)


class _CountedLayers(Layers):
    def _next(self) -> int:
        return len(self.names())


class CountsOverlays(OwnBooksDriver):
    """Numbers each overlay by how many images there are.

    Once an older one has been merged away, that is a number that the newest
    one has already, and which of the two is active is left to chance.
    """

    def _layers(self, volume: Any) -> Layers:
        return _CountedLayers(
            self._share / volume.name, volume.name, volume.size
        )


class CountsOverlaysAdapter(OwnBooksAdapter):
    """Numbers each overlay by how many images there are."""

    driver_class = CountsOverlays


class ClonesBelow(RemoteFSAssistedDriver):
    """Copies what an overlay is on that is larger than a raw base image.

    What was written since the volume was extended is not in the copy.
    """

    def _copy_image(
        self,
        source: VolumeFiles,
        image: Image,
        files: VolumeFiles,
        format_: str,
    ) -> None:
        size = source.path(source.base).stat().st_size
        if image.backing_format == "raw" and image.virtual_size > size:
            assert image.backing is not None
            image = inspect(source, image.backing, "raw", source.volume.size)
        super()._copy_image(source, image, files, format_)


BROKEN = (
    BrokenDriver(ClonesBelow, ("MCH-001",)),
    BrokenDriver(CountsOverlaysAdapter, ("MCH-001",)),
    BrokenDriver(RemembersSize, ("MCH-001",)),
    BrokenDriver(RepeatsItsRequest, ("MCH-002",)),
    BrokenDriver(BelievesEarlierPlan, ("MCH-002",)),
)
