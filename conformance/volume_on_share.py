# SPDX-License-Identifier: Apache-2.0
"""A volume as it is found: its connection, its files and its records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assisted_kit import qcow2
from assisted_kit.capabilities import Capability
from assisted_kit.image import Image
from assisted_kit.manager.volumes import VolumeOperations
from assisted_kit.refs import VolumeRef
from assisted_kit.updates import VOLUME_KEYS
from conformance import share_layout
from conformance import storage
from conformance.deployment import Deployment
from conformance.overlays import Overlays
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import OperationFailed


class VolumeOnShare:
    """What the driver, the share and the database say of a volume.

    :param created: what the manager gave who had it created.
    """

    def __init__(self, deployment: Deployment, created: VolumeRef) -> None:
        self.deployment = deployment
        self.id: str = created.id
        self.name: str = created.name
        self.overlays = Overlays()
        self.undrawable = ""
        """Why the chain cannot be drawn, if drawing it might not end."""

    @property
    def _volumes(self) -> VolumeOperations:
        return self.deployment.manager.volumes

    def ref(self) -> VolumeRef:
        """The volume as the driver's ordinary methods get it."""
        return self._volumes.ref(self.id)

    @property
    def is_traced(self) -> bool:
        """Whether what its snapshots are recorded for has to be worked out.

        Cinder's info file says it otherwise.
        """
        return self.has(Capability.overlay_files) and not self.has(
            Capability.cinder_share_layout
        )

    def has(self, capability: Capability) -> bool:
        """Whether the driver declares a capability."""
        return capability in self.deployment.subject.adapter.capabilities

    # -- the connection

    def connection_info(self) -> dict[str, Any]:
        """What the volume's next connection uses.

        That of the attachment, which is what Nova reads when it restarts
        the guest, or what the driver says for a detached volume.
        """
        # Asked thousands of times a run, hence without the volume's snapshots.
        attachments = self._volumes.attachments(self.id)
        if attachments:
            info: dict[str, Any] = attachments[0].connection_info
            return info
        return {**self.connect()["data"]}

    def connect(self) -> dict[str, Any]:
        """What the driver answers to another connection of the volume.

        To that of its attachment, if it has one.
        """
        ref = self.ref()
        connectors = [each.connector for each in ref.volume_attachment]
        connection = self.deployment.driver.initialize_connection(
            ref, connectors[0] if connectors else {"host": "kit"}
        )
        if not (
            isinstance(connection, Mapping)
            and isinstance(connection.get("data"), Mapping)
        ):
            raise OperationFailed(
                "initialize_connection",
                "a mapping with a mapping of data",
                repr(connection),
            )
        return dict(connection)

    def active(self) -> Image:
        """The image that the volume's next connection uses."""
        return self.deployment.image(self.connection_info())

    # -- the files

    def chain(self, at_least: int = 0) -> list[Image]:
        """The images from the active one down; none if it has no files.

        :param at_least: how many there are, if its snapshots have the
            overlays of section 3.
        :raises OperationFailed: the chain cannot be read, or is shorter.
        """
        images = self._images()
        if len(images) < at_least:
            raise OperationFailed(
                "taking the volume's snapshots",
                f"a chain of {at_least} images or more",
                f"one of {len(images)}",
            )
        return images

    def _images(self) -> list[Image]:
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
            share = self.deployment.share
            return share_layout.overlay(share, self.name, snapshot.id)
        return self.overlays.of(snapshot.id)

    def snapshot_image(
        self, snapshot: SnapshotUnderTest, directory: Path | None = None
    ) -> Image | None:
        """Where a snapshot's data is: below its overlay (section 3).

        :param directory: of the volume's files, where it is known.
        :raises OperationFailed: what is recorded is no overlay.
        """
        overlay = self.overlay(snapshot)
        if not overlay:
            return None
        try:
            return storage.backing((directory or self.directory) / overlay)
        except (qcow2.ImageError, OSError) as error:
            raise OperationFailed(
                f"taking snapshot {snapshot.id}",
                "an image recorded as its overlay",
                str(error),
            ) from error

    def backing(self, name: str) -> Image | None:
        """The backing file that one of its files names; None if none."""
        path = self.directory / name
        return storage.backing(path) if qcow2.is_qcow2(path) else None

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

    # -- the records

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
        """The formats that are recorded for the volume (section 2).

        What else a driver keeps there is its own affair.
        """
        recorded = self.ref().admin_metadata
        return {
            key: recorded[key] for key in sorted(VOLUME_KEYS & recorded.keys())
        }

    # -- all of it

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
