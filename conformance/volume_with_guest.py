# SPDX-License-Identifier: Apache-2.0
"""A volume's data: what its guest writes, and whether it is read back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assisted_kit.capabilities import Capability
from assisted_kit.image import Image
from assisted_kit.lifecycle import Status
from assisted_kit.manager.connections import NoConnectionInfo
from assisted_kit.process import execute
from assisted_kit.refs import VolumeRef
from conformance import oracle
from conformance.deployment import Deployment
from conformance.ledger import generation_writes
from conformance.ledger import Ledger
from conformance.ledger import SECTOR
from conformance.oracle import Difference
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import OperationFailed
from conformance.volume_on_share import VolumeOnShare


class VolumeWithGuest(VolumeOnShare):
    """A volume, its guest, and everything the guest wrote.

    :param ledger: what it should hold now.
    :param first_generation: of what the guest writes; volumes are told
        apart by generations.
    """

    def __init__(
        self,
        deployment: Deployment,
        created: VolumeRef,
        ledger: Ledger,
        first_generation: int,
    ) -> None:
        super().__init__(deployment, created)
        self.ledger = ledger
        self.instance: Any = None
        self._generation = first_generation - 1

    # -- the guest

    def attach(self) -> None:
        """Attach the volume to a running instance."""
        self.instance = self.deployment.nova.boot()
        try:
            self.instance.attach(self._volumes, self.id)
        except NoConnectionInfo as error:
            raise OperationFailed(
                "attaching the volume",
                "success",
                f"{type(error).__name__}: {error}",
            ) from error

    def detach(self) -> None:
        """Detach it again."""
        self.instance.detach(self.id)
        self.instance = None

    def attach_once_more(self) -> None:
        """Give the volume a second attachment, to another instance."""
        ref = self.ref()
        self.deployment.database.volumes.attach(
            self.id,
            instance_uuid="00000000-0000-0000-0000-000000000002",
            connector={"host": "another"},
            connection_info=ref.volume_attachment[0].connection_info,
        )

    def set_attached(self) -> None:
        """Have it attached, as its row says, though to nobody."""
        self.deployment.database.volumes.update(
            self.id, {"status": "in-use", "attach_status": "attached"}
        )

    def restart(self) -> None:
        """Restart the guest cold: what it opens is what Nova has read."""
        self.instance.restart()

    def reboot_hard(self) -> None:
        """Restart the guest cold, from what Cinder answers Nova now."""
        (attachment,) = self.ref().volume_attachment
        self.instance.reboot_hard(
            {self.id: {**attachment.connection_info, **self.connect()["data"]}}
        )

    def lose_instance(self) -> None:
        """The instance is gone without having detached the volume."""
        self.deployment.nova.destroy(self.instance)

    def clean_up_attachment(self) -> None:
        """Detach the volume from an instance that is gone."""
        self.instance.detach(self.id)
        self.instance = None

    def live_image(self) -> Image:
        """The image that the running guest writes to."""
        image: Image = self.instance.disk(self.id).image
        return image

    # -- what it writes

    def write(self) -> None:
        """The guest writes another generation.

        A detached volume is attached for as long as that takes.
        """
        self._generation += 1
        writes = generation_writes(self.ledger.size, self._generation)
        self.write_at(writes, f"generation {self._generation}")

    def write_at(
        self, writes: list[tuple[int, bytes]], what: str = "data"
    ) -> None:
        """The guest writes these bytes at these offsets.

        :param what: they are, for the timeline.
        """
        with self._guest() as disk:
            self.deployment.note_writes(what, disk.image, writes)
            disk.write_many(writes)
        for offset, data in writes:
            self.ledger.write(offset, data)

    def write_qcow2_image(self) -> None:
        """The guest writes a whole qcow2 image to where its disk begins.

        Whoever probes takes the volume's raw image for that one.
        """
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "image"
            execute("qemu-img", "create", "-f", "qcow2", str(path), "1G")
            content = path.read_bytes()
        padding = bytes(-len(content) % SECTOR)
        self.write_at([(0, content + padding)], "a qcow2 image")

    @contextmanager
    def _guest(self) -> Iterator[Any]:
        borrowed = self.instance is None
        if borrowed:
            self.attach()
        try:
            yield self.instance.disk(self.id)
        finally:
            if borrowed:
                self.detach()

    # -- what is read back

    def difference(self) -> Difference | None:
        """How the volume differs from what its guest wrote."""
        return self._compare(self.active(), self.ledger)

    def connected_difference(self) -> Difference | None:
        """How what a new connection uses differs from the guest's data."""
        image = self.deployment.image(self.connect()["data"])
        return oracle.compare(image, self.ledger)

    def snapshot_difference(
        self,
        snapshot: SnapshotUnderTest,
        active: Image | None = None,
        opened: Sequence[Image] = (),
    ) -> Difference | None:
        """How a snapshot differs from what was there when it was taken.

        :param active: the volume's active image, where it is known.
        :param opened: images that ``qemu-img`` has just opened, when it was
            asked what is above them; the kit alone reads those.
        """
        books = self.has(Capability.cinder_share_layout)
        if not books and self._may_copy(snapshot):
            # What the driver itself says that the snapshot holds.
            return self.copy_difference(snapshot)
        try:
            image = self.snapshot_image(
                snapshot, active.path.parent if active else None
            )
        except OperationFailed as error:
            return Difference(error.expected, error.observed)
        if image is None:
            return Difference(
                f"an overlay recorded for snapshot {snapshot.id}",
                "none in the info file" if books else "none was ever active",
            )
        return self._compare(
            image, snapshot.ledger, confirmed=image not in opened
        )

    def _compare(
        self, image: Image, ledger: Ledger, *, confirmed: bool = True
    ) -> Difference | None:
        """How one of the volume's images differs from a ledger."""
        return oracle.compare(image, ledger, confirmed=confirmed)

    def _may_copy(self, snapshot: SnapshotUnderTest) -> bool:
        """Whether a volume can be created from a snapshot now.

        While anything about a chain of files is in doubt that is refused
        (section 5).
        """
        if not self.has(Capability.create_from_snapshot):
            return False
        if not self.has(Capability.overlay_files):
            return True
        return all(
            other.status == Status.AVAILABLE for other in self.ref().snapshots
        )

    def copy_difference(
        self, snapshot: SnapshotUnderTest
    ) -> Difference | None:
        """How a volume created from a snapshot differs from it."""
        copy = self._volumes.create_from_snapshot(snapshot.id)
        connection = self.deployment.driver.initialize_connection(
            copy, {"host": "kit"}
        )
        difference = oracle.compare(
            self.deployment.image(connection["data"]), snapshot.ledger
        )
        self._volumes.delete(copy.id)
        return difference
