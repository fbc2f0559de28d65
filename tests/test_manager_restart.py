# SPDX-License-Identifier: Apache-2.0
"""A process dies, and another one carries on from the database alone."""

from __future__ import annotations

import ddt
from scripted import CONNECT
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import DELETE_BEGIN
from scripted import DELETE_COMPLETE
from scripted import HttpError
from scripted import Killed
from scripted import ManagerTestCase
from scripted import Stage

HOOKS = {
    "create": (CREATE_BEGIN, CREATE_COMPLETE),
    "delete": (DELETE_BEGIN, DELETE_COMPLETE),
}
DONE = {
    "create": {"status": "creating", "progress": "90%"},
    "delete": {"status": "deleting", "progress": "90%"},
}
ENDS = {"create": "available", "delete": "deleted"}


class RestartTestCase(ManagerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume(attached=True)

    def start(self, operation: str = "create") -> str:
        """Start an operation; what came before it is forgotten."""
        if operation == "delete":
            scripts, self.driver.on = self.driver.on, {}
            answer, self.nova.answer = self.nova.answer, None
            snapshot_id = self.kit.available(self.volume_id)
            self.driver.on, self.nova.answer = scripts, answer
            self.driver.calls.clear()
            self.nova.requests.clear()
            self.kit.delete(snapshot_id)
            return snapshot_id
        return self.kit.create(self.volume_id)

    def report_done(self, snapshot_id: str, operation: str) -> None:
        self.kit.send(snapshot_id, **DONE[operation])
        self.kit.idle()

    def assert_ended(self, snapshot_id: str, status: str) -> None:
        self.assertEqual(status, self.kit.status(snapshot_id))
        self.assertEqual({}, self.kit.claims())


@ddt.ddt
class PhaseTest(RestartTestCase):
    @ddt.data("create", "delete")
    def test_killed_in_begin(self, operation) -> None:
        begin, complete = HOOKS[operation]
        self.driver.on[begin] = Killed()
        snapshot_id = self.start(operation)
        self.assertEqual("begin", self.kit.phase(snapshot_id))
        self.assertEqual([], self.nova.requests)
        del self.driver.on[begin]
        self.kit.restart()
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        self.report_done(snapshot_id, operation)
        self.assertEqual([begin, begin, complete], self.driver.hooks)
        self.assertEqual(1, len(self.nova.requests))
        self.assert_ended(snapshot_id, ENDS[operation])

    @ddt.data("create", "delete")
    def test_killed_while_nova_is_called(self, operation) -> None:
        self.nova.answer = Killed()
        snapshot_id = self.start(operation)
        self.kit.restart()
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        self.assertEqual(1, len(self.nova.requests))
        self.report_done(snapshot_id, operation)
        self.assertEqual(list(HOOKS[operation]), self.driver.hooks)
        self.assert_ended(snapshot_id, ENDS[operation])

    def test_killed_before_nova_is_called(self) -> None:
        # Nobody knows that it was not, so nobody calls again.
        def die(job):
            raise Killed

        self.kit.manager._hooks._ask = die
        snapshot_id = self.start()
        self.kit.restart()
        self.kit.advance(599)
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        self.kit.advance(1)
        self.assertEqual([], self.nova.requests)
        self.assert_ended(snapshot_id, "error")

    @ddt.data("create", "delete")
    def test_killed_in_compute(self, operation) -> None:
        snapshot_id = self.start(operation)
        self.kit.restart()
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        self.report_done(snapshot_id, operation)
        self.assertEqual(list(HOOKS[operation]), self.driver.hooks)
        self.assertEqual(1, len(self.nova.requests))
        self.assert_ended(snapshot_id, ENDS[operation])

    @ddt.data("create", "delete")
    def test_killed_in_complete(self, operation) -> None:
        begin, complete = HOOKS[operation]
        self.driver.on[complete] = Killed()
        snapshot_id = self.start(operation)
        self.report_done(snapshot_id, operation)
        self.assertEqual("complete", self.kit.phase(snapshot_id))
        del self.driver.on[complete]
        self.kit.restart()
        self.assertEqual([begin, complete, complete], self.driver.hooks)
        self.assertEqual(1, len(self.nova.requests))
        self.assert_ended(snapshot_id, ENDS[operation])

    def test_killed_after_complete_returned(self) -> None:
        self.driver.on = {
            CREATE_COMPLETE: {"metadata": {"a": "1"}},
            CONNECT: Killed(),
        }
        snapshot_id = self.start()
        self.report_done(snapshot_id, "create")
        del self.driver.on[CONNECT]
        self.kit.restart()
        self.assertEqual(2, len(self.driver.called(CREATE_COMPLETE)))
        self.assert_ended(snapshot_id, "available")

    def test_killed_between_refusal_and_failure(self) -> None:
        self.nova.answer = HttpError(409)
        self.driver.on[CONNECT] = Killed()
        snapshot_id = self.start()
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        del self.driver.on[CONNECT]
        self.kit.restart()
        self.assert_ended(snapshot_id, "error")

    def test_detached(self) -> None:
        for hook in (CREATE_BEGIN, CREATE_COMPLETE):
            volume_id = self.kit.volume()
            self.driver.on[hook] = Killed()
            snapshot_id = self.kit.create(volume_id)
            del self.driver.on[hook]
            self.kit.restart()
            self.assert_ended(snapshot_id, "available")
        self.assertEqual([], self.nova.requests)

    def test_killed_again_and_again(self) -> None:
        self.driver.on[CREATE_BEGIN] = Killed()
        snapshot_id = self.start()
        for _ in range(3):
            self.kit.restart()
        del self.driver.on[CREATE_BEGIN]
        self.kit.restart()
        self.report_done(snapshot_id, "create")
        self.assertEqual(5, len(self.driver.called(CREATE_BEGIN)))
        self.assert_ended(snapshot_id, "available")


@ddt.ddt
class MeanwhileTest(RestartTestCase):
    """What happens while no manager is there."""

    def setUp(self) -> None:
        super().setUp()
        self.id = self.start()
        self.kit.manager.stop()

    def test_the_stored_deadline_counts(self) -> None:
        self.kit.clock.advance(400)
        self.kit.restart()
        self.kit.advance(199)
        self.assertEqual("compute", self.kit.phase(self.id))
        self.kit.advance(1)
        self.assert_ended(self.id, "error")

    def test_the_deadline_passes(self) -> None:
        self.kit.clock.advance(600)
        self.assertEqual("compute", self.kit.phase(self.id))
        self.kit.restart()
        self.assert_ended(self.id, "error")
        self.assertEqual([CREATE_BEGIN], self.driver.hooks)

    @ddt.data(0, 10**5)
    def test_done_is_reported(self, longer) -> None:
        self.kit.clock.advance(599)
        self.kit.send(self.id, **DONE["create"])
        self.kit.clock.advance(longer)
        self.kit.restart()
        self.assertEqual([CREATE_BEGIN, CREATE_COMPLETE], self.driver.hooks)
        self.assert_ended(self.id, "available")

    def test_an_error_is_reported(self) -> None:
        self.kit.send(self.id, status="error", progress="90%")
        self.kit.restart()
        self.assertEqual([CREATE_BEGIN], self.driver.hooks)
        self.assert_ended(self.id, "error")

    def test_progress_puts_the_deadline_off(self) -> None:
        self.kit.clock.advance(599)
        self.kit.send(self.id, status="creating", compute_progress=1)
        self.kit.clock.advance(599)
        self.kit.restart()
        self.assertEqual("compute", self.kit.phase(self.id))
        self.kit.advance(1)
        self.assert_ended(self.id, "error")

    def test_a_report_that_comes_while_the_row_is_read(self) -> None:
        snapshots = self.kit.database.snapshots
        in_flight = snapshots.in_flight

        def read_and_be_late(*arguments, **options):
            found = in_flight(*arguments, **options)
            if arguments and found[0].phase == "compute":
                self.kit.send(self.id, **DONE["create"])
            return found

        snapshots.in_flight = read_and_be_late
        self.kit.restart()
        # Not after 600 s, by the deadline's alarm: now.
        self.assert_ended(self.id, "available")


class ClaimsTest(RestartTestCase):
    def test_those_who_waited_go_on_too(self) -> None:
        first, second = (self.start() for _ in range(2))
        elsewhere = self.kit.create(self.kit.volume(attached=True))
        self.kit.restart()
        self.assertEqual(
            ["compute", "begin", "compute"],
            [self.kit.phase(each) for each in (first, second, elsewhere)],
        )
        for snapshot_id in (first, second, elsewhere):
            self.report_done(snapshot_id, "create")
            self.assertEqual("available", self.kit.status(snapshot_id))
        self.assertEqual({}, self.kit.claims())
        self.assertEqual(3, len(self.nova.requests))

    def test_another_host_takes_nothing(self) -> None:
        waiting = self.start()
        self.driver.on[CREATE_BEGIN] = Killed()
        killed = self.kit.create(self.kit.volume())
        del self.driver.on[CREATE_BEGIN]
        claims = self.kit.claims()
        other = self.kit.start_manager("other@kit")
        other.recover()
        self.kit.idle()
        self.assertEqual(claims, self.kit.claims())
        self.assertEqual("begin", self.kit.phase(killed))
        self.report_done(waiting, "create")
        self.assertEqual([waiting], self.driver.called(CREATE_COMPLETE))

    def test_a_host_whose_name_begins_like_ours_is_another(self) -> None:
        claims = self.kit.database.claims
        claims.take(self.volume_id, "host@kit-2#1")
        self.kit.restart()
        owner, _ = claims.owners()[self.volume_id]
        self.assertEqual("host@kit-2#1", owner)

    def test_a_claim_for_nothing_is_given_up(self) -> None:
        # An extend, say, whose process died.
        self.kit.database.claims.take(self.volume_id, "host@kit#dead")
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual("begin", self.kit.phase(snapshot_id))
        self.kit.restart()
        self.report_done(snapshot_id, "create")
        self.assert_ended(snapshot_id, "available")

    def test_others_hear_that_a_claim_was_given_up(self) -> None:
        self.kit.database.claims.take(self.volume_id, "other@kit#dead")
        snapshot_id = self.kit.create(self.volume_id)
        other = self.kit.start_manager("other@kit")
        other.recover()
        self.kit.idle()
        self.assertEqual("compute", self.kit.phase(snapshot_id))

    def test_recover_leaves_what_runs_alone(self) -> None:
        self.driver.on[CREATE_BEGIN] = stage = Stage()
        running = self.kit.manager.create_snapshot(self.volume_id)
        stage.wait()
        queued = self.kit.manager.create_snapshot(self.volume_id)
        self.kit.manager.recover()
        stage.go()
        self.kit.idle()
        self.assertEqual([running, queued], self.driver.called(CREATE_BEGIN))
        self.assertEqual("available", self.kit.status(queued))
        self.assertEqual({}, self.kit.claims())

    def test_a_process_thought_dead_stores_nothing_any_more(self) -> None:
        self.driver.on[CREATE_BEGIN] = stage = Stage(
            {"provider_location": "too late"}
        )
        snapshot_id = self.kit.manager.create_snapshot(self.volume_id)
        stage.wait()
        del self.driver.on[CREATE_BEGIN]
        second = self.kit.start_manager()
        second.recover()
        self.assertTrue(second.join(10))
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        stage.go()
        self.kit.idle()
        stored = self.kit.snapshot(snapshot_id)
        self.assertIsNone(stored.provider_location)
        self.assertEqual(second.owner, self.kit.claims()[self.volume_id][0])
        self.report_done(snapshot_id, "create")
        self.assert_ended(snapshot_id, "available")
        self.assertEqual(1, len(self.driver.called(CREATE_COMPLETE)))
