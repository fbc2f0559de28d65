# SPDX-License-Identifier: Apache-2.0
"""Others who carry on, or work beside, while a snapshot is in flight."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import ddt

from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.deployment import Deployment
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.standstill import Work
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault

COMPLETES = (Hook.CREATE_COMPLETE, Hook.DELETE_COMPLETE)

ELSEWHERE: Mapping[str, Callable[[Deployment, Hook], Callable[[Any], Any]]] = {
    "another_instance": Deployment.on_another_instance,
    "another_process": Deployment.in_another_process,
}
"""Who calls a hook that is not the instance that began."""


@expanded
class TakeoverTest(ConformanceTest):
    """Contract sections 2 and 4: the truth is in database and storage."""

    @ddt.data(*crossed(GUESTS, ELSEWHERE))
    @ddt.unpack
    @verifies("HKS-004")
    def test_another_one_completes(self, guest: str, who: str) -> None:
        volume = self.given_volume(attached=guest == "attached", snapshots=1)
        deployment = volume.deployment
        for hook in COMPLETES:
            deployment.driver.call_instead(
                hook, ELSEWHERE[who](deployment, hook)
            )
        volume.take_snapshot()
        volume.write()
        volume.snapshots[0].delete()
        self.claim_everything_reads_back()


@expanded
class BesideTest(ConformanceTest):
    """Contract section 4: other volumes proceed, connections are made."""

    @ddt.data(*crossed(Operation, ("same_instance", "another_instance")))
    @ddt.unpack
    @verifies("HKS-005")
    def test_nothing_waits_for_the_compute_service(
        self, operation: Operation, who: str
    ) -> None:
        volume = self.given_volume(attached=True, snapshots=1)
        deployment = volume.deployment
        beside = VolumeUnderTest(deployment)
        driver = deployment.driver
        if who == "another_instance":
            driver = deployment.new_driver()
            self._give(beside, driver)
        deployment.faults.on(operation, Fault.REPORT_LATE)
        if operation is Operation.CREATE:
            volume.start_snapshot()
        else:
            volume.snapshots[0].start_delete()
        volume.settle()
        self._claim_served(
            volume,
            "initialize_connection of the same volume",
            lambda: driver.initialize_connection(
                volume.ref(), {"host": "another"}
            ),
        )
        self._claim_served(
            volume,
            "the hooks for a snapshot of another volume",
            lambda: self._take(beside),
        )
        deployment.nova.release()
        volume.settle()

    def _give(self, volume: VolumeUnderTest, driver: Any) -> None:
        """Have the hooks of one volume called of this instance."""
        first = volume.deployment.driver
        for hook in (Hook.CREATE_BEGIN, Hook.CREATE_COMPLETE):
            own = getattr(first.unobserved, hook)
            others = getattr(driver.unobserved, hook)

            def call(ref: Any, own: Any = own, others: Any = others) -> Any:
                return (others if ref.volume.id == volume.id else own)(ref)

            first.call_instead(hook, call)

    def _take(self, volume: VolumeUnderTest) -> None:
        volume.start_snapshot()
        volume.deployment.manager.join()

    def _claim_served(
        self,
        volume: VolumeUnderTest,
        what: str,
        work: Callable[[], object],
    ) -> None:
        """Claim that work is done although a snapshot is in flight."""
        deployment = volume.deployment
        patience = self.subject.patience
        done = Work(work, deployment.watch)
        where = done.blocked(patience)
        if where:
            # What it waits for may happen now; else nobody ever could.
            deployment.nova.release()
            volume.settle()
            done.join(patience)
        self.claim(
            not where,
            f"{what}: no wait for a snapshot at the compute service",
            f"{what}: stands still:\n{where}",
        )
