# SPDX-License-Identifier: Apache-2.0
"""The state machine against the tables of contract sections 4 and 5."""

from __future__ import annotations

import itertools

import ddt
import testtools

from assisted_kit import lifecycle
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Event
from assisted_kit.lifecycle import Phase
from assisted_kit.lifecycle import State
from assisted_kit.lifecycle import Status
from assisted_kit.lifecycle import TransitionError

# Written down from the contract; no helper of the machine's is used.
CREATE = (
    ("request stored", "creating/begin", "BEGUN_WITH_REQUEST", "compute"),
    ("no request", "creating/begin", "BEGUN_WITHOUT_REQUEST", "complete"),
    ("begin raised", "creating/begin", "BEGIN_FAILED", "error"),
    ("done", "creating/compute", "REPORTED_DONE", "complete"),
    ("error report", "creating/compute", "REPORTED_ERROR", "error"),
    ("refused", "creating/compute", "REFUSED", "error"),
    ("deadline", "creating/compute", "DEADLINE", "error"),
    ("completed", "creating/complete", "COMPLETED", "available"),
    ("complete raised", "creating/complete", "COMPLETE_FAILED", "error"),
)
DELETE = (
    ("request stored", "deleting/begin", "BEGUN_WITH_REQUEST", "compute"),
    ("no request", "deleting/begin", "BEGUN_WITHOUT_REQUEST", "complete"),
    ("begin raised", "deleting/begin", "BEGIN_FAILED", "error_deleting"),
    ("busy", "deleting/begin", "BUSY", "available"),
    ("done", "deleting/compute", "REPORTED_DONE", "complete"),
    ("error report", "deleting/compute", "REPORTED_ERROR", "error_deleting"),
    ("refused", "deleting/compute", "REFUSED", "error_deleting"),
    ("deadline", "deleting/compute", "DEADLINE", "error_deleting"),
    ("completed", "deleting/complete", "COMPLETED", "deleted"),
    (
        "complete raised",
        "deleting/complete",
        "COMPLETE_FAILED",
        "error_deleting",
    ),
)
STARTS = (
    ("available", "available", "DELETE"),
    ("error", "error", "DELETE"),
    *(
        (f"force {state}", state, "FORCE_DELETE")
        for state in (
            "available",
            "error",
            "error_deleting",
            "creating/begin",
            "creating/compute",
            "creating/complete",
            "deleting/begin",
            "deleting/compute",
            "deleting/complete",
        )
    ),
)


def state(text: str) -> State:
    status, _, phase = text.partition("/")
    return State(Status(status), Phase(phase) if phase else None)


POSSIBLE = {
    (state(start), Event[event])
    for _, start, event, *_ in (*CREATE, *DELETE, *STARTS)
}
IMPOSSIBLE = [
    (f"{start} {event.name}", start, event)
    for start, event in itertools.product(
        sorted({s for s, _ in POSSIBLE} | {state("deleted")}, key=str), Event
    )
    if (start, event) not in POSSIBLE
]


@ddt.ddt
class TransitionTest(testtools.TestCase):
    @ddt.named_data(*CREATE)
    def test_create(self, start: str, event: str, end: str) -> None:
        if end in list(Phase):
            end = f"creating/{end}"
        self.assertEqual(
            state(end), lifecycle.after(state(start), Event[event])
        )

    @ddt.named_data(*DELETE)
    def test_delete(self, start: str, event: str, end: str) -> None:
        if end in list(Phase):
            end = f"deleting/{end}"
        self.assertEqual(
            state(end), lifecycle.after(state(start), Event[event])
        )

    @ddt.named_data(*STARTS)
    def test_delete_starts_from(self, start: str, event: str) -> None:
        self.assertEqual(
            state("deleting/begin"),
            lifecycle.after(state(start), Event[event]),
        )

    @ddt.named_data(*IMPOSSIBLE)
    def test_impossible(self, start: State, event: Event) -> None:
        error = self.assertRaises(
            TransitionError, lifecycle.after, start, event
        )
        self.assertEqual(
            f"{event} cannot happen to a snapshot that is {start}", str(error)
        )

    def test_a_plain_delete_is_for_available_and_error_only(self) -> None:
        self.assertEqual(
            {state("available"), state("error")},
            {start for start, event in POSSIBLE if event is Event.DELETE},
        )

    def test_the_machine_has_no_transition_beside_these(self) -> None:
        self.assertEqual(
            POSSIBLE,
            {(start, event) for start, event, _ in lifecycle.TRANSITIONS},
        )
        self.assertEqual(len(POSSIBLE), len(lifecycle.TRANSITIONS))

    def test_one_event_leaves_the_machine_as_it_was(self) -> None:
        for _ in range(2):
            lifecycle.after(state("available"), Event.DELETE)


@ddt.ddt
class StatusTest(testtools.TestCase):
    @ddt.named_data(
        ("first try of an available one", "available", False, "available"),
        ("available and told", "available", True, "error_deleting"),
        ("error", "error", False, "error"),
        ("error and told", "error", True, "error"),
        ("again after a failure", "error_deleting", True, "error_deleting"),
    )
    def test_after_busy(self, was: str, told: bool, expected: str) -> None:
        self.assertEqual(
            expected, lifecycle.status_after_busy(was, compute_was_told=told)
        )

    @ddt.named_data(
        ("available", "available", "available"),
        ("error", "error", "error"),
        ("error_deleting", "error_deleting", "error_deleting"),
        ("a create in flight", "creating", "error"),
        ("a delete in flight", "deleting", "error_deleting"),
        ("one of Cinder's others", "backing-up", "backing-up"),
    )
    def test_before_delete(self, stored: str, expected: str) -> None:
        self.assertEqual(expected, lifecycle.status_before_delete(stored))

    def test_failed(self) -> None:
        self.assertEqual("error", lifecycle.failed(Operation.CREATE))
        self.assertEqual("error_deleting", lifecycle.failed(Operation.DELETE))
