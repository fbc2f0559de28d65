# SPDX-License-Identifier: Apache-2.0
"""A volume under test: operations in the domain's words, and its ledger."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assisted_kit import qcow2
from assisted_kit.capabilities import Capability
from assisted_kit.db.references import NotFound
from assisted_kit.image import Image
from assisted_kit.lifecycle import Status
from assisted_kit.manager.volumes import VolumeOperations
from assisted_kit.process import execute
from assisted_kit.refs import SnapshotRef
from assisted_kit.refs import VolumeRef
from assisted_kit.rules import Profile
from conformance import oracle
from conformance import share_layout
from conformance import storage
from conformance.deployment import Deployment
from conformance.ledger import generation_writes
from conformance.ledger import Ledger
from conformance.ledger import SECTOR
from conformance.oracle import Difference
from conformance.overlays import Overlays
from fakes.compute.history import Call

GIB = 1024**3


class OperationFailed(AssertionError):
    """An operation ended in another status than it should have."""

    def __init__(self, operation: str, expected: str, observed: str) -> None:
        super().__init__(f"{operation}: {observed} instead of {expected}")
        self.expected = f"{operation} ends in {expected}"
        self.observed = f"it ended in {observed}"


class SnapshotUnderTest:
    """A snapshot, and what its volume held when it was taken."""

    def __init__(
        self, volume: VolumeUnderTest, snapshot_id: str, ledger: Ledger
    ) -> None:
        self.volume = volume
        self.id = snapshot_id
        self.ledger = ledger

    @property
    def status(self) -> str:
        """Its status now; ``deleted`` when there is no row any more."""
        try:
            status: str = self.ref().status
        except NotFound:
            return str(Status.DELETED)
        return status

    def ref(self) -> SnapshotRef:
        """The snapshot as a hook gets it."""
        deployment = self.volume.deployment
        return deployment.database.references.snapshot(
            self.id, context=deployment.context
        )

    def requested_file(self) -> str:
        """An overlay of the last request to the compute service."""
        calls = [
            call
            for call in self.volume.deployment.nova.history.of(Call)
            if call.snapshot_id == self.id
        ]
        info: Mapping[str, str | None] = calls[-1].info
        if "new_file" in info:
            return str(info["new_file"])
        return self.volume.active().path.name

    def delete(
        self, *, force: bool = False, expect: str = Status.DELETED
    ) -> None:
        """Delete it and wait until that is over.

        :raises OperationFailed: it ended in another status.
        """
        self.start_delete(force=force)
        self.volume.settle()
        self.finish_delete(expect=expect)

    def finish_delete(self, *, expect: str = Status.DELETED) -> None:
        """See how a delete that was started has ended.

        :raises OperationFailed: in another status.
        """
        self.volume.expect(self, "deleting the snapshot", expect)
        if expect == Status.DELETED:
            self.volume.snapshots.remove(self)
            if not self.volume.has(Capability.cinder_share_layout):
                self.volume.overlays.dropped(self.id, self.volume.chain())

    def accept_delete(self) -> None:
        """Accept the delete, and no more: no hook is called."""
        deployment = self.volume.deployment
        deployment.database.snapshots.begin_delete(self.id, assisted=True)

    def start_delete(self, *, force: bool = False) -> None:
        """Accept the delete; it goes on by itself."""
        self.volume.chain_before = self.volume.draw()
        self.volume.deployment.manager.delete_snapshot(self.id, force=force)


class VolumeUnderTest:
    """A volume of 1 GiB, its guest, and everything the guest wrote.

    :param first_generation: of what the guest writes; volumes are told
        apart by generations.
    :param name_id: names its files in place of its id, as after a
        migration.
    :param copy: the id of a volume that was made from another one, and
        what it should hold; a new and empty one unless it is given.
    """

    def __init__(
        self,
        deployment: Deployment,
        *,
        first_generation: int = 1,
        name_id: str | None = None,
        copy: tuple[str, Ledger] | None = None,
    ) -> None:
        self.deployment = deployment
        self.id: str
        self.id, self.ledger = copy or (
            self._volumes.create(1, _name_id=name_id).id,
            Ledger(GIB),
        )
        self.name: str = self.ref().name
        self.snapshots: list[SnapshotUnderTest] = []
        self.overlays = Overlays()
        self.instance: Any = None
        self.pending: SnapshotUnderTest | None = None
        """A snapshot whose create failed without anybody knowing how."""
        self.chain_before = ""
        self.undrawable = ""
        """Why the chain cannot be drawn, if drawing it might not end."""
        self._generation = first_generation - 1
        self._taken: list[str] = []

    @property
    def _volumes(self) -> VolumeOperations:
        return self.deployment.manager.volumes

    def ref(self) -> VolumeRef:
        """The volume as the driver's ordinary methods get it."""
        return self._volumes.ref(self.id)

    # -- the guest

    def attach(self) -> None:
        """Attach the volume to a running instance."""
        self.instance = self.deployment.nova.boot()
        self.instance.attach(self._volumes, self.id)

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

    def write(self) -> None:
        """The guest writes another generation.

        A detached volume is attached for as long as that takes.
        """
        self._generation += 1
        writes = generation_writes(self.ledger.size, self._generation)
        self.write_at(writes)

    def write_at(self, writes: list[tuple[int, bytes]]) -> None:
        """The guest writes these bytes at these offsets."""
        with self._guest() as disk:
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
        self.write_at([(0, content + padding)])

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

    def set_status(self, status: str) -> None:
        """Set the volume's status, as another operation of Cinder's does."""
        self.deployment.database.volumes.update(self.id, {"status": status})

    def live_image(self) -> Image:
        """The image that the running guest writes to."""
        image: Image = self.instance.disk(self.id).image
        return image

    # -- snapshots

    def take_snapshot(
        self, *, expect: str = Status.AVAILABLE, **fields: Any
    ) -> SnapshotUnderTest:
        """Take a snapshot and wait until that is over.

        :param fields: columns of its row, ``display_name`` say.
        :raises OperationFailed: it ended in another status.
        """
        snapshot = self.start_snapshot(**fields)
        self.settle()
        self.finish_snapshot(snapshot, expect=expect)
        return snapshot

    def finish_snapshot(
        self, snapshot: SnapshotUnderTest, *, expect: str = Status.AVAILABLE
    ) -> None:
        """See how a snapshot that was started has ended.

        :raises OperationFailed: in another status.
        """
        self.expect(snapshot, "taking a snapshot", expect)
        if expect == Status.AVAILABLE and self.has(Capability.overlay_files):
            self.overlays.took(snapshot.id, self.active())

    def start_snapshot(self, **fields: Any) -> SnapshotUnderTest:
        """Accept a snapshot; it goes on by itself.

        :param fields: columns of its row.
        """
        self.chain_before = self.draw()
        return self.add_snapshot(
            self.deployment.manager.create_snapshot(self.id, **fields)
        )

    def add_snapshot(self, snapshot_id: str) -> SnapshotUnderTest:
        """Take charge of a snapshot of what the volume holds now."""
        snapshot = SnapshotUnderTest(self, snapshot_id, self.ledger.copy())
        self.snapshots.append(snapshot)
        self._taken.append(snapshot.id)
        return snapshot

    def accept_snapshot(self) -> SnapshotUnderTest:
        """A snapshot that was accepted, and that no hook has seen yet."""
        snapshots = self.deployment.database.snapshots
        attempt = snapshots.begin_create(self.id, assisted=True)
        snapshot = SnapshotUnderTest(self, attempt.snapshot_id, self.ledger)
        self._taken.append(snapshot.id)
        return snapshot

    def unborn_snapshot(self) -> SnapshotUnderTest:
        """A snapshot that the driver has never heard of, in error."""
        snapshots = self.deployment.database.snapshots
        attempt = snapshots.begin_create(self.id, assisted=False)
        owner = self.deployment.manager.owner
        self.deployment.database.claims.take(self.id, owner)
        snapshots.move(
            attempt,
            owner,
            (Status.CREATING, None),
            (Status.ERROR, None),
            release=True,
        )
        snapshot = SnapshotUnderTest(self, attempt.snapshot_id, self.ledger)
        self._taken.append(snapshot.id)
        self.snapshots.append(snapshot)
        return snapshot

    def settle(self) -> None:
        """Wait until whatever was started is over or waits for a report.

        :raises OperationFailed: a hook does not return.
        """
        if not self.deployment.settle():
            legacy = self.deployment.subject.adapter.profile is Profile.LEGACY
            call = "call" if legacy else "hook"
            raise OperationFailed(
                "a snapshot operation",
                f"{call}s that return as soon as their own work is done",
                f"a {call} that has not returned in "
                f"{self.deployment.subject.patience:g} s; it is at\n"
                f"{self.deployment.patience.given_up}",
            )

    def expect(
        self, snapshot: SnapshotUnderTest, operation: str, status: str
    ) -> None:
        """See that an operation ended in ``status``.

        :raises OperationFailed: it ended in another.
        """
        observed = snapshot.status
        if observed != status:
            raise OperationFailed(
                f"{operation} {snapshot.id}", str(status), observed
            )

    # -- what is read back

    def connection_info(self) -> dict[str, Any]:
        """What the volume's next connection uses.

        That of the attachment, which is what Nova reads when it restarts
        the guest, or what the driver says for a detached volume.
        """
        ref = self.ref()
        if ref.volume_attachment:
            info: dict[str, Any] = ref.volume_attachment[0].connection_info
            return info
        return {**self.connect()["data"]}

    def connect(self) -> dict[str, Any]:
        """What the driver answers to another connection of the volume.

        To that of its attachment, if it has one.
        """
        ref = self.ref()
        connectors = [each.connector for each in ref.volume_attachment]
        connection: dict[str, Any] = (
            self.deployment.driver.initialize_connection(
                ref, connectors[0] if connectors else {"host": "kit"}
            )
        )
        return connection

    def connected_difference(self) -> Difference | None:
        """How what a new connection uses differs from the guest's data."""
        image = self.deployment.image(self.connect()["data"])
        return oracle.compare(image, self.ledger)

    def state(self) -> dict[str, object]:
        """What an operation that is refused leaves as it was."""
        return {
            "active image": str(self.active()),
            "chain": self.draw(),
            "virtual sizes": [
                storage.virtual_size(image) for image in self.chain()
            ],
            "files": sorted(self.files()),
            "info file": self.info(),
            "formats": self.formats(),
        }

    def active(self) -> Image:
        """The image that the volume's next connection uses."""
        return self.deployment.image(self.connection_info())

    def has(self, capability: Capability) -> bool:
        """Whether the driver declares a capability."""
        return capability in self.deployment.subject.adapter.capabilities

    def chain(self) -> list[Image]:
        """The images from the active one down; none if it has no files.

        :raises OperationFailed: the chain cannot be read.
        """
        if not self.has(Capability.overlay_files):
            return []
        active = self.active()
        try:
            return storage.chain_of(active)
        except (qcow2.ImageError, OSError) as error:
            raise OperationFailed(
                f"reading the chain of {active}", "its images", str(error)
            ) from error

    def overlay(self, snapshot: SnapshotUnderTest) -> str | None:
        """``o(s)``: the overlay recorded for a snapshot.

        As the info file says; a driver with other books is taken by what
        was active when the snapshot had been taken.
        """
        if self.has(Capability.cinder_share_layout):
            return share_layout.overlay(self.directory, self.name, snapshot.id)
        return self.overlays.of(snapshot.id)

    def snapshot_image(self, snapshot: SnapshotUnderTest) -> Image | None:
        """Where a snapshot's data is: below its overlay (section 3)."""
        overlay = self.overlay(snapshot)
        return storage.backing(self.directory / overlay) if overlay else None

    def backing(self, name: str) -> Image | None:
        """The backing file that one of its files names; None if none."""
        path = self.directory / name
        return storage.backing(path) if qcow2.is_qcow2(path) else None

    def difference(self) -> Difference | None:
        """How the volume differs from what its guest wrote."""
        return oracle.compare(self.active(), self.ledger)

    def snapshot_difference(
        self, snapshot: SnapshotUnderTest
    ) -> Difference | None:
        """How a snapshot differs from what was there when it was taken."""
        books = self.has(Capability.cinder_share_layout)
        if not books and self._may_copy(snapshot):
            # What the driver itself says that the snapshot holds.
            return self.copy_difference(snapshot)
        image = self.snapshot_image(snapshot)
        if image is None:
            return Difference(
                f"an overlay recorded for snapshot {snapshot.id}",
                "none in the info file" if books else "none was ever active",
            )
        return oracle.compare(image, snapshot.ledger)

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

    @property
    def directory(self) -> Path:
        """Where the volume's files are: the active image's directory."""
        return self.active().path.parent

    def files(self) -> set[str]:
        """The names of the volume's files on the share.

        Without Cinder's layout they are told by what they are: the chain's
        images, and every overlay beside them.
        """
        share = self.deployment.share
        if self.has(Capability.cinder_share_layout):
            return share_layout.files_of(share, self.name)
        if not self.has(Capability.overlay_files):
            return set()
        names = {image.path.name for image in self.chain()}
        return names | storage.overlays_in(self.directory)

    def info(self) -> dict[str, str] | None:
        """The content of the info file; None when there is none."""
        if not self.has(Capability.cinder_share_layout):
            return None
        return share_layout.info(self.deployment.share, self.name)

    def write_info(self, content: bytes) -> None:
        """Put this into the info file, as somebody else might."""
        path = self.deployment.share / f"{self.name}.info"
        path.write_bytes(content)

    def record_format(self, format_: str | None) -> None:
        """Record this format for the volume; None forgets it."""
        self.deployment.database.volumes.update(
            self.id, {}, admin_metadata={"format": format_}
        )

    def formats(self) -> dict[str, str]:
        """The formats that are recorded for the volume."""
        return dict(self.ref().admin_metadata)

    # -- what a failure's message shows

    def draw(self) -> str:
        """The chain as it is on disk."""
        if self.undrawable:
            return self.undrawable
        try:
            active = self.active()
        except Exception as error:  # whatever a broken driver raises
            return f"the driver names no image: {error}"
        if not self.has(Capability.overlay_files):
            return f"{active} (no files of section 3)"
        return storage.draw(active)

    def names(self) -> dict[str, str]:
        """Long names to short ones, the longest first."""
        snapshots = {
            snapshot_id: f"s{number}"
            for number, snapshot_id in enumerate(self._taken, 1)
        }
        return {**snapshots, self.name: "V", self.id: "<id of V>"}
