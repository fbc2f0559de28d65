# SPDX-License-Identifier: Apache-2.0
"""Names and info file, as Cinder has them on a share."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import ddt

from assisted_kit.driver import Operation
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import row
from conformance.snapshot import SnapshotUnderTest
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault


def info_path(volume: VolumeUnderTest) -> Path:
    """Where the volume's info file is."""
    return volume.deployment.share / f"{volume.name}.info"


@expanded
class RecordTest(ConformanceTest):
    """Contract section 3: the info file."""

    @ddt.data(row("detached", 0), row("attached", 1))
    @ddt.unpack
    @verifies("LAY-001")
    def test_overlay_is_recorded(self, guest: str, depth: int) -> None:
        volume = self.given_volume(
            attached=guest == "attached", snapshots=depth, writes=False
        )
        before = volume.info() or {}
        snapshot = self.given_snapshot(volume)
        overlay = volume.active().path.name
        self.claim_equal(
            {**before, "active": overlay, snapshot.id: overlay},
            volume.info(),
            "the info file",
        )

    @ddt.data(
        row("detached", 0, name="detached oldest"),
        row("attached", 0, name="attached oldest"),
        row("attached", 1, name="attached newest"),
    )
    @ddt.unpack
    @verifies("LAY-008")
    def test_record_of_a_deleted_snapshot_is_dropped(
        self, guest: str, position: int
    ) -> None:
        volume = self.given_volume(
            attached=guest == "attached", snapshots=2, writes=False
        )
        snapshot = volume.snapshots[position]
        with self.arranging():
            snapshot.delete()
        recorded = sorted(volume.info() or {})
        left = sorted(["active", *(s.id for s in volume.snapshots)])
        self.claim_equal(left, recorded, "what the info file has names for")


@expanded
class UnreportedTest(ConformanceTest):
    """Contract section 5: nothing counts before done was reported."""

    @ddt.data(
        row(Operation.CREATE, Fault.NEVER_REPORT, name="create unreported"),
        row(Operation.CREATE, Fault.ERROR_AFTER_WORK, name="create error"),
        row(Operation.DELETE, Fault.NEVER_REPORT, name="delete unreported"),
        row(Operation.DELETE, Fault.ERROR_AFTER_WORK, name="delete error"),
    )
    @ddt.unpack
    @verifies("LAY-002")
    def test_info_file_is_as_it_was(
        self, operation: Operation, fault: Fault
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=2, writes=False)
        before = volume.info()
        volume.deployment.faults.on(operation, fault)
        if operation is Operation.CREATE:
            volume.start_snapshot()
        else:
            volume.snapshots[-1].start_delete()
        volume.settle()
        self.claim_equal(before, volume.info(), "the info file")


@expanded
class ReplacedTest(ConformanceTest):
    """Contract section 3: a reader never sees a partial info file."""

    @ddt.data("create", "delete")
    @verifies("LAY-003")
    def test_old_info_file_is_not_written_to(self, operation: str) -> None:
        volume = self.given_volume(snapshots=1, writes=False)
        with info_path(volume).open("rb") as reader:
            before = info_path(volume).read_bytes()
            if operation == "create":
                volume.take_snapshot()
            else:
                volume.snapshots[0].delete()
            self.claim_equal(
                before, reader.read(), "what a reader finds that was slow"
            )


@expanded
class NameTest(ConformanceTest):
    """Contract section 3: names are built from ``volume.name``."""

    @ddt.data(*GUESTS)
    @verifies("LAY-004")
    def test_overlay_is_named_after_the_volumes_name(self, guest: str) -> None:
        migrated = self.given_volume(
            attached=guest == "attached",
            name_id=str(uuid.uuid4()),
            writes=False,
        )
        snapshot = self.given_snapshot(migrated)
        self.claim_equal(
            f"{migrated.name}.{snapshot.id}",
            migrated.active().path.name,
            "the overlay",
        )

    @verifies("LAY-007")
    def test_temporary_snapshots_overlay_is_the_volumes_own(self) -> None:
        volume = self.given_volume(snapshots=1)
        snapshot = volume.snapshots[0]
        self._rename_as_temporary(volume, snapshot)
        self.claim_connected()
        volume.take_snapshot()
        snapshot.delete()
        self.claim_everything_reads_back()

    def _rename_as_temporary(
        self, volume: VolumeUnderTest, snapshot: SnapshotUnderTest
    ) -> None:
        name = f"{volume.name}.tmp-snap-{snapshot.id}"
        overlay = volume.active().path
        overlay.rename(overlay.with_name(name))
        info = {"active": name, snapshot.id: name}
        volume.write_info(json.dumps(info).encode())


@expanded
class MissingInfoFileTest(ConformanceTest):
    """Contract section 3: a missing info file."""

    # The overlay of a lone snapshot that is being deleted may be of a
    # create that failed, for all that a driver without the hooks knows.
    @ddt.data(row("connect", 1), row("create", 1), row("delete", 2))
    @ddt.unpack
    @verifies("LAY-005")
    def test_missing_beside_an_overlay_is_an_error(
        self, operation: str, depth: int
    ) -> None:
        volume = self.given_volume(snapshots=depth, writes=False)
        info_path(volume).unlink()
        self.claim_refused(operation)

    @ddt.data(*GUESTS)
    @verifies("LAY-006")
    def test_missing_beside_a_pending_overlay_is_none(
        self, guest: str
    ) -> None:
        volume = self.given_volume(attached=True)
        volume.deployment.faults.on(Operation.CREATE, Fault.NEVER_REPORT)
        pending = volume.start_snapshot()
        volume.settle()
        volume.deployment.let_deadline_pass()
        # Some drivers write one with every new volume.
        info_path(volume).unlink(missing_ok=True)
        volume.snapshots.remove(pending)
        if guest == "detached":
            volume.detach()
        else:
            volume.restart()
        volume.write()
        self.claim_everything_reads_back()
        volume.snapshots.append(pending)
        pending.delete()
        self.claim_everything_reads_back()
