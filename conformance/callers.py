# SPDX-License-Identifier: Apache-2.0
"""What Cinder does with volumes and snapshots beside the hooks.

Operations that end before the call returns.  Each says which ability of the
driver it uses, so that a test that does not declare it is an error.
"""

from __future__ import annotations

import shutil
import sys
import threading
import traceback
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import fixtures

from assisted_kit.capabilities import Capability
from assisted_kit.image import Image
from assisted_kit.manager import VolumeManager
from conformance import oracle
from conformance.case import ConformanceTest
from conformance.ledger import Ledger
from conformance.oracle import Difference
from conformance.snapshot import SnapshotUnderTest
from conformance.violation import OperationFailed
from conformance.volume import GIB
from conformance.volume import VolumeUnderTest

_COPIES = 100
"""The generation that the guest of a copy begins with."""


class CallersTest(ConformanceTest):
    """A test that copies, extends, reverts, uploads, backs up or deletes."""

    @property
    def manager(self) -> VolumeManager:
        """The volume manager around the driver."""
        assert self.deployment is not None, "nothing is deployed yet"
        return self.deployment.manager

    # -- calling

    def started(
        self, operation: str, call: Callable[[], Any]
    ) -> Callable[[], Any]:
        """Start a call that may wait; returns what waits for its result.

        :raises OperationFailed: by what is returned, when the call raises
            or does not end.
        """
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)

        # No thread can be ended from outside, so one that a driver keeps
        # must not keep the process.
        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def result() -> Any:
            self._wait(operation, thread)
            error = future.exception()
            if error is not None:
                raise OperationFailed(
                    operation, "success", f"{type(error).__name__}: {error}"
                ) from error
            return future.result()

        return result

    def perform(self, operation: str, call: Callable[[], Any]) -> Any:
        """Do what is to succeed.

        :raises OperationFailed: it does not.
        """
        return self.started(operation, call)()

    def refused(self, call: Callable[[], Any]) -> bool:
        """Whether whoever is called raises."""
        try:
            self.perform("the operation", call)
        except OperationFailed:
            assert self.deployment is not None
            if self.deployment.patience.given_up:
                raise
            return True
        return False

    def _wait(self, operation: str, thread: threading.Thread) -> None:
        deployment = self.deployment
        assert deployment is not None

        def wait(seconds: float) -> bool:
            thread.join(seconds)
            return not thread.is_alive()

        def where() -> str:
            frame = sys._current_frames().get(thread.ident or 0)
            return "".join(traceback.format_stack(frame))

        patience = deployment.patience
        if not patience.wait(wait, where):
            raise OperationFailed(
                operation, "success", patience.said_of("call")
            )

    # -- operations

    def copy(
        self, snapshot: SnapshotUnderTest, **options: Any
    ) -> VolumeUnderTest:
        """A volume created from a snapshot."""
        self.uses(Capability.create_from_snapshot)
        ref = self.perform(
            "creating a volume from a snapshot",
            lambda: self.manager.volumes.create_from_snapshot(
                snapshot.id, **options
            ),
        )
        return self._copied(ref, snapshot.ledger)

    def clone(
        self, volume: VolumeUnderTest, **options: Any
    ) -> VolumeUnderTest:
        """A volume cloned from another one."""
        return self.start_clone(volume, **options)()

    def start_clone(
        self, volume: VolumeUnderTest, **options: Any
    ) -> Callable[[], VolumeUnderTest]:
        """Start cloning; returns what waits for the clone.

        An attached volume is cloned from a snapshot (section 1).
        """
        self.uses(
            Capability.clone
            if volume.instance is None
            else Capability.create_from_snapshot
        )
        volume.chain_before = volume.draw()
        expected = volume.ledger.copy()
        result = self.started(
            "cloning the volume",
            lambda: self.manager.volumes.clone(volume.id, **options),
        )
        return lambda: self._copied(result(), expected)

    def _copied(self, ref: Any, expected: Ledger) -> VolumeUnderTest:
        assert self.deployment is not None
        return VolumeUnderTest(
            self.deployment,
            first_generation=_COPIES,
            copy=(ref, expected.copy(at_least=ref.size * GIB)),
        )

    def extend(self, volume: VolumeUnderTest) -> None:
        """Extend a volume of 1 GiB to 2 GiB."""
        if volume.snapshots:
            self.uses(Capability.extend_with_snapshots)
        self.perform(
            "extending the volume",
            lambda: self.manager.volumes.extend(volume.id, 2),
        )
        volume.ledger.size = 2 * GIB

    def revert(self, snapshot: SnapshotUnderTest) -> None:
        """Revert the snapshot's volume to it."""
        self.uses(Capability.revert)
        volume = snapshot.volume
        volume.chain_before = volume.draw()
        self.perform(
            "reverting the volume",
            lambda: self.manager.reverts.revert(volume.id, snapshot.id),
        )
        volume.ledger = snapshot.ledger.copy()

    def upload(self, volume: VolumeUnderTest) -> Image:
        """Upload a volume as a qcow2 image, and return that.

        A raw one takes seconds: the image service gets every zero of it.
        """
        self.uses(Capability.upload)
        directory = Path(self.useFixture(fixtures.TempDir()).path)
        service = ImageService(directory / "image")
        meta = {
            "id": "5f0e4a4e-7d2f-4c60-a1f2-6e8f0f6f7a10",
            "disk_format": "qcow2",
            "container_format": "bare",
        }
        self.perform(
            "uploading the volume",
            lambda: self.manager.uploads.upload(volume.id, service, meta),
        )
        return Image(service.path, "qcow2")

    def back_up(
        self, volume: VolumeUnderTest, **options: Any
    ) -> Difference | None:
        """Back a volume up; its guest, if any, writes on meanwhile.

        :returns: how what was read differs from what was there before.
        """
        if volume.instance is not None:
            self.uses(Capability.create_from_snapshot)
        volume.chain_before = volume.draw()
        expected = volume.ledger.copy()

        def read(_ref: Any, connection: Any) -> Difference | None:
            if volume.instance is not None:
                volume.write()
            image = volume.deployment.image(connection["data"])
            return oracle.compare(image, expected)

        difference: Difference | None = self.perform(
            "backing the volume up",
            lambda: self.manager.backups.create(volume.id, read, **options),
        )
        volume.settle()
        return difference

    def delete(self, volume: VolumeUnderTest) -> None:
        """Delete a volume that has no snapshots."""
        self.perform(
            "deleting the volume",
            lambda: self.manager.volumes.delete(volume.id),
        )

    def cascade(
        self, volume: VolumeUnderTest, order: Sequence[SnapshotUnderTest]
    ) -> None:
        """Delete a volume with its snapshots, those in this order."""
        self.uses(Capability.cascade)
        volume.chain_before = volume.draw()
        ids = [snapshot.id for snapshot in order]
        self.perform(
            "deleting the volume with its snapshots",
            lambda: self.manager.cascade.delete(volume.id, order=ids),
        )

    # -- claiming

    def claim_reads_back(self, volume: VolumeUnderTest) -> None:
        """Claim that a volume and its snapshots read as they should."""
        self.volume = volume
        self.claim_everything_reads_back()

    def claim_same_files(self, before: list[str]) -> None:
        """Claim that the share has neither more nor fewer files."""
        self.claim(
            len(before) == len(after := self.files_on_share()),
            f"on the share {len(before)} files: {', '.join(before)}",
            f"on the share {len(after)} files: {', '.join(after)}",
        )

    def claim_no_other_snapshots(self, volume: VolumeUnderTest) -> None:
        """Claim that nobody else's snapshot of the volume is left."""
        self.claim_equal(
            sorted(snapshot.id for snapshot in volume.snapshots),
            sorted(snapshot.id for snapshot in volume.ref().snapshots),
            "the volume's snapshots",
        )


class ImageService:
    """Keeps the image that a driver uploads."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def update(
        self,
        _context: Any,
        _image_id: str,
        _metadata: Any,
        data: Any,
        **_others: Any,
    ) -> None:
        """Take an image's data, as Cinder's image service does."""
        with self.path.open("wb") as file:
            shutil.copyfileobj(data, file)
