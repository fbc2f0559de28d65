# SPDX-License-Identifier: Apache-2.0
"""The virtual time that legacy drivers wait by."""

from __future__ import annotations

import threading
from concurrent import futures

import pytest

from assisted_kit.clock import VirtualClock
from assisted_kit.manager.workers import Pending
from assisted_kit.notifier import Reported
from assisted_kit.notifier import Settled
from conformance.waiting import LOOKS
from conformance.waiting import NoEnd
from conformance.waiting import VirtualTime

PATIENCE = 60


class Service:
    """What a deployment is to the calls of a legacy driver."""

    def __init__(self) -> None:
        self.clock = VirtualClock(start=1000.0)
        self.others = 0
        self._pending = Pending()
        self._pool = futures.ThreadPoolExecutor(8)
        self.time = VirtualTime(
            self.clock, pause=self._pause, others=self._count
        )

    def _pause(self):
        self._pending.remove()
        return self._pending.add

    def _count(self) -> None:
        self.others += 1

    def start(self, snapshot_id, work):
        """Have a driver's call do ``work`` on a thread of its own."""
        self._pending.add()

        def run():
            try:
                with self.time.call(snapshot_id):
                    return work()
            finally:
                self._pending.remove()

        return self._pool.submit(run)

    def sleeping(self) -> list[str]:
        """The snapshots whose calls sleep, when nobody does anything."""
        assert self._pending.join(PATIENCE)
        return self.time.sleepers

    def close(self) -> None:
        self.time.end()
        self._pool.shutdown()


@pytest.fixture
def service():
    made = Service()
    yield made
    made.close()


def test_sleep_is_over_when_the_clock_is_there(service):
    call = service.start("s", lambda: service.time.sleep(10))
    assert service.sleeping() == ["s"]
    service.clock.advance(9.5)
    assert service.sleeping() == ["s"]
    service.clock.advance(0.5)
    assert service.sleeping() == []
    assert call.done()


def test_many_sleeps_catch_up_with_a_clock_that_jumps(service):
    def poll():
        looks = 0
        while service.time.monotonic() < 1000 + 7200:
            service.time.sleep(10)
            looks += 1
        return looks

    call = service.start("s", poll)
    assert service.sleeping() == ["s"]
    service.clock.advance(7199)
    assert service.sleeping() == ["s"]
    service.clock.advance(1)
    assert service.sleeping() == []
    assert call.result(PATIENCE) == 720


def test_report_wakes_the_snapshots_own_call_only(service):
    calls = {
        name: service.start(name, lambda: service.time.sleep(600))
        for name in ("one", "other")
    }
    assert sorted(service.sleeping()) == ["one", "other"]
    service.time.listen(Reported("one"))
    assert service.sleeping() == ["other"]
    calls["one"].result(PATIENCE)
    service.time.listen(Settled("other", "error"))
    assert service.sleeping() == ["other"]


def test_report_between_a_look_and_the_sleep_is_not_lost(service):
    looked, reported = threading.Event(), threading.Event()

    def poll():
        looked.set()
        assert reported.wait(PATIENCE)
        service.time.sleep(600)

    call = service.start("s", poll)
    assert looked.wait(PATIENCE)
    service.time.listen(Reported("s"))
    reported.set()
    call.result(PATIENCE)
    assert service.clock.now() == 1000


def test_report_of_an_earlier_call_wakes_nobody(service):
    service.time.listen(Reported("s"))
    service.start("s", lambda: service.time.sleep(600))
    assert service.sleeping() == ["s"]


def test_sleeper_is_at_work_before_whoever_wakes_it_returns(service):
    go_on = threading.Event()

    def poll():
        service.time.sleep(600)
        assert go_on.wait(PATIENCE)

    call = service.start("s", poll)
    assert service.sleeping() == ["s"]
    service.time.listen(Reported("s"))
    # Whatever its thread does by now, it counts.
    assert not service._pending.join(0)
    go_on.set()
    call.result(PATIENCE)


def test_call_that_only_looks_is_ended(service):
    def spin():
        while True:
            service.time.looked()

    call = service.start("s", spin)
    with pytest.raises(NoEnd, match="without sleeping once"):
        call.result(PATIENCE)


def test_looks_between_sleeps_are_no_spin(service):
    def poll():
        for _ in range(2 * LOOKS):
            service.time.looked()
            service.time.sleep(1)

    call = service.start("s", poll)
    service.clock.advance(2 * LOOKS)
    call.result(PATIENCE)


def test_end_of_the_test_ends_every_sleep(service):
    call = service.start("s", lambda: service.time.sleep(600))
    assert service.sleeping() == ["s"]
    service.time.end()
    with pytest.raises(NoEnd, match="still waits"):
        call.result(PATIENCE)


def test_sleep_of_nobodys_call_lets_the_others_work(service):
    service.time.sleep(600)
    assert service.others == 1
    assert service.time.time() == 1000


def test_everything_else_is_of_the_real_time(service):
    assert service.time.gmtime(0).tm_year == 1970
