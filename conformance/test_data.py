# SPDX-License-Identifier: Apache-2.0
"""Data integrity: every byte, after every operation."""

from __future__ import annotations

import itertools

import ddt

from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import BASES
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import row
from conformance.test_delete import index_of
from fakes.compute import Generation

PLACES = (
    row("only", 1),
    row("oldest", 3),
    row("middle", 3),
    row("newest", 3),
)
"""Positions of a snapshot, each with the number of snapshots there are."""


DEEP = 20
"""Snapshots of a chain that is long, though none too long for QEMU."""

DEEP_ATTACHED = 12
"""The same, where a guest is switched for each of them."""


@expanded
class CreateTest(ConformanceTest):
    """Contract section 5, the rule above all others."""

    @ddt.data(*crossed(BASES, GUESTS))
    @ddt.unpack
    @verifies("DAT-001")
    def test_taking_snapshots_keeps_every_byte(
        self, base: str, guest: str
    ) -> None:
        volume = self.given_volume(base, attached=guest == "attached")
        for _ in range(4):
            volume.take_snapshot()
            self.claim_everything_reads_back()
            volume.write()
            self.claim_everything_reads_back()


def _places() -> list[object]:
    return [
        row(base, place, depth, name=f"{base} {place}")
        for base in BASES
        for place, depth in PLACES
    ]


@expanded
class DeleteTest(ConformanceTest):
    """Contract section 5, the rule above all others."""

    @ddt.data(*_places())
    @ddt.unpack
    @verifies("DAT-002")
    def test_deleting_detached_keeps_every_byte(
        self, base: str, place: str, depth: int
    ) -> None:
        self._delete(base, place, depth, attached=False)

    @verifies("DAT-002")
    def test_deleting_from_a_deep_chain_keeps_every_byte(self) -> None:
        volume = self.given_volume(snapshots=DEEP)
        volume.snapshots[0].delete()
        self.claim_everything_reads_back()

    @ddt.data(*_places())
    @ddt.unpack
    @verifies("DAT-003")
    def test_deleting_attached_keeps_every_byte(
        self, base: str, place: str, depth: int
    ) -> None:
        self._delete(base, place, depth, attached=True)

    @ddt.data(*Generation)
    @verifies("DAT-003")
    def test_deleting_with_every_generation(
        self, generation: Generation
    ) -> None:
        volume = self.given_volume(
            attached=True, snapshots=3, generation=generation
        )
        for position in (1, 1, 0):
            volume.snapshots[position].delete()
            self.claim_everything_reads_back()

    def _delete(
        self, base: str, place: str, depth: int, *, attached: bool
    ) -> None:
        volume = self.given_volume(base, attached=attached, snapshots=depth)
        which = 0 if place == "only" else index_of(place, depth)
        volume.snapshots[which].delete()
        self.claim_everything_reads_back()
        if attached:
            volume.restart()
        volume.write()
        self.claim_everything_reads_back()


class DeepChainTest(ConformanceTest):
    """Contract section 5, the rule above all others."""

    @verifies("DAT-003")
    def test_deleting_in_the_middle_of_a_deep_chain(self) -> None:
        volume = self.given_volume(attached=True, snapshots=DEEP_ATTACHED)
        volume.snapshots[DEEP_ATTACHED // 2].delete()
        self.claim_everything_reads_back()


def _orders() -> list[object]:
    """Every order of three, with each base and each guest in turn."""
    return [
        row(base, guest, *order)
        for order, (base, guest) in zip(
            itertools.permutations(range(3)),
            itertools.cycle(itertools.product(BASES, reversed(GUESTS))),
            strict=False,
        )
    ]


@expanded
class OrderTest(ConformanceTest):
    """Contract section 5, the rule above all others."""

    @ddt.data(*_orders())
    @ddt.unpack
    @verifies("DAT-006")
    def test_deleting_in_any_order_keeps_every_byte(
        self, base: str, guest: str, *order: int
    ) -> None:
        volume = self.given_volume(
            base, attached=guest == "attached", snapshots=3
        )
        snapshots = list(volume.snapshots)
        for position in order:
            snapshots[position].delete()
            self.claim_everything_reads_back()


@expanded
class MixedTest(ConformanceTest):
    """Contract section 5, the rule above all others."""

    @ddt.data(*BASES)
    @verifies("DAT-004")
    def test_snapshots_come_and_go_with_the_guest(self, base: str) -> None:
        volume = self.given_volume(base, attached=True, snapshots=2)
        volume.snapshots[1].delete()
        volume.snapshots[0].delete()
        self.claim_everything_reads_back()
        # Everything was pulled: a former overlay is the base image now.
        volume.detach()
        volume.take_snapshot()
        volume.write()
        volume.take_snapshot()
        self.claim_everything_reads_back()
        volume.attach()
        volume.write()
        volume.snapshots[0].delete()
        self.claim_everything_reads_back()
        volume.take_snapshot()
        volume.restart()
        volume.write()
        volume.detach()
        for _ in range(2):
            volume.snapshots[0].delete()
            self.claim_everything_reads_back()


@expanded
class CopyTest(ConformanceTest):
    """Contract section 5, the rule above all others."""

    @ddt.data(*crossed(BASES, GUESTS))
    @ddt.unpack
    @verifies("DAT-005")
    def test_volume_from_snapshot_holds_the_snapshot(
        self, base: str, guest: str
    ) -> None:
        volume = self.given_volume(
            base, attached=guest == "attached", snapshots=3
        )
        for snapshot in volume.snapshots:
            self.claim_copy_reads_back(snapshot)
        self.claim_everything_reads_back()
