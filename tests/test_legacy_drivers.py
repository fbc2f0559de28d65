# SPDX-License-Identifier: Apache-2.0
"""Drivers without the hooks, as adapter and suite find and handle them."""

from __future__ import annotations

import time
from pathlib import Path

from assisted_kit import DriverAdapter
from assisted_kit import subject
from assisted_kit.driver import Operation
from assisted_kit.rules import Profile
from assisted_kit.subject import Subject
from conformance.deployment import Deployment
from conformance.volume import VolumeUnderTest
from fakes.compute import Fault
from fakes.compute import FaultPlan
from fakes.good.legacy import BlockingShareDriver

DRIVER = "fakes.good.legacy:BlockingShareDriver"

sleep = time.sleep


class KeepsNova:
    """Has Nova as Cinder's RemoteFS drivers have it."""

    _nova = None

    def create_snapshot(self, snapshot): ...


def deployment() -> Deployment:
    return Deployment(Subject(DRIVER, DriverAdapter(BlockingShareDriver)))


def test_class_without_hooks_is_a_legacy_driver() -> None:
    assert subject.load(DRIVER).adapter.profile is Profile.LEGACY


def test_driver_gets_nova_where_it_keeps_it(tmp_path: Path) -> None:
    nova = FaultPlan()
    driver = DriverAdapter(KeepsNova).construct(
        tmp_path, execute=print, compute=nova
    )
    assert driver._nova is nova


def test_what_a_driver_sleeps_by_is_found_in_its_modules() -> None:
    assert DriverAdapter(KeepsNova).sleeps_by() == [
        f"{__name__}.time",
        f"{__name__}.sleep",
    ]
    assert "fakes.good.legacy.time" in (
        DriverAdapter(BlockingShareDriver).sleeps_by()
    )


def test_module_of_the_driver_has_its_time_back_afterwards() -> None:
    from fakes.good import legacy

    with deployment():
        assert legacy.time is not time
    assert legacy.time is time


def test_calls_are_in_the_journal() -> None:
    with deployment() as around:
        volume = VolumeUnderTest(around)
        volume.take_snapshot().delete()
        calls = [str(call) for call in around.journal.calls()]
    assert [call.partition("(")[0] for call in calls] == [
        "create_snapshot",
        "delete_snapshot",
    ]


def test_two_volumes_wait_at_a_time() -> None:
    with deployment() as around:
        volumes = [VolumeUnderTest(around) for _ in range(2)]
        for volume in volumes:
            volume.attach()
            around.faults.on(Operation.CREATE, Fault.REPORT_BY_HAND)
        snapshots = [volume.start_snapshot() for volume in volumes]
        for snapshot in snapshots:
            assert around.settle()
            assert around.waits.sleepers
            around.nova.report(snapshot.id, status="available")
        assert around.settle()
        assert [s.status for s in snapshots] == ["available"] * 2
        assert not around.waits.sleepers


def test_report_that_never_comes_fails_it_when_the_deadline_passes() -> None:
    with deployment() as around:
        volume = VolumeUnderTest(around)
        volume.attach()
        around.faults.on(Operation.CREATE, Fault.DIE_BEFORE_WORK)
        snapshot = volume.start_snapshot()
        assert around.settle()
        assert snapshot.status == "creating"
        around.let_deadline_pass()
        assert snapshot.status == "error"


def test_end_of_a_test_leaves_no_call_behind() -> None:
    with deployment() as around:
        volume = VolumeUnderTest(around)
        volume.attach()
        around.faults.on(Operation.CREATE, Fault.DIE_BEFORE_WORK)
        snapshot = volume.start_snapshot()
        assert around.settle()
    (call,) = around.journal.calls(snapshot_id=snapshot.id)
    assert "the test is over" in str(call)
