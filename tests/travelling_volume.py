# SPDX-License-Identifier: Apache-2.0
"""A volume that is written to and read back whoever serves it."""

from __future__ import annotations

import contextlib

from cinder_death import dying
from cinder_death import Place

from assisted_kit.image import Image
from conformance import oracle
from conformance import share_layout
from conformance import storage
from conformance.ledger import generation_writes
from conformance.ledger import Ledger

GIB = 1024**3


class TravellingVolume:
    """A volume in a :class:`CinderCloud`, and all its guest ever wrote.

    :ivar snapshots: each snapshot's id to what was there when it was taken,
        the oldest first.
    """

    def __init__(self, cloud, *, attached: bool = False, **fields) -> None:
        self.cloud = cloud
        self.id = cloud.serving.create_volume(**fields)
        self.ledger = Ledger(GIB)
        self.snapshots: dict[str, Ledger] = {}
        self.instance = None
        self._generation = 0
        if attached:
            self.attach()

    @property
    def name(self) -> str:
        """The name of the base image."""
        return self.cloud.serving.volume(self.id).name

    # -- the guest

    def attach(self) -> None:
        """Attach it to a running guest."""
        self.instance = self.cloud.nova.boot()
        self.instance.attach(self.cloud, self.id)

    def detach(self) -> None:
        """Detach it again."""
        self.instance.detach(self.id)
        self.instance = None

    def write(self) -> None:
        """Write another generation; detached, it is attached for that."""
        self._generation += 1
        writes = generation_writes(self.ledger.size, self._generation)
        borrowed = self.instance is None
        if borrowed:
            self.attach()
        try:
            self.instance.disk(self.id).write_many(writes)
        finally:
            if borrowed:
                self.detach()
        for offset, data in writes:
            self.ledger.write(offset, data)

    # -- snapshots

    def take(self, *, expect: str = "available", dying_at=None) -> str:
        """Take a snapshot after another write; returns its id.

        One that does not become available is not read back.
        """
        self.write()
        snapshot_id = self.cloud.serving.accept_snapshot(self.id)
        self.snapshots[snapshot_id] = self.ledger.copy()
        with self._perhaps(dying_at):
            self.cloud.serving.take_snapshot(snapshot_id)
        self.expect(snapshot_id, expect)
        if expect != "available":
            del self.snapshots[snapshot_id]
        return snapshot_id

    def take_many(self, count: int) -> list[str]:
        """Take snapshots, and write after the last one too."""
        taken = [self.take() for _ in range(count)]
        self.write()
        return taken

    def delete(
        self,
        snapshot_id: str,
        *,
        force: bool = False,
        expect: str = "deleted",
        dying_at: Place | None = None,
    ) -> None:
        """Delete a snapshot."""
        with self._perhaps(dying_at):
            self.cloud.serving.delete_snapshot(snapshot_id, force=force)
        self.expect(snapshot_id, expect)
        # What it holds is not promised any more, whatever became of it.
        self.snapshots.pop(snapshot_id, None)

    def expect(self, snapshot_id: str, status: str) -> None:
        """See that a snapshot is in a status."""
        found = self.cloud.serving.status(snapshot_id)
        assert found == status, f"{found} instead of {status}: {self.draw()}"

    def _perhaps(self, place):
        if place is None:
            return contextlib.nullcontext()
        return dying(self.cloud.serving, self.cloud.time, place)

    # -- reading back

    def active(self) -> Image:
        """What the driver says that a connection uses."""
        return self.image(self.cloud.serving.connection(self.id))

    def image(self, connection_info) -> Image:
        """The image that connection information names."""
        return self.cloud.adapter.image(self.cloud.share, connection_info)

    def read_back(self, *, attachment: bool = True) -> None:
        """See that every byte is what the guest wrote.

        In the image that the driver names, in the one that the attachment
        has (unless told not to), in the one that the guest has open, and in
        each snapshot.
        """
        images = {"connection": self.active()}
        volume = self.cloud.serving.volume(self.id)
        if attachment and volume.volume_attachment:
            (found,) = volume.volume_attachment
            images["attachment"] = self.image(found.connection_info)
        if self.instance is not None:
            images["guest"] = self.instance.disk(self.id).image
        # Mostly it is the same image, which is read once then.
        found = {
            image: oracle.compare(image, self.ledger)
            for image in set(images.values())
        }
        wrong = {what: found[image] for what, image in images.items()}
        for snapshot_id, ledger in self.snapshots.items():
            wrong[snapshot_id] = self._difference(snapshot_id, ledger)
        wrong = {what: how for what, how in wrong.items() if how}
        assert not wrong, f"{wrong}; {self.draw()}"

    def read_copies_back(self) -> None:
        """See that volumes made from each snapshot read as it did."""
        for snapshot_id, ledger in self.snapshots.items():
            copy = self.cloud.serving.volume_from(snapshot_id)
            self.read_copy_back(copy, ledger)

    def read_copy_back(self, copy: str, ledger: Ledger | None = None) -> None:
        """See that another volume reads as a ledger says, and delete it."""
        image = self.image(self.cloud.serving.connection(copy))
        wrong = oracle.compare(image, ledger or self.ledger)
        assert not wrong, f"{wrong} in {image}; {self.draw()}"
        self.cloud.serving.delete_volume(copy)

    def _difference(self, snapshot_id: str, ledger: Ledger):
        overlay = share_layout.overlay(
            self.cloud.share, self.name, snapshot_id
        )
        if overlay is None:
            return "no overlay is recorded for it"
        image = storage.backing(self.cloud.share / overlay)
        if image is None:
            return "its overlay has no backing file"
        return oracle.compare(image, ledger)

    # -- the share

    def grow(self, size: int) -> None:
        """Extend the volume to ``size`` GiB."""
        self.cloud.serving.extend(self.id, size)
        self.ledger.size = size * GIB

    def files(self) -> dict[str, bytes | int]:
        """Its files: small ones by content, images by size and time."""
        return {
            path.name: path.read_bytes()
            if path.suffix == ".info"
            else (path.stat().st_size, path.stat().st_mtime_ns)
            for path in self.cloud.share.iterdir()
            if path.name == self.name or path.name.startswith(f"{self.name}.")
        }

    def files_named_after(self, name: str) -> set[str]:
        """The names of all files on the share that contain this one."""
        return {
            path.name
            for path in self.cloud.share.iterdir()
            if name in path.name
        }

    def info(self) -> dict[str, str] | None:
        """The content of the info file."""
        return share_layout.info(self.cloud.share, self.name)

    def write_info(self, content: bytes) -> None:
        """Put this into the info file."""
        (self.cloud.share / f"{self.name}.info").write_bytes(content)

    def draw(self) -> str:
        """The chain as it is on disk, and what is recorded."""
        try:
            drawn = storage.draw(self.active())
            return f"{drawn}; {self.info()}"
        except Exception as error:
            return f"nothing can be drawn: {error}"
