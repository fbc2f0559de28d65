# SPDX-License-Identifier: Apache-2.0
"""The snapshot state machine: statuses, phases and what moves them.

Contract sections 4 and 5, as a table that can be read against the text.
A state is the pair of status and phase; a snapshot that is not in flight
has no phase.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from automaton import exceptions as automaton_errors
from automaton import machines

from assisted_kit.driver import Operation
from assisted_kit.errors import AssistedKitError


class Status(enum.StrEnum):
    """The statuses of Cinder's that this contract moves between."""

    CREATING = "creating"
    AVAILABLE = "available"
    ERROR = "error"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR_DELETING = "error_deleting"


class Phase(enum.StrEnum):
    """Where a snapshot in flight is (section 4)."""

    BEGIN = "begin"
    COMPUTE = "compute"
    COMPLETE = "complete"


class Event(enum.StrEnum):
    """What can happen to a snapshot."""

    DELETE = "a delete was accepted"
    FORCE_DELETE = "a forced delete was accepted"
    BEGUN_WITH_REQUEST = "begin returned a compute request"
    BEGUN_WITHOUT_REQUEST = "begin returned no compute request"
    BEGIN_FAILED = "begin raised or returned an invalid update"
    BUSY = "delete begin raised SnapshotIsBusy"
    REFUSED = "the compute service refused the call"
    REPORTED_DONE = "the compute service reported that it is done"
    REPORTED_ERROR = "the compute service reported an error"
    DEADLINE = "the deadline passed without a report"
    COMPLETED = "complete returned"
    COMPLETE_FAILED = "complete raised or returned an invalid update"


class State(NamedTuple):
    """A status and, in flight, a phase."""

    status: Status
    phase: Phase | None = None

    def __str__(self) -> str:
        if self.phase is None:
            return str(self.status)
        return f"{self.status}/{self.phase}"


class TransitionError(AssistedKitError):
    """An event that cannot happen in the state that a snapshot is in."""


CREATING_BEGIN = State(Status.CREATING, Phase.BEGIN)
CREATING_COMPUTE = State(Status.CREATING, Phase.COMPUTE)
CREATING_COMPLETE = State(Status.CREATING, Phase.COMPLETE)
AVAILABLE = State(Status.AVAILABLE)
ERROR = State(Status.ERROR)
DELETING_BEGIN = State(Status.DELETING, Phase.BEGIN)
DELETING_COMPUTE = State(Status.DELETING, Phase.COMPUTE)
DELETING_COMPLETE = State(Status.DELETING, Phase.COMPLETE)
DELETED = State(Status.DELETED)
ERROR_DELETING = State(Status.ERROR_DELETING)

TRANSITIONS: tuple[tuple[State, Event, State], ...] = (
    (CREATING_BEGIN, Event.BEGUN_WITH_REQUEST, CREATING_COMPUTE),
    (CREATING_BEGIN, Event.BEGUN_WITHOUT_REQUEST, CREATING_COMPLETE),
    (CREATING_BEGIN, Event.BEGIN_FAILED, ERROR),
    (CREATING_COMPUTE, Event.REPORTED_DONE, CREATING_COMPLETE),
    (CREATING_COMPUTE, Event.REPORTED_ERROR, ERROR),
    (CREATING_COMPUTE, Event.REFUSED, ERROR),
    (CREATING_COMPUTE, Event.DEADLINE, ERROR),
    (CREATING_COMPLETE, Event.COMPLETED, AVAILABLE),
    (CREATING_COMPLETE, Event.COMPLETE_FAILED, ERROR),
    (AVAILABLE, Event.DELETE, DELETING_BEGIN),
    (ERROR, Event.DELETE, DELETING_BEGIN),
    (AVAILABLE, Event.FORCE_DELETE, DELETING_BEGIN),
    (ERROR, Event.FORCE_DELETE, DELETING_BEGIN),
    (ERROR_DELETING, Event.FORCE_DELETE, DELETING_BEGIN),
    # Force ends the phase of a snapshot in flight as the deadline does;
    # see status_before_delete for what the snapshot then was.
    (CREATING_BEGIN, Event.FORCE_DELETE, DELETING_BEGIN),
    (CREATING_COMPUTE, Event.FORCE_DELETE, DELETING_BEGIN),
    (CREATING_COMPLETE, Event.FORCE_DELETE, DELETING_BEGIN),
    (DELETING_BEGIN, Event.FORCE_DELETE, DELETING_BEGIN),
    (DELETING_COMPUTE, Event.FORCE_DELETE, DELETING_BEGIN),
    (DELETING_COMPLETE, Event.FORCE_DELETE, DELETING_BEGIN),
    (DELETING_BEGIN, Event.BEGUN_WITH_REQUEST, DELETING_COMPUTE),
    (DELETING_BEGIN, Event.BEGUN_WITHOUT_REQUEST, DELETING_COMPLETE),
    (DELETING_BEGIN, Event.BEGIN_FAILED, ERROR_DELETING),
    # Busy goes back to what the snapshot was; AVAILABLE stands for that
    # when Nova has never been told (section 5), see status_after_busy.
    (DELETING_BEGIN, Event.BUSY, AVAILABLE),
    (DELETING_COMPUTE, Event.REPORTED_DONE, DELETING_COMPLETE),
    (DELETING_COMPUTE, Event.REPORTED_ERROR, ERROR_DELETING),
    (DELETING_COMPUTE, Event.REFUSED, ERROR_DELETING),
    (DELETING_COMPUTE, Event.DEADLINE, ERROR_DELETING),
    (DELETING_COMPLETE, Event.COMPLETED, DELETED),
    (DELETING_COMPLETE, Event.COMPLETE_FAILED, ERROR_DELETING),
)
"""(state, event, state): everything that can happen, and nothing else."""

STARTING_PROGRESS = "0%"
"""Every create and delete starts here, so no stale '90%' counts."""

FINAL_PROGRESS = "100%"
"""The progress of an available snapshot."""


def _machine() -> machines.FiniteMachine:
    machine = machines.FiniteMachine()
    states = {start for start, _, _ in TRANSITIONS}
    states.update(end for _, _, end in TRANSITIONS)
    for state in sorted(states, key=str):
        machine.add_state(str(state), terminal=state == DELETED)
    for start, event, end in TRANSITIONS:
        machine.add_transition(str(start), str(end), event)
    machine.freeze()
    return machine


_MACHINE = _machine()
_STATES = {
    str(state): state
    for start, _, end in TRANSITIONS
    for state in (start, end)
}


def after(state: State, event: Event) -> State:
    """The state that ``event`` leads to.

    :raises TransitionError: the event cannot happen in ``state``.
    """
    machine = _MACHINE.copy(shallow=True)
    try:
        machine.initialize(str(state))
        machine.process_event(event)
    except automaton_errors.AutomatonException as error:
        raise TransitionError(
            f"{event!s} cannot happen to a snapshot that is {state}"
        ) from error
    return _STATES[str(machine.current_state)]


def in_flight(operation: Operation, phase: Phase) -> State:
    """The state of an ``operation`` that is in ``phase``."""
    if operation is Operation.CREATE:
        return State(Status.CREATING, phase)
    return State(Status.DELETING, phase)


def failed(operation: Operation) -> Status:
    """The status that a failing ``operation`` ends in."""
    if operation is Operation.CREATE:
        return Status.ERROR
    return Status.ERROR_DELETING


def progress_of(status: str) -> dict[str, str]:
    """The column ``progress`` of a snapshot that settles in ``status``."""
    return {"progress": FINAL_PROGRESS} if status == Status.AVAILABLE else {}


def status_before_delete(status: str) -> str:
    """What a snapshot was when a delete was accepted.

    A snapshot in flight, whose phase force ended, had failed.
    """
    if status == Status.CREATING:
        return failed(Operation.CREATE)
    if status == Status.DELETING:
        return failed(Operation.DELETE)
    return status


def status_after_busy(was: str, *, compute_was_told: bool) -> str:
    """The status after SnapshotIsBusy from *delete begin* (section 5).

    :param was: the status before the delete was accepted.
    :param compute_was_told: whether Nova was ever asked to delete it.
    """
    if was == Status.AVAILABLE and compute_was_told:
        return Status.ERROR_DELETING
    return was
