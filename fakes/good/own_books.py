# SPDX-License-Identifier: Apache-2.0
"""A driver that keeps its books in admin metadata.

It has no info file.  What it must remember of a snapshot is in that
snapshot's own row: the overlay that was made for it (``layer:file``), and
that *create complete* has been (``layer:recorded``).  Which image is active,
and which overlay a snapshot has after others were merged, follows from the
order of the layers (:mod:`fakes.good.layers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assisted_kit.adapter import DriverAdapter
from assisted_kit.image import Image as ConnectedImage
from fakes.good.layers import GIB
from fakes.good.layers import Image
from fakes.good.layers import Layers
from fakes.good.layers import LayersError

FILE = "layer:file"
RECORDED = "layer:recorded"
REMOVE = "layer:remove"
KIND = "layer:kind"


class Refused(Exception):
    """The operation cannot be carried out now; nothing was changed."""


class OwnBooksDriver:
    """Overlays in numbered layers, in a directory for each volume."""

    assisted_capabilities = (
        "overlay_files",
        "raw_base",
        "create_from_snapshot",
        "clone",
        "cascade",
        "extend_with_snapshots",
    )

    supports_assisted_snapshots = True

    def __init__(self, configuration: Any) -> None:
        self._share = Path(configuration.share_directory)

    # -- volumes

    def create_volume(self, volume: Any) -> dict[str, Any]:
        layers = self._new(volume)
        with layers.path(layers.base).open("xb") as file:
            file.truncate(volume.size * GIB)
        return {"admin_metadata": {"format": "raw"}}

    def delete_volume(self, volume: Any) -> None:
        layers = self._layers(volume)
        for name in reversed(layers.names()):
            layers.remove(name)
        if layers.directory.is_dir():
            layers.directory.rmdir()

    def create_volume_from_snapshot(
        self, volume: Any, snapshot: Any
    ) -> dict[str, Any]:
        layers, _ = self._settled(snapshot.volume)
        overlay = self._overlay(layers, snapshot)
        if overlay.backing is None:
            raise Refused(f"snapshot {snapshot.id} was pulled away")
        return self._copy(layers, layers.image(overlay.backing), volume)

    def create_cloned_volume(
        self, volume: Any, src_vref: Any
    ) -> dict[str, Any]:
        layers, chain = self._settled(src_vref)
        return self._copy(layers, chain[0], volume)

    def extend_volume(self, volume: Any, new_size: int) -> None:
        if volume.attach_status == "attached":
            raise Refused(f"volume {volume.id} is attached")
        layers, chain = self._settled(volume)
        layers.grow(chain[0], new_size)

    def initialize_connection(
        self, volume: Any, connector: Mapping[str, Any]
    ) -> dict[str, Any]:
        layers = self._layers(volume)
        pending = self._pending(layers, volume)
        image = layers.chain(
            pending[0] if pending else self._top(layers, volume)
        )[0]
        return {
            "driver_volume_type": "nfs",
            "data": {
                "export": str(layers.directory),
                "name": image.name,
                "format": image.format,
            },
        }

    def terminate_connection(
        self, volume: Any, connector: Mapping[str, Any], **_others: Any
    ) -> None:
        """Nothing was done to connect."""

    # -- create

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        volume = snapshot_ref.volume
        if volume.encryption_key_id:
            raise Refused(f"volume {volume.id} is encrypted")
        attached = _is_attached(volume)
        layers, chain = self._settled(volume, but=snapshot_ref)
        stored = snapshot_ref.snapshot_admin_metadata
        if "create_info:type" in stored:
            # Nova knows of it: it may be what the guest writes to.
            name = stored[FILE]
        else:
            name = layers.add(snapshot_ref.id, chain[0])
        update = {FILE: name}
        if attached:
            update["create_info:type"] = "qcow2"
            update["create_info:new_file"] = name
        return {"snapshot_admin_metadata": update}

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        layers = self._layers(snapshot_ref.volume)
        chain = layers.chain(snapshot_ref.snapshot_admin_metadata[FILE])
        return {
            "snapshot_admin_metadata": {RECORDED: "yes"},
            "volume_admin_metadata": _formats(chain),
        }

    # -- delete

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        volume = snapshot_ref.volume
        attached = _is_attached(volume)
        layers = self._layers(volume)
        plan: dict[str, str | None] = {KIND: None, REMOVE: None}
        if RECORDED in snapshot_ref.snapshot_admin_metadata:
            plan |= self._plan(layers, snapshot_ref, attached)
        else:
            plan |= self._plan_failed(layers, snapshot_ref, attached)
        return {"snapshot_admin_metadata": plan}

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        volume = snapshot_ref.volume
        stored = snapshot_ref.snapshot_admin_metadata
        layers = self._layers(volume)
        kind, remove = stored.get(KIND), stored.get(REMOVE)
        if kind is None:
            return {}
        if kind == "adopt":
            chain = layers.chain(stored[FILE])
        else:
            chain = layers.chain(self._top(layers, volume))
            found = {image.name: image for image in chain}
            if kind == "commit" and remove in found:
                above = next((i for i in chain if i.backing == remove), None)
                layers.commit(found[remove], above)
            elif kind == "commit pending" and layers.path(remove).exists():
                layers.commit(layers.image(remove), None)
            elif kind == "merged" and remove in found:
                raise Refused(f"{remove} is still in the chain")
            if remove is not None:
                self._remove(layers, volume, remove)
            chain = layers.chain(self._top(layers, volume))
        return {"volume_admin_metadata": _formats(chain)}

    def _remove(self, layers: Layers, volume: Any, name: str) -> None:
        """Remove an image; overlays of failed creates may be on it."""
        if layers.path(name).exists():
            top = self._top(layers, volume)
            names = {image.name for image in layers.chain(top)}
            for user in layers.users_of(name):
                if user in names:
                    raise Refused(f"{user} is on {name}")
                # Nobody ever wrote to it, so where it is does not matter;
                # what is left of the chain may have been made after it.
                layers.stand_alone(user)
            layers.remove(name)

    def _plan(
        self, layers: Layers, snapshot: Any, attached: bool
    ) -> dict[str, str | None]:
        """How a snapshot that was available is deleted."""
        volume = snapshot.volume
        chain = layers.chain(self._top(layers, volume))
        overlay = self._overlay(layers, snapshot)
        names = {image.name for image in chain}
        astray = self._astray(layers, volume, names, but=snapshot)
        if overlay.name not in names:
            self._check_settled(layers, volume, names, snapshot, astray)
            return {KIND: "merged", REMOVE: overlay.name}
        for other in astray:
            if layers.image(other).backing == overlay.backing:
                self._check_settled(layers, volume, names, snapshot, [])
                return {KIND: "merged", REMOVE: other}
        self._check_settled(layers, volume, names, snapshot, astray)
        stored = snapshot.snapshot_admin_metadata
        left = stored.get(REMOVE)
        if (
            stored.get(KIND) == "merged"
            and left is not None
            and left not in names
            and layers.path(left).exists()
        ):
            # Pulled, and not reported. No snapshot has it for its overlay,
            # or it would be astray: its create had failed.
            return {KIND: "merged", REMOVE: left}
        if overlay.backing is None:
            # The former base image may be an overlay that all was pulled to.
            base = left or layers.base
            return {KIND: "merged", REMOVE: None if base in names else base}
        if not attached:
            return {KIND: "commit", REMOVE: overlay.name}
        below = layers.image(overlay.backing)
        request: dict[str, str | None] = {"delete_info:type": "qcow2"}
        if overlay == chain[0]:
            remove = below.name
            request["delete_info:file_to_merge"] = below.backing
        else:
            remove = overlay.name
            request["delete_info:file_to_merge"] = overlay.name
            request["delete_info:merge_target_file"] = below.name
        return {KIND: "merged", REMOVE: remove, **request}

    def _plan_failed(
        self, layers: Layers, snapshot: Any, attached: bool
    ) -> dict[str, str | None]:
        """How a snapshot whose create failed is deleted."""
        volume = snapshot.volume
        top = self._top(layers, volume)
        names = {image.name for image in layers.chain(top)}
        astray = self._astray(layers, volume, names, but=snapshot)
        self._check_settled(layers, volume, names, snapshot, astray)
        made = layers.made_for(snapshot.id)
        if not made:
            return {}
        if snapshot.id not in self._pending_ids(layers, volume):
            return {KIND: "discard", REMOVE: made[0]}
        if layers.image(made[0]).backing != top:
            raise Refused(f"{made[0]} is not on {top}")
        if attached:
            return {KIND: "adopt"}
        return {KIND: "commit pending", REMOVE: made[0]}

    # -- the books

    def _layers(self, volume: Any) -> Layers:
        return Layers(self._share / volume.name, volume.name, volume.size)

    def _new(self, volume: Any) -> Layers:
        if volume.encryption_key_id:
            raise Refused(f"volume {volume.id} is encrypted")
        layers = self._layers(volume)
        layers.directory.mkdir()
        return layers

    def _copy(
        self, source: Layers, image: Image, volume: Any
    ) -> dict[str, Any]:
        layers = self._new(volume)
        source.copy(image, layers.path(layers.base), volume.size)
        return {"admin_metadata": {"format": "raw"}}

    def _top(self, layers: Layers, volume: Any) -> str:
        """The active image, as far as it is recorded."""
        top = layers.top(self._unrecorded(layers, volume))
        for snapshot in volume.snapshots:
            stored = snapshot.snapshot_admin_metadata
            if (
                RECORDED in stored
                # Its overlay is about to be removed, or has been.
                and not _goes(layers, stored)
                and layers.number(stored[FILE]) > layers.number(top)
            ):
                raise LayersError(f"{stored[FILE]} and all above are missing")
        return top

    def _overlay(self, layers: Layers, snapshot: Any) -> Image:
        """``o(s)``: its own overlay, or what that was pulled into."""
        if RECORDED not in snapshot.snapshot_admin_metadata:
            raise Refused(f"snapshot {snapshot.id} was never completed")
        name = self._recorded(layers, snapshot.volume, snapshot)
        if name is None:
            raise LayersError(f"no overlay of snapshot {snapshot.id} is left")
        return layers.image(name)

    def _recorded(
        self, layers: Layers, volume: Any, snapshot: Any
    ) -> str | None:
        """The overlay of a completed snapshot, in the chain or not.

        The layer above its own has what was pulled away from under it, and
        may in turn have been pulled away without anybody having reported it.
        """
        own = snapshot.snapshot_admin_metadata[FILE]
        unrecorded = self._unrecorded(layers, volume)
        for name in layers.names():
            above = layers.number(name) >= layers.number(own)
            if above and name not in unrecorded:
                return name
        return None

    def _unrecorded(self, layers: Layers, volume: Any) -> set[str]:
        """The overlays of creates that were never completed."""
        return {
            name
            for snapshot in volume.snapshots
            if RECORDED not in snapshot.snapshot_admin_metadata
            for name in layers.made_for(snapshot.id)
        }

    def _pending_ids(self, layers: Layers, volume: Any) -> dict[str, str]:
        """Snapshots whose overlay the guest may use, with that overlay."""
        return {
            snapshot.id: stored[FILE]
            for snapshot in volume.snapshots
            if "create_info:type"
            in (stored := snapshot.snapshot_admin_metadata)
            and RECORDED not in stored
            and stored.get("manager:compute_call") != "refused"
            and layers.path(stored[FILE]).exists()
        }

    def _pending(self, layers: Layers, volume: Any) -> list[str]:
        return list(self._pending_ids(layers, volume).values())

    def _astray(
        self, layers: Layers, volume: Any, chain: set[str], *, but: Any
    ) -> list[str]:
        """Recorded overlays of other snapshots that the chain leaves out."""
        recorded = (
            self._recorded(layers, volume, snapshot)
            for snapshot in volume.snapshots
            if snapshot.id != but.id
            and RECORDED in snapshot.snapshot_admin_metadata
        )
        return [
            name for name in recorded if name is not None and name not in chain
        ]

    def _check_settled(
        self,
        layers: Layers,
        volume: Any,
        chain: set[str],
        but: Any,
        astray: list[str],
    ) -> None:
        pending = set(self._pending_ids(layers, volume)) - {but.id}
        if pending:
            raise Refused(f"the create of {', '.join(pending)} is pending")
        if astray:
            raise Refused(f"{', '.join(astray)} was merged and not reported")

    def _settled(
        self, volume: Any, *, but: Any = None
    ) -> tuple[Layers, list[Image]]:
        """The chain, provided that nothing about it is in doubt."""
        layers = self._layers(volume)
        chain = layers.chain(self._top(layers, volume))
        names = {image.name for image in chain}
        but = but or volume
        astray = self._astray(layers, volume, names, but=but)
        self._check_settled(layers, volume, names, but, astray)
        return layers, chain


def _goes(layers: Layers, stored: Mapping[str, str]) -> bool:
    """Whether a snapshot's delete removes its overlay.

    That is its own, or the one above into which its own was pulled.
    """
    remove = stored.get(REMOVE)
    return remove is not None and (
        layers.number(remove) >= layers.number(stored[FILE])
    )


def _is_attached(volume: Any) -> bool:
    if volume.attach_status != "attached":
        return False
    if len(volume.volume_attachment) != 1:
        raise Refused(f"volume {volume.id} needs exactly one attachment")
    return True


def _formats(chain: list[Image]) -> dict[str, str | None]:
    return {"format": chain[0].format, "base_format": chain[-1].format}


class OwnBooksAdapter(DriverAdapter):
    """Finds the images in a directory for each volume."""

    driver_class = OwnBooksDriver

    def image(
        self, share: Path, connection_info: Mapping[str, Any]
    ) -> ConnectedImage:
        return ConnectedImage(
            Path(connection_info["export"], connection_info["name"]),
            connection_info["format"],
        )
