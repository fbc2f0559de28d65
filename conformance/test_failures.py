# SPDX-License-Identifier: Apache-2.0
"""Failures of the compute service, and what they must not cost."""

from __future__ import annotations

import contextlib
import errno
import itertools
from collections.abc import Iterator
from typing import Any

import ddt

from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.pending import PendingTest
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import row
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault

REFUSALS = (401, None)
"""How Nova refuses, but for what the fault matrix has; None: no connection
to it could be opened."""


@expanded
class AttachmentsTest(ConformanceTest):
    """Contract section 1: any other number of attachments than one."""

    @ddt.data(*crossed(Operation, (0, 2)))
    @ddt.unpack
    @verifies("ERR-001")
    def test_begin_raises_before_it_makes_a_file(
        self, operation: Operation, attachments: int
    ) -> None:
        volume = self.given_volume(snapshots=1)
        if attachments:
            volume.attach()
            volume.attach_once_more()
        else:
            volume.set_attached()
        files = volume.files()
        if operation is Operation.CREATE:
            snapshot = volume.start_snapshot()
        else:
            snapshot = volume.snapshots[0]
            snapshot.start_delete()
        volume.settle()
        begun = volume.deployment.journal.calls(
            Hook.begin(operation), snapshot.id
        )
        self.claim(
            begun[-1].error is not None,
            f"{Hook.begin(operation)} raises",
            str(begun[-1]),
        )
        self.claim_equal(
            sorted(files), sorted(volume.files()), "the files of the volume"
        )


@expanded
class RefusalTest(ConformanceTest):
    """Contract section 5: Nova refuses."""

    def _refuse(
        self, volume: VolumeUnderTest, operation: Operation, code: int | None
    ) -> None:
        """Have the next operation refused; without a code, unheard."""
        fault = Fault.NO_CONNECTION if code is None else Fault.REFUSE
        volume.deployment.faults.on(operation, fault, code=code)

    @ddt.data(*crossed(REFUSALS))
    @ddt.unpack
    @verifies("ERR-002")
    def test_refused_create_leaves_everything_as_before(
        self, code: int | None
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        before = volume.active(), volume.info()
        self._refuse(volume, Operation.CREATE, code)
        refused = volume.take_snapshot(expect="error")
        self.claim_equal(
            before,
            (volume.active(), volume.info()),
            "the active image and the info file",
        )
        volume.snapshots.remove(refused)
        volume.write()
        volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()
        volume.snapshots.append(refused)
        refused.delete()
        self.claim_everything_reads_back()

    @ddt.data(
        *(
            row(code, position)
            for code, position in zip(
                REFUSALS, itertools.cycle(("newest", "oldest")), strict=False
            )
        )
    )
    @ddt.unpack
    @verifies("ERR-003")
    def test_refused_delete_leaves_everything_as_before(
        self, code: int | None, position: str
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        snapshot = volume.snapshots[0 if position == "oldest" else 1]
        before = volume.active(), volume.info(), volume.formats()
        self._refuse(volume, Operation.DELETE, code)
        snapshot.start_delete()
        volume.settle()
        self.claim_equal(
            before,
            (volume.active(), volume.info(), volume.formats()),
            "the active image, the info file and the recorded formats",
        )
        self.claim_everything_reads_back()
        snapshot.delete(force=True)
        self.claim_everything_reads_back()


@expanded
class LostReportTest(PendingTest):
    """Contract section 5, while a create is pending."""

    @ddt.data(
        Fault.NEVER_REPORT,
        Fault.NO_ANSWER,
        Fault.DIE_AFTER_WORK,
        Fault.ERROR_AFTER_WORK,
    )
    @verifies("ERR-004")
    def test_switched_guest_keeps_every_byte(self, fault: Fault) -> None:
        volume = self.given_pending(fault)
        self.claim_everything_reads_back()
        self.reconnect(volume, fault)
        volume.write()
        self.claim_everything_reads_back()
        volume.detach()
        volume.write()
        self.claim_everything_reads_back()

    @ddt.data(
        *crossed(
            GUESTS,
            (
                Fault.NEVER_REPORT,
                Fault.DIE_BEFORE_WORK,
                Fault.ERROR_REPORT,
                Fault.ERROR_AFTER_WORK,
            ),
        )
    )
    @ddt.unpack
    @verifies("ERR-005")
    def test_delete_of_the_failed_snapshot_keeps_every_byte(
        self, guest: str, fault: Fault
    ) -> None:
        volume = self.given_pending(fault, attached=guest == "attached")
        self.delete_pending(volume)
        self.claim_everything_reads_back()
        if guest == "attached":
            self.reconnect(volume, fault)
        volume.write()
        self.claim_everything_reads_back()
        volume.take_snapshot()
        volume.write()
        self.claim_everything_reads_back()

    @ddt.data(*GUESTS)
    @verifies("ERR-006")
    def test_another_snapshot_is_refused(self, guest: str) -> None:
        volume = self.given_pending(
            Fault.NEVER_REPORT, attached=guest == "attached"
        )
        files = volume.files()
        another = volume.start_snapshot()
        volume.settle()
        self.claim_equal("error", another.status, "another snapshot")
        self.claim_equal(
            sorted(files), sorted(volume.files()), "the files of the volume"
        )
        volume.snapshots.remove(another)
        self.claim_everything_reads_back()


@expanded
class FailedCompleteTest(ConformanceTest):
    """Contract section 5: *complete* raises."""

    @ddt.data(
        row("nothing was done", "attached"),
        row("nothing was done", "detached"),
        row("all was done", "attached"),
        row("all was done", "detached"),
    )
    @ddt.unpack
    @verifies("ERR-007")
    def test_failed_create_keeps_every_byte(
        self, what: str, guest: str
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        with failing(
            volume.deployment.driver,
            Hook.CREATE_COMPLETE,
            when_done=what == "all was done",
        ):
            failed = volume.take_snapshot(expect="error")
        volume.snapshots.remove(failed)
        volume.write()
        self.claim_everything_reads_back()
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()
        if guest == "detached":
            volume.detach()
            self.claim_everything_reads_back()
        volume.snapshots.append(failed)
        failed.delete()
        volume.write()
        self.claim_everything_reads_back()
        self.claim_no_orphans()


@contextlib.contextmanager
def failing(driver: Any, hook: Hook, *, when_done: bool) -> Iterator[None]:
    """Have a hook raise, as a full disk or a lost database makes it.

    :param when_done: after it has done its work, instead of before.
    """
    called = getattr(driver, hook)

    def fail(snapshot_ref: Any) -> None:
        if when_done:
            called(snapshot_ref)
        raise OSError(errno.EIO, "as planned")

    setattr(driver, hook, fail)
    try:
        yield
    finally:
        delattr(driver, hook)


@expanded
class UnknownAnswerTest(ConformanceTest):
    """Contract section 5: any other answer than a refusal, or none."""

    @ddt.data(
        row("create", None, name="create connection reset"),
        row("oldest", 503),
    )
    @ddt.unpack
    @verifies("ERR-008")
    def test_report_completes_the_operation(
        self, what: str, code: int | None
    ) -> None:
        volume = self.given_volume(snapshots=2)
        volume.attach()
        operation = Operation.CREATE if what == "create" else Operation.DELETE
        volume.deployment.faults.on(operation, Fault.UNKNOWN_ANSWER, code=code)
        if what == "create":
            volume.take_snapshot()
        else:
            volume.snapshots[0 if what == "oldest" else 1].delete()
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()
        self.claim_no_orphans()


@expanded
class ShutOffTest(ConformanceTest):
    """Contract section 5: the instance does not run."""

    @ddt.data(
        row("qcow2", "create"), row("raw", "newest"), row("qcow2", "newest")
    )
    @ddt.unpack
    @verifies("ERR-009")
    def test_same_end_as_for_one_that_runs(self, base: str, what: str) -> None:
        volume = self.given_volume(base, attached=True, snapshots=2)
        volume.instance.stop()
        if what == "create":
            volume.take_snapshot()
        else:
            volume.snapshots[-1].delete()
        volume.instance.start()
        volume.write()
        self.claim_everything_reads_back()
        self.claim_no_orphans()

    @verifies("ERR-009")
    def test_refused_until_it_runs_again(self) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        volume.instance.stop()
        before = volume.state()
        # Nova refuses to commit for an instance that is shut off.
        volume.snapshots[0].delete(expect="error_deleting")
        self.claim_unchanged(before)
        volume.instance.start()
        volume.write()
        volume.snapshots[0].delete(force=True)
        self.claim_everything_reads_back()
        self.claim_no_orphans()
