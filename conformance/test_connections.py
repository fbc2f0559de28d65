# SPDX-License-Identifier: Apache-2.0
"""Connection information: what an attachment uses, whatever goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import ddt

from assisted_kit.driver import Operation
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.ledger import Ledger
from conformance.ledger import MIB
from conformance.ledger import pattern
from conformance.ledger import SECTOR
from conformance.pending import PendingTest
from conformance.rows import BASES
from conformance.rows import expanded
from conformance.rows import row
from conformance.snapshot import SnapshotUnderTest
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault

IN_COMPUTE = "in compute"
"""Pending since it was requested; otherwise since it failed."""


class ConnectionTest(PendingTest):
    """What tests of connections share."""

    def given_in_compute(
        self, fault: Fault
    ) -> tuple[VolumeUnderTest, SnapshotUnderTest]:
        """A volume with a snapshot, and another whose create is awaited."""
        volume = self.given_volume(attached=True, snapshots=1)
        volume.deployment.faults.on(Operation.CREATE, fault)
        snapshot = volume.start_snapshot()
        volume.settle()
        volume.write()
        # Nobody is promised its data yet.
        volume.snapshots.remove(snapshot)
        return volume, snapshot

    def given_connected(self, when: str, fault: Fault) -> VolumeUnderTest:
        """A volume of which a create is pending."""
        if when == IN_COMPUTE:
            return self.given_in_compute(fault)[0]
        return self.given_pending(fault)


@expanded
class NoSideEffectsTest(ConnectionTest):
    """Contract section 4: for an existing attachment."""

    @ddt.data("settled", IN_COMPUTE, "failed")
    @verifies("CON-001")
    def test_asking_changes_nothing(self, when: str) -> None:
        if when == "settled":
            volume = self.given_volume(attached=True, snapshots=1)
        else:
            volume = self.given_connected(when, Fault.NEVER_REPORT)
        before = volume.state()
        first, second = volume.connect(), volume.connect()
        self.claim_equal(first, second, "the answer to the second call")
        self.claim_unchanged(before)


@expanded
class AnswerTest(ConformanceTest):
    """Contract section 4: the answer is stored with the attachment."""

    @ddt.data(*BASES)
    @verifies("CON-002")
    def test_answer_can_be_stored(self, base: str) -> None:
        self.volume = volume = VolumeUnderTest(self.deploy(base))
        answer = volume.connect()
        kind = answer.get("driver_volume_type")
        self.claim(
            isinstance(kind, str) and bool(kind),
            "a driver_volume_type",
            f"driver_volume_type: {kind!r}",
        )
        data = answer.get("data")
        self.claim(
            isinstance(data, Mapping), "data is a mapping", f"data: {data!r}"
        )
        self.claim_equal(data, as_json(data), "data, stored as JSON and read")

    @ddt.data(*BASES)
    @verifies("CON-003")
    def test_answer_names_the_image_and_its_format(self, base: str) -> None:
        volume = self.given_volume(base)
        for format_ in (base, "qcow2"):
            data = volume.connect()["data"]
            self.claim_equal(
                (volume.active().path.name, format_),
                (data.get("name"), data.get("format")),
                "the name and the format in data",
            )
            self.given_snapshot(volume)


SMALLER = 512 * MIB + SECTOR
"""The size of an image in bytes, which is no whole number of GiB."""


class SmallImageTest(ConformanceTest):
    """Contract section 8: a virtual size *beyond* the volume's is refused."""

    @verifies("CON-006")
    def test_image_smaller_than_its_volume_is_attached(self) -> None:
        volume = self.given_volume("raw", writes=False)
        os.truncate(volume.active().path, SMALLER)
        volume.ledger = Ledger(SMALLER)
        self.claim_connected()
        volume.write_at([(MIB, pattern(MIB, SECTOR, 1))])
        self.claim_everything_reads_back()


def as_json(data: object) -> object:
    """What comes back of it; what cannot be stored, in words."""
    try:
        return json.loads(json.dumps(data))
    except TypeError as error:
        return str(error)


@expanded
class FirstPendingConnectionTest(ConnectionTest):
    """Contract section 5: the overlay is qcow2, whatever is recorded."""

    @ddt.data(*BASES)
    @verifies("CON-004")
    def test_connection_of_the_first_one_reads_back(self, base: str) -> None:
        self.given_pending(Fault.NEVER_REPORT, base, snapshots=0)
        self.claim_connection_reads_back()


@expanded
class PendingConnectionTest(ConnectionTest):
    """Contract section 5, while a create is pending."""

    @ddt.data(
        row(IN_COMPUTE, Fault.REPORT_LATE, name="switched, not reported"),
        row(IN_COMPUTE, Fault.DIE_BEFORE_WORK, name="not switched yet"),
        row("failed", Fault.NEVER_REPORT, name="switched, never reported"),
        row("failed", Fault.ERROR_AFTER_WORK, name="switched, then error"),
        row("failed", Fault.ERROR_REPORT, name="error"),
    )
    @ddt.unpack
    @verifies("CON-004")
    def test_new_connection_reads_every_byte(
        self, when: str, fault: Fault
    ) -> None:
        volume = self.given_connected(when, fault)
        self.claim_connection_reads_back()
        volume.write()
        self.claim_connection_reads_back()

    @ddt.data(
        row(IN_COMPUTE, Fault.REPORT_LATE, name="in compute"),
        row("failed", Fault.NEVER_REPORT, name="never reported"),
        row("failed", Fault.ERROR_REPORT, name="never switched"),
    )
    @ddt.unpack
    @verifies("CON-005")
    def test_guest_comes_and_goes(self, when: str, fault: Fault) -> None:
        if when == IN_COMPUTE:
            volume, snapshot = self.given_in_compute(fault)
        else:
            volume = self.given_pending(fault)
        self.claim_goes_well("detaching the volume", volume.detach)
        self.claim_goes_well("attaching it again", volume.attach)
        volume.write()
        self.claim_everything_reads_back()
        if when == IN_COMPUTE:
            volume.deployment.nova.release()
            volume.settle()
            self.claim_equal("available", snapshot.status, "the snapshot")
        volume.restart()
        volume.write()
        self.claim_everything_reads_back()
