# SPDX-License-Identifier: Apache-2.0
"""A volume of a story: how it should be, and how it is found."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping

from assisted_kit.image import Image
from assisted_kit.refs import VolumeRef
from conformance.deployment import Deployment
from conformance.ledger import Ledger
from conformance.machine.model import Standing
from conformance.machine.model import VolumeModel
from conformance.snapshot import SnapshotUnderTest
from conformance.volume import VolumeUnderTest

GENERATIONS = 100
"""Of what a guest writes to each volume, which tells them apart."""


class ToldVolume(VolumeUnderTest):
    """A volume under test that a story tells of.

    :param number: of the volumes of the story, from 1.
    :param names_of_all: what the story calls everything in it.
    """

    def __init__(
        self,
        deployment: Deployment,
        number: int,
        names_of_all: Callable[[], Mapping[str, str]],
        copy: tuple[VolumeRef, Ledger] | None = None,
    ) -> None:
        super().__init__(
            deployment,
            first_generation=1 + GENERATIONS * (number - 1),
            copy=copy,
        )
        self.known: dict[str, SnapshotUnderTest] = {}
        """Its snapshots, failed ones too, by their names in the story."""
        self._names_of_all = names_of_all
        self._found: Image | None = None
        self._is_still = False
        self.is_behind = False
        """Whether the guest has another image open than is active."""
        self.is_nova_behind = False
        """Whether Nova would restart the guest with another image."""
        self.is_missing = False
        """Whether a recorded overlay is out of the chain (section 5)."""
        self.unclear: frozenset[str] = frozenset()
        """Snapshots of which the contract does not say whether their delete
        is refused: a commit of an overlay and a pull of it leave the same
        headers, by which section 3 has either of two deletes go ahead."""

    # -- between steps nothing changes, so it is asked for once

    def holds_still(self) -> None:
        """Nothing is done to the volume from now on."""
        self._found, self._is_still = None, True

    def moves(self) -> None:
        """Something is done to it."""
        self._found, self._is_still = None, False

    def active(self) -> Image:
        """The image that the volume's next connection uses."""
        if self._found is None or not self._is_still:
            self._found = super().active()
        return self._found

    def statuses(self) -> dict[str, str]:
        """The statuses of its snapshots, by their ids."""
        return {s.id: s.status for s in self.ref().snapshots}

    # -- how it stands

    def look(self, model: VolumeModel) -> None:
        """See how it stands, which decides what may be done next.

        Only what may differ: of a volume with which nothing has gone
        wrong, nothing is excused.
        """
        self.is_behind = self.is_nova_behind = self.is_missing = False
        self.unclear = frozenset()
        if model.is_attached:
            active = self.active()
            disk = self.instance.disk(self.id)
            self.is_behind = disk.image.path != active.path
            self.is_nova_behind = (
                self.deployment.image(disk.connection_info) != active
            )
        if model.any_is(Standing.MERGED, Standing.DELETING_MERGED):
            self._compare_records(model)

    def _compare_records(self, model: VolumeModel) -> None:
        """Compare the records with the chain (sections 3 and 5)."""
        chain = {image.path.name for image in self.chain()}
        recorded = {
            name: overlay
            for name, snapshot in model.snapshots.items()
            if snapshot.standing.is_readable or snapshot.standing.is_merged
            if (overlay := self.overlay(self.known[name])) is not None
        }
        missing = set(recorded.values()) - chain
        backing = {self.backing(overlay) for overlay in missing}
        self.is_missing = bool(missing)
        self.unclear = frozenset(
            name
            for name, overlay in recorded.items()
            if overlay in missing or self.backing(overlay) in backing
        )

    def in_doubt(self, model: VolumeModel, but: str = "") -> bool:
        """Whether operations on the chain are refused (section 5).

        :param but: the name of a snapshot that is to be deleted.
        """
        pending = any(
            snapshot.standing is Standing.PENDING
            for name, snapshot in model.snapshots.items()
            if name != but
        )
        concerned = (
            but in model.snapshots and model.snapshots[but].standing.is_merged
        )
        return pending or (self.is_missing and not concerned)

    def images_in_use(self, model: VolumeModel) -> list[Image]:
        """Every image that the guest, or its next connection, reads."""
        images = [self.deployment.image(self.connect()["data"])]
        if model.is_attached:
            images.append(self.live_image())
            # The attachment is brought up to date when a create ends.
            if not model.any_is(Standing.CREATING):
                images.append(self.active())
        return list(dict.fromkeys(images))

    def lent(self, snapshot_id: str) -> None:
        """A temporary snapshot came and went, which moved the records."""
        if self.is_traced:
            self.overlays.took(snapshot_id, self.active())
            self.overlays.dropped(snapshot_id, self.chain())

    def names(self) -> dict[str, str]:
        """Long names to those of the story."""
        return dict(self._names_of_all())
