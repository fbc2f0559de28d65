# SPDX-License-Identifier: Apache-2.0
"""What the compute service reports, in the words of every generation.

Contract section 7, with drivers that have the hooks and with legacy ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import ddt

from assisted_kit.driver import Operation
from assisted_kit.timeouts import Timeouts
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import Row
from conformance.rows import row
from conformance.snapshot import SnapshotUnderTest
from conformance.test_delete import index_of
from conformance.test_delete import POSITIONS
from fakes.compute import Fault
from fakes.compute import Generation

CREATE, DELETE = Operation.CREATE, Operation.DELETE

IN_FLIGHT = {CREATE: "creating", DELETE: "deleting"}
ENDED = {CREATE: "available", DELETE: "deleted"}

Fields = Mapping[str, Any]

OVERLAY = "<the overlay>"
"""Stands for a file of the request in a row of data."""

DONE: Mapping[Operation, Mapping[str, Fields]] = {
    CREATE: {
        "available": {"status": "available"},
        "available at 90": {"status": "available", "progress": "90%"},
        "word at 50": {
            "status": "creating",
            "compute_snapshot_status": "creating_compute_complete",
            "progress": "50%",
        },
        "word, no progress": {
            "status": "creating",
            "compute_snapshot_status": "creating_compute_complete",
            "progress": "",
        },
        "word, half done": {
            "status": "creating",
            "compute_snapshot_status": "creating_compute_complete",
            "compute_progress": 50,
        },
        "90 and right format": {
            "status": "creating",
            "progress": "90%",
            "file_format": {OVERLAY: "qcow2"},
        },
    },
    DELETE: {
        "Liberty spelling": {
            "status": "deleting",
            "compute_snapshot_status": "delete_compute_complete",
        },
        "word at 50": {
            "status": "deleting",
            "compute_snapshot_status": "deleting_compute_complete",
            "progress": "50%",
        },
        "word, half done": {
            "status": "deleting",
            "compute_snapshot_status": "deleting_compute_complete",
            "compute_progress": 50,
        },
        "90 and right format": {
            "status": "deleting",
            "progress": "90%",
            "file_format": {OVERLAY: "qcow2"},
        },
    },
}
"""Reports that mean done."""

NOT_DONE: Mapping[Operation, tuple[Fields, ...]] = {
    operation: (
        {"status": status},
        {"status": status, "progress": ""},
        {"status": status, "progress": "50%"},
        {"status": status, "compute_progress": 100},
        {
            "status": status,
            "compute_snapshot_status": f"{status}_compute",
            "progress": "90%",
        },
    )
    for operation, status in IN_FLIGHT.items()
}
"""Reports of work in progress, whatever they look like."""

FAILED: Mapping[Operation, Mapping[str, Fields]] = {
    operation: {
        "error at 90": {"status": error, "progress": "90%"},
        "error and done": {
            "status": error,
            "compute_snapshot_status": f"{status}_compute_complete",
            "progress": "90%",
        },
        "error by the word": {
            "status": status,
            "compute_snapshot_status": f"{status}_compute_error",
            "progress": "90%",
        },
        "done in another format": {
            "status": status,
            "compute_snapshot_status": f"{status}_compute_complete",
            "file_format": {OVERLAY: "raw"},
        },
    }
    for operation, status, error in (
        (CREATE, "creating", "error"),
        (DELETE, "deleting", "error_deleting"),
    )
}
"""Reports of a failure, whatever comes with it."""


def _named(operation: Operation) -> Iterable[Row]:
    return [
        row(operation, fields, name=f"{operation} {name}")
        for name, fields in DONE[operation].items()
    ]


@expanded
class GenerationTest(ConformanceTest):
    """Every generation, as it is."""

    @ddt.data(*crossed(Generation, (0, 2)))
    @ddt.unpack
    @verifies("REP-001")
    def test_create(self, generation: Generation, depth: int) -> None:
        volume = self.given_volume(
            attached=True, snapshots=depth, generation=generation
        )
        snapshot = volume.start_snapshot()
        volume.settle()
        self.claim_equal("available", snapshot.status, "the snapshot's status")
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()

    @ddt.data(*crossed(Generation, ("only", *POSITIONS)))
    @ddt.unpack
    @verifies("REP-002")
    def test_delete(self, generation: Generation, position: str) -> None:
        depth = 1 if position == "only" else 3
        # No generation had a part in what is deleted.
        volume = self.given_volume(snapshots=depth, generation=generation)
        volume.attach()
        which = 0 if position == "only" else index_of(position, depth)
        volume.snapshots[which].delete()
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()


class ReportTest(ConformanceTest):
    """What tests with reports of their own share."""

    def given_in_flight(
        self,
        operation: Operation,
        *,
        depth: int = 2,
        position: str = "newest",
        fault: Fault = Fault.REPORT_BY_HAND,
    ) -> SnapshotUnderTest:
        """A snapshot that the compute service was asked to work on.

        :param fault: by default the work is done, and not yet reported.
        """
        # Of these nobody has reported anything.
        volume = self.given_volume(snapshots=depth, generation=Generation.JUNO)
        volume.attach()
        volume.deployment.faults.on(operation, fault)
        if operation is CREATE:
            snapshot = volume.start_snapshot()
        else:
            snapshot = volume.snapshots[
                0 if position == "only" else index_of(position, depth)
            ]
            snapshot.start_delete()
        volume.settle()
        self.claim_equal(
            IN_FLIGHT[operation],
            snapshot.status,
            "the snapshot's status, before anything is reported",
        )
        if operation is CREATE:
            volume.write()
        return snapshot

    def report(self, snapshot: SnapshotUnderTest, fields: Fields) -> None:
        """The compute service reports this, and whoever hears it acts."""
        nova = snapshot.volume.deployment.nova
        named = {
            snapshot.requested_file() if name == OVERLAY else name: format_
            for name, format_ in fields.get("file_format", {}).items()
        }
        sent = {**fields, "file_format": named} if named else fields
        nova.report(snapshot.id, **sent)
        snapshot.volume.settle()

    def claim_completed(
        self, operation: Operation, snapshot: SnapshotUnderTest
    ) -> None:
        """Claim that the operation has ended well, and cost nothing."""
        self.claim_equal(
            ENDED[operation], snapshot.status, "the snapshot's status"
        )
        volume = snapshot.volume
        if operation is DELETE:
            volume.snapshots.remove(snapshot)
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()


def _done(operation: Operation) -> Fields:
    return {"status": IN_FLIGHT[operation], "progress": "90%"}


@expanded
class DoneTest(ReportTest):
    """Mixed and contradicting fields that mean done."""

    @ddt.data(*_named(CREATE), *_named(DELETE))
    @ddt.unpack
    @verifies("REP-003")
    def test_completes(self, operation: Operation, fields: Fields) -> None:
        snapshot = self.given_in_flight(operation)
        self.report(snapshot, fields)
        self.claim_completed(operation, snapshot)

    @ddt.data(CREATE, DELETE)
    @verifies("REP-003")
    def test_repeated_report_changes_nothing(
        self, operation: Operation
    ) -> None:
        snapshot = self.given_in_flight(operation)
        nova = snapshot.volume.deployment.nova
        for _ in range(3):
            nova.report(snapshot.id, **_done(operation))
        snapshot.volume.settle()
        self.claim_completed(operation, snapshot)


@expanded
class NotDoneTest(ReportTest):
    """Fields that do not mean done, one of them alone though it may."""

    @ddt.data(
        row(CREATE, "newest"), row(DELETE, "oldest"), row(DELETE, "newest")
    )
    @ddt.unpack
    @verifies("REP-004")
    def test_completes_nothing(
        self, operation: Operation, position: str
    ) -> None:
        snapshot = self.given_in_flight(operation, position=position)
        files = snapshot.volume.files()
        for fields in NOT_DONE[operation]:
            self.report(snapshot, fields)
            self.claim_equal(
                IN_FLIGHT[operation],
                snapshot.status,
                f"the snapshot's status after {dict(fields)}",
            )
            self.claim_equal(
                sorted(files),
                sorted(snapshot.volume.files()),
                "the files of the volume",
            )
        self.report(snapshot, _done(operation))
        self.claim_completed(operation, snapshot)


@expanded
class FailedTest(ReportTest):
    """Errors, whatever comes with them."""

    @ddt.data(*FAILED[CREATE])
    @verifies("REP-005")
    def test_create_has_failed(self, name: str) -> None:
        snapshot = self.given_in_flight(CREATE)
        volume = snapshot.volume
        self.report(snapshot, FAILED[CREATE][name])
        self.claim_equal("error", snapshot.status, "the snapshot's status")
        # It failed, so nobody is promised its data.
        volume.snapshots.remove(snapshot)
        self.claim_everything_reads_back()
        volume.snapshots.append(snapshot)
        snapshot.delete()
        # A Nova that has failed does not read the connection information
        # again, and no driver can help that.
        volume.detach()
        volume.attach()
        volume.write()
        self.claim_everything_reads_back()

    @ddt.data(
        *(
            row(name, position)
            for name, position in zip(
                FAILED[DELETE],
                ("only", "oldest", "newest", "oldest"),
                strict=True,
            )
        )
    )
    @ddt.unpack
    @verifies("REP-006")
    def test_delete_can_be_repeated(self, name: str, position: str) -> None:
        snapshot = self.given_in_flight(
            DELETE,
            depth=1 if position == "only" else 2,
            position=position,
            fault=Fault.DIE_BEFORE_WORK,
        )
        volume = snapshot.volume
        files = volume.files()
        self.report(snapshot, FAILED[DELETE][name])
        self.claim_equal(
            "error_deleting", snapshot.status, "the snapshot's status"
        )
        self.claim_equal(
            sorted(files), sorted(volume.files()), "the files of the volume"
        )
        images = len(volume.chain())
        snapshot.delete(force=True)
        self.claim_equal(
            images - 1, len(volume.chain()), "the images of the chain"
        )
        volume.restart()
        self.claim_everything_reads_back()


@expanded
class TimeTest(ReportTest):
    """Before the report, in time, and too late."""

    @ddt.data("only", "oldest", "newest")
    @verifies("REP-007")
    def test_nothing_is_done_before_the_report(self, position: str) -> None:
        volume = self.given_volume(
            attached=True, snapshots=1 if position == "only" else 2
        )
        files, formats = volume.files(), volume.formats()
        snapshot = volume.snapshots[0 if position == "oldest" else -1]
        volume.deployment.faults.on(DELETE, Fault.DIE_BEFORE_WORK)
        snapshot.start_delete()
        volume.settle()
        self.claim_equal(
            sorted(files), sorted(volume.files()), "the files of the volume"
        )
        self.claim_equal(formats, volume.formats(), "the recorded formats")
        self.claim_equal("deleting", snapshot.status, "the snapshot's status")

    @ddt.data(CREATE, DELETE)
    @verifies("REP-008")
    def test_report_in_time_counts(self, operation: Operation) -> None:
        snapshot = self.given_in_flight(operation)
        deployment = snapshot.volume.deployment
        deployment.let_time_pass(Timeouts().of(operation) - 10)
        self.claim_equal(
            IN_FLIGHT[operation],
            snapshot.status,
            "the snapshot's status, 10 s before the time is over",
        )
        self.report(snapshot, _done(operation))
        self.claim_completed(operation, snapshot)

    @ddt.data(
        row(CREATE, "newest"), row(DELETE, "oldest"), row(DELETE, "newest")
    )
    @ddt.unpack
    @verifies("REP-009")
    def test_delete_after_a_late_report_converges(
        self, operation: Operation, position: str
    ) -> None:
        snapshot = self.given_in_flight(operation, position=position)
        volume = snapshot.volume
        volume.deployment.let_deadline_pass()
        self.report(snapshot, _done(operation))
        snapshot.delete(force=True)
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()
