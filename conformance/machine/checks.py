# SPDX-License-Identifier: Apache-2.0
"""What holds after every step of a story."""

from __future__ import annotations

from collections.abc import Iterator

from assisted_kit.capabilities import Capability
from assisted_kit.image import Image
from conformance import oracle
from conformance.ledger import Ledger
from conformance.machine.contradiction import Contradiction
from conformance.machine.model import Model
from conformance.machine.model import Standing
from conformance.machine.model import VolumeModel
from conformance.machine.told import ToldVolume


class Checks:
    """Compares volumes and snapshots with the model."""

    def __init__(self, model: Model, volumes: dict[str, ToldVolume]) -> None:
        self.evaluated = 0
        """How many claims were evaluated."""
        self._model = model
        self._volumes = volumes

    def claim(
        self, holds: bool, kind: str, expected: str, observed: str
    ) -> None:
        """Evaluate one claim.

        :raises Contradiction: it does not hold.
        """
        self.evaluated += 1
        if not holds:
            raise Contradiction(kind, expected, observed)

    def all(self, *, thorough: bool = False) -> None:
        """See that everything is as it should be.

        :param thorough: have ``qemu-img`` confirm it, which has the last
            word and takes its time.
        :raises Contradiction: something is not.
        """
        for name, model in self._model.volumes.items():
            volume = self._volumes[name]
            self._statuses(volume, model)
            for image in volume.images_in_use(model):
                self._reads(image, model.content, f"volume {name}", thorough)
            self._snapshots(volume, model, thorough)
            self._no_orphans(volume, model)

    def _statuses(self, volume: ToldVolume, model: VolumeModel) -> None:
        statuses = volume.statuses()
        for name, snapshot in model.snapshots.items():
            found = statuses.get(volume.known[name].id, "deleted")
            self.claim(
                found == snapshot.standing.status,
                "status",
                f"snapshot {name} is {snapshot.standing.status}",
                f"it is {found}",
            )

    def _reads(
        self, image: Image, content: Ledger, what: str, thorough: bool
    ) -> None:
        difference = oracle.compare(image, content, confirmed=thorough)
        said = (difference.expected, difference.observed) if difference else ""
        self.claim(
            difference is None,
            f"the bytes of {what.partition(' ')[0]}s",
            f"{what}, in {image}:\n{said and said[0]}",
            said and said[1],
        )

    def _snapshots(
        self, volume: ToldVolume, model: VolumeModel, thorough: bool
    ) -> None:
        for name, snapshot in model.snapshots.items():
            if not snapshot.standing.is_readable:
                continue
            if not volume.has(Capability.overlay_files):
                self._copied(volume, name, snapshot.content)
                continue
            image = volume.snapshot_image(volume.known[name])
            self.claim(
                image is not None,
                "the records of snapshots",
                f"an overlay is recorded for snapshot {name}",
                "there is none, or it has no backing file",
            )
            assert image is not None
            self._reads(image, snapshot.content, f"snapshot {name}", thorough)

    def _copied(self, volume: ToldVolume, name: str, content: Ledger) -> None:
        """What only the driver knows how to read is read in a copy."""
        if not volume.has(Capability.create_from_snapshot):
            return
        snapshot = volume.known[name]
        snapshot.ledger = content
        difference = volume.copy_difference(snapshot)
        self.claim(
            difference is None,
            "the bytes of snapshots",
            f"a volume created from snapshot {name}:\n"
            f"{difference.expected if difference else ''}",
            difference.observed if difference else "",
        )

    def _no_orphans(self, volume: ToldVolume, model: VolumeModel) -> None:
        if not volume.has(Capability.overlay_files):
            return
        names = {model.name}
        if not volume.has(Capability.cinder_share_layout):
            # Nothing tells the files of volumes in one directory apart.
            names |= self._model.volumes.keys()
        if any(
            snapshot.standing is not Standing.AVAILABLE
            for name in names
            for snapshot in self._model.volumes[name].snapshots.values()
        ):
            return
        chain = sorted(image.path.name for image in volume.chain())
        others = {
            image.path.name
            for name in names - {model.name}
            for image in self._volumes[name].chain()
        }
        files = sorted(volume.files() - {f"{volume.name}.info"} - others)
        self.claim(
            chain == files,
            "orphans",
            f"the images of volume {model.name}: {', '.join(chain)}",
            ", ".join(files),
        )

    def unchanged(self, volume: ToldVolume, before: dict[str, object]) -> None:
        """See that what was refused has changed nothing."""
        after = volume.state()
        for what, was, is_ in _pairs(before, after):
            self.claim(
                was == is_,
                "what was refused",
                f"the volume's {what} as before: {was}",
                str(is_),
            )


def _pairs(
    before: dict[str, object], after: dict[str, object]
) -> Iterator[tuple[str, object, object]]:
    for what, was in before.items():
        yield what, was, after[what]
