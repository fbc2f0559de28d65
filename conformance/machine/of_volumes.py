# SPDX-License-Identifier: Apache-2.0
"""The steps of a story that are about volumes and their guests."""

from __future__ import annotations

from collections.abc import Callable

from assisted_kit.capabilities import Capability
from assisted_kit.manager.volumes import VolumeOperations
from assisted_kit.refs import VolumeRef
from conformance import share_layout
from conformance.ledger import Ledger
from conformance.machine.model import Standing
from conformance.machine.model import VolumeModel
from conformance.machine.telling import Telling
from conformance.machine.telling import told
from conformance.machine.told import ToldVolume
from conformance.volume import GIB

MOST_AT_ONCE = 3
"""Volumes that there are at the same time."""

MOST = 8
"""Volumes that are ever made; the places that their guests write to."""

LARGEST = 3
"""GiB to which a volume is extended."""


class OfVolumes(Telling):
    """Volumes, copies of them, and guests."""

    # -- volumes come and go

    def can_create_volume(self, volume: str) -> bool:
        """Whether there is room for another volume."""
        return (
            volume not in self.volumes
            and len(self.volumes) < MOST_AT_ONCE
            and self.model.made < MOST
        )

    @told
    def create_volume(self, volume: str) -> None:
        """Create an empty volume of 1 GiB."""
        self._is_there(volume, Ledger(GIB), None)

    def can_delete_volume(self, volume: str) -> bool:
        """Whether a volume is detached and has no snapshots."""
        model = self.model.volumes.get(volume)
        return (
            model is not None
            and not model.is_attached
            and not model.snapshots
            and len(self.volumes) > 1
        )

    @told
    def delete_volume(self, volume: str) -> None:
        """Delete a volume, which leaves nothing behind."""
        gone = self.volumes[volume]
        self._manager.delete(gone.id)
        del self.volumes[volume]
        del self.model.volumes[volume]
        if gone.has(Capability.cinder_share_layout):
            left = share_layout.files_of(self.deployment.share, gone.name)
            self.checks.claim(
                not left,
                "orphans",
                f"no file of volume {volume} is left",
                ", ".join(sorted(left)),
            )

    def can_clone(self, volume: str, copy: str) -> bool:
        """Whether a volume can be cloned: of an attached one by way of a
        temporary snapshot, which waits for Nova."""
        model = self.model.volumes.get(volume)
        if model is None or model.is_claimed:
            return False
        if not self.can_create_volume(copy):
            return False
        found = self.volumes[volume]
        if not model.is_attached:
            return self.has(Capability.clone)
        return (
            self.has(Capability.clone, Capability.create_from_snapshot)
            and not found.in_doubt(model)
            and not found.is_behind
            and not model.any_is(Standing.MERGED)
        )

    @told
    def clone(self, volume: str, copy: str) -> None:
        """Create a volume that holds what another one does."""
        source, model = self.volumes[volume], self.model.volumes[volume]
        if source.in_doubt(model):
            self.refused(source, lambda: self._manager.clone(source.id))
            return
        self._copied(
            copy, model.content, lambda: self._manager.clone(source.id)
        )
        if model.is_attached:
            source.lent("temporary")

    def can_create_from_snapshot(self, snapshot: str, copy: str) -> bool:
        """Whether a snapshot is available, and there is room."""
        found = self.model.snapshots.get(snapshot)
        return (
            self.has(Capability.create_from_snapshot)
            and found is not None
            and found.standing is Standing.AVAILABLE
            and not self.model.volumes[found.volume].is_claimed
            and self.can_create_volume(copy)
        )

    @told
    def create_from_snapshot(self, snapshot: str, copy: str) -> None:
        """Create a volume that holds what a snapshot does."""
        found = self.model.snapshots[snapshot]
        source = self.volumes[found.volume]

        def create() -> VolumeRef:
            return self._manager.create_from_snapshot(
                source.known[snapshot].id
            )

        if source.in_doubt(self.model.volumes[found.volume]):
            self.refused(source, create)
            return
        self._copied(copy, found.content, create)

    def can_extend(self, volume: str) -> bool:
        """Whether a volume is detached, and not too large already."""
        model = self.model.volumes.get(volume)
        return (
            self.has(Capability.extend_with_snapshots)
            and model is not None
            and not model.is_attached
            and not model.is_claimed
            and model.content.size < LARGEST * GIB
        )

    @told
    def extend(self, volume: str) -> None:
        """Extend a detached volume by 1 GiB."""
        found, model = self.volumes[volume], self.model.volumes[volume]
        larger = model.content.size // GIB + 1

        def extend() -> None:
            self._manager.extend(found.id, larger)

        if found.in_doubt(model):
            self.refused(found, extend)
            return
        extend()
        model.content.size = larger * GIB

    # -- guests

    def can_attach(self, volume: str) -> bool:
        """Whether a volume is detached."""
        model = self.model.volumes.get(volume)
        return model is not None and not model.is_attached

    @told
    def attach(self, volume: str) -> None:
        """Attach a volume to a guest that runs."""
        self.volumes[volume].attach()
        self.model.volumes[volume].is_attached = True

    def can_detach(self, volume: str) -> bool:
        """Whether a volume is attached."""
        model = self.model.volumes.get(volume)
        return model is not None and model.is_attached

    @told
    def detach(self, volume: str) -> None:
        """Detach a volume."""
        self.volumes[volume].detach()
        self.model.volumes[volume].is_attached = False

    def can_write(self, volume: str) -> bool:
        """Whether there is such a volume."""
        return volume in self.volumes

    @told
    def write(self, volume: str) -> None:
        """Have a guest write; a detached volume is attached for that."""
        self.volumes[volume].write()

    def can_restart_guest(self, volume: str) -> bool:
        """Whether a guest runs, and Nova knows with what to restart it.

        A Nova that has died, or that waits, has not read the connection
        information again, and no driver can help that.
        """
        return (
            self.can_detach(volume)
            and not self.volumes[volume].is_nova_behind
            and not self.model.volumes[volume].any_is(Standing.CREATING)
        )

    @told
    def restart_guest(self, volume: str) -> None:
        """Restart a guest cold: it opens what Nova has read."""
        self.volumes[volume].restart()

    # -- what they share

    @property
    def _manager(self) -> VolumeOperations:
        return self.deployment.manager.volumes

    def _copied(
        self, copy: str, content: Ledger, make: Callable[[], VolumeRef]
    ) -> None:
        held = content.copy()
        self._is_there(copy, held, make())

    def _is_there(
        self, name: str, content: Ledger, created: VolumeRef | None
    ) -> None:
        self.model.made += 1
        volume = ToldVolume(
            self.deployment,
            self.model.made,
            self.names,
            (created, content) if created else None,
        )
        self.volumes[name] = volume
        # What its guest writes is taken down in the volume's own ledger.
        self.model.volumes[name] = VolumeModel(name, volume.ledger)
        self.call(name, volume.id, volume.name)
