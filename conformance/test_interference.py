# SPDX-License-Identifier: Apache-2.0
"""Others at work in the middle of a snapshot operation."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager

import ddt

from assisted_kit.capabilities import Capability
from conformance import oracle
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.interference import Interference
from conformance.oracle import Difference
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.volume import VolumeUnderTest


class InterferenceTest(ConformanceTest):
    """What tests of interference share."""

    @contextmanager
    def meanwhile(self, act: Callable[[], None]) -> Iterator[None]:
        """Do something at every point of the operations of the body."""
        assert self.deployment is not None
        interference = Interference(self.deployment, act)
        with interference.going_on():
            yield
        assert interference.points, "no operation was held up"
        self.claim(
            not interference.errors,
            "what is asked in the middle of the operation is answered",
            "\n".join(map(repr, interference.errors)),
        )

    def take_and_delete(self, volume: VolumeUnderTest) -> None:
        """Take a snapshot; delete the oldest one, and then the newest."""
        volume.take_snapshot()
        volume.snapshots[0].delete()
        volume.snapshots[-1].delete()


@expanded
class UndisturbedTest(InterferenceTest):
    """Contract section 5: whatever happens, in whatever order."""

    @ddt.data(*GUESTS)
    @verifies("RAC-001")
    def test_operation_ends_well(self, guest: str) -> None:
        attached = guest == "attached"
        volume = self.given_volume(attached=attached, snapshots=2)
        statistics = getattr(
            volume.deployment.driver, "get_volume_stats", None
        )

        def ask() -> None:
            if statistics is not None:
                statistics(True)
            # A detached volume's waits for the hook (section 4).
            if attached:
                volume.connect()

        with self.meanwhile(ask):
            self.take_and_delete(volume)
        self.claim_everything_reads_back()


class AnswerTest(InterferenceTest):
    """Contract section 5: data stays readable through the active image."""

    @verifies("RAC-002")
    def test_answer_names_an_image_that_holds_every_byte(self) -> None:
        volume = self.given_volume(attached=True, snapshots=2)
        found: list[Difference | None] = []
        with self.meanwhile(
            lambda: found.append(volume.connected_difference())
        ):
            self.take_and_delete(volume)
        for difference in found:
            self.claim_same(difference, "the image that is named meanwhile")


class ChildTest(InterferenceTest):
    """Contract section 5, of what was copied from a snapshot."""

    required_capabilities = (Capability.create_from_snapshot,)

    @verifies("RAC-003")
    def test_child_is_read_while_its_parent_is_deleted(self) -> None:
        volume = self.given_volume(snapshots=2)
        parent = volume.snapshots[0]
        deployment = volume.deployment
        volumes = deployment.manager.volumes
        child = volumes.create_from_snapshot(parent.id)
        connection = deployment.driver.initialize_connection(
            child, {"host": "kit"}
        )
        image = deployment.image(connection["data"])
        found: list[Difference | None] = []
        with self.meanwhile(
            lambda: found.append(oracle.compare(image, parent.ledger))
        ):
            parent.delete()
        found.append(oracle.compare(image, parent.ledger))
        for difference in found:
            self.claim_same(
                difference, "the volume that was created from the snapshot"
            )
        self.claim_everything_reads_back()
