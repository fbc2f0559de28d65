# SPDX-License-Identifier: Apache-2.0
"""Alarms, on the real clock and on one that tests advance."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import ddt
import testtools

import assisted_kit
from assisted_kit.clock import SystemClock
from assisted_kit.clock import VirtualClock

PATIENCE = 10
NEVER = 10**9


class VirtualClockTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = VirtualClock(1000.0)
        self.rung: list[object] = []

    def note(self, name: str) -> None:
        self.rung.append((name, self.clock.now()))

    def test_stands_still(self) -> None:
        self.assertEqual((1000.0, 1000.0), (self.clock.now(),) * 2)

    def test_rings_in_order_each_at_its_time(self) -> None:
        for name, when in (("late", 1030.0), ("soon", 1010.0)):
            self.clock.call_at(when, lambda name=name: self.note(name))
        self.clock.advance(60)
        self.assertEqual([("soon", 1010.0), ("late", 1030.0)], self.rung)
        self.assertEqual(1060.0, self.clock.now())

    def test_rings_at_the_very_second_and_not_before(self) -> None:
        self.clock.call_at(1010.0, lambda: self.note("alarm"))
        self.clock.advance(9.999)
        self.assertEqual([], self.rung)
        self.clock.advance(0.001)
        self.assertEqual(1, len(self.rung))

    def test_same_time_rings_in_the_order_of_setting(self) -> None:
        for name in "abc":
            self.clock.call_at(1001.0, lambda name=name: self.note(name))
        self.clock.advance(1)
        self.assertEqual(["a", "b", "c"], [name for name, _ in self.rung])

    def test_a_cancelled_alarm_never_rings(self) -> None:
        self.clock.call_at(1001.0, lambda: self.note("alarm")).cancel()
        self.clock.advance(2)
        self.assertEqual([], self.rung)

    def test_rings_once(self) -> None:
        alarm = self.clock.call_at(1001.0, lambda: self.note("alarm"))
        self.clock.advance(2)
        alarm.ring()
        self.assertEqual(1, len(self.rung))
        self.assertFalse(alarm.is_set)

    def test_an_alarm_may_set_another(self) -> None:
        self.clock.call_at(
            1001.0,
            lambda: self.clock.call_at(1002.0, lambda: self.note("second")),
        )
        self.clock.advance(5)
        self.assertEqual([("second", 1002.0)], self.rung)

    def test_a_failing_alarm_keeps_none_from_ringing(self) -> None:
        self.clock.call_at(1001.0, lambda: 1 // 0)
        self.clock.call_at(1001.0, lambda: self.note("after it"))
        self.clock.advance(2)
        self.assertEqual([("after it", 1001.0)], self.rung)

    def test_cancelled_alarms_do_not_pile_up(self) -> None:
        # A report that raises the deadline replaces an alarm; the old one
        # would be kept for hours.
        for number in range(10_000):
            self.clock.call_at(NEVER + number, lambda: None).cancel()
        self.clock.call_at(NEVER, lambda: self.note("kept"))
        self.assertLess(len(self.clock._alarms), 200)
        self.clock.advance(2 * NEVER)
        self.assertEqual(1, len(self.rung))


@ddt.ddt
class SystemClockTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clock = SystemClock()
        self.addCleanup(self.clock.stop)
        self.rung = threading.Event()

    def test_starts_no_thread_before_the_first_alarm(self) -> None:
        self.assertIsNone(self.clock._thread)

    @ddt.named_data(("soon", 0.02), ("now", 0.0), ("long ago", -NEVER))
    def test_rings(self, delay: float) -> None:
        self.clock.call_at(self.clock.now() + delay, self.rung.set)
        self.assertTrue(self.rung.wait(PATIENCE))

    def test_an_earlier_alarm_does_not_wait_for_a_later_one(self) -> None:
        self.clock.call_at(self.clock.now() + NEVER, lambda: None)
        self.clock.call_at(self.clock.now(), self.rung.set)
        self.assertTrue(self.rung.wait(PATIENCE))

    def test_a_failing_alarm_keeps_none_from_ringing(self) -> None:
        self.clock.call_at(self.clock.now(), lambda: 1 // 0)
        self.clock.call_at(self.clock.now() + 0.01, self.rung.set)
        self.assertTrue(self.rung.wait(PATIENCE))

    def test_an_alarm_beyond_what_the_platform_can_wait_for(self) -> None:
        self.clock.call_at(float("inf"), lambda: None)
        self.clock.call_at(self.clock.now(), self.rung.set)
        self.assertTrue(self.rung.wait(PATIENCE))

    def test_stop_ends_the_thread_and_rings_nothing(self) -> None:
        self.clock.call_at(self.clock.now() + NEVER, self.rung.set)
        self.clock.stop()
        self.assertFalse(self.clock._thread.is_alive())
        self.assertFalse(self.rung.is_set())


class NoSleepTest(testtools.TestCase):
    """Nothing polls and nothing sleeps (contract section 4)."""

    def test_the_kit_never_sleeps(self) -> None:
        package = Path(assisted_kit.__file__).parent
        found = [
            f"{path.relative_to(package)}:{node.lineno}"
            for path in sorted(package.rglob("*.py"))
            if path != package / LOOKS
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and _is_sleep(node.func)
        ]
        self.assertEqual([], found)


LOOKS = Path("cinder", "blocking", "driver.py")
"""Where there is nothing but to look: Cinder 29 tells nobody of a report."""


def _is_sleep(function: ast.expr) -> bool:
    name = getattr(function, "attr", None) or getattr(function, "id", None)
    return name == "sleep"
