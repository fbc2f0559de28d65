# SPDX-License-Identifier: Apache-2.0
"""Operations of drivers that have the hooks (contract section 4).

Each step ends in one transaction that compares and swaps the phase.  What a
step needs is read from the database, so that any manager process can carry
on from there; a job in memory holds only what dies with its process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from assisted_kit import lifecycle
from assisted_kit.db import snapshot_values
from assisted_kit.db.database import Database
from assisted_kit.db.references import NotFound
from assisted_kit.db.snapshot_values import Attempt
from assisted_kit.db.snapshot_values import Change
from assisted_kit.db.snapshot_values import InFlight
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Event
from assisted_kit.lifecycle import Phase
from assisted_kit.lifecycle import State
from assisted_kit.lifecycle import Status
from assisted_kit.manager import compute_calls
from assisted_kit.manager.chains import ChainQueue
from assisted_kit.manager.compute_calls import Answer
from assisted_kit.manager.compute_calls import ComputeApi
from assisted_kit.manager.connections import Connections
from assisted_kit.manager.connections import NoConnectionInfo
from assisted_kit.manager.database_errors import DATABASE_ERRORS
from assisted_kit.manager.database_errors import PASSING_ERRORS
from assisted_kit.manager.gates import Gates
from assisted_kit.manager.hooks import HookCaller
from assisted_kit.manager.hooks import HookFailed
from assisted_kit.manager.jobs import FollowUp
from assisted_kit.manager.jobs import Job
from assisted_kit.manager.jobs import JobRunner
from assisted_kit.notifier import Notifier
from assisted_kit.notifier import Settled
from assisted_kit.refs import SnapshotRef
from assisted_kit.reports import COMPUTE_STATUSES
from assisted_kit.reports import Meaning
from assisted_kit.timeouts import Timeouts
from assisted_kit.updates import ModelUpdate

LOG = logging.getLogger(__name__)


class AssistedOperations:
    """Begin, wait, complete: for any number of snapshots at once."""

    def __init__(
        self,
        driver: Any,
        database: Database,
        compute: ComputeApi,
        *,
        owner: str,
        queue: ChainQueue,
        gates: Gates,
        connections: Connections,
        notifier: Notifier,
        timeouts: Timeouts,
        submit: Callable[[Callable[[], None]], None],
        context: Any,
    ) -> None:
        self._hooks = HookCaller(driver)
        self._database = database
        self._compute = compute
        self._owner = owner
        self._queue = queue
        self._gates = gates
        self._connections = connections
        self._notifier = notifier
        self._timeouts = timeouts
        self._jobs = JobRunner(submit, database.clock, self._resume)
        self._context = context
        self._known: dict[str, Job] = {}

    def start(
        self, attempt: Attempt, operation: Operation, *, claimed: bool = False
    ) -> None:
        """Carry an operation on from the phase that is stored.

        :param claimed: this process holds the claim for it already, after
            a restart.
        """
        job = Job(attempt, operation)
        if claimed:
            # A hook may have been interrupted half-way: nobody attaches
            # the volume before it has run again.
            self._shut_gate(job)
        self._queue.enter(
            attempt.volume_id,
            lambda: self._jobs.resume(job),
            attempt.snapshot_id,
            claimed=claimed,
        )

    def reported(self, snapshot_id: str) -> None:
        """The status API stored a report; look what it was."""
        job = self._known.get(snapshot_id)
        if job is not None:
            self._jobs.wake(job)

    def give_up(self, snapshot_id: str) -> dict[str, dict[str, Any]]:
        """End the phase ``compute`` as the deadline does (section 4).

        :returns: the connection information to be stored by whoever takes
            the status out of ``creating`` or ``deleting``, since the phase
            is another one or another process's.
        """
        job = self._known.get(snapshot_id)
        if job is not None:
            self._jobs.run(job, self._give_up)
        for found in self._database.snapshots.in_flight(snapshot_id):
            if found.phase is not None:
                return self._connections.if_possible(found.attempt.volume_id)
        return {}

    def _give_up(self, job: Job) -> FollowUp:
        found = self._find(job)
        if found is not None and found.phase is Phase.COMPUTE:
            return self._fail(job, Event.DEADLINE)
        return None

    def _resume(self, job: Job) -> FollowUp:
        """Do what is next, by the phase that is stored."""
        # Known first, so that a report either wakes the job or is found.
        self._known[job.attempt.snapshot_id] = job
        found = self._find(job)
        # The loser runs no hook.
        if found is None:
            return self._drop(job)
        if found.phase is Phase.COMPUTE:
            self._open_gate(job)
        match found.phase:
            case Phase.BEGIN:
                return self._begin(job)
            case Phase.COMPUTE:
                return self._wait(job, found)
            case _:
                return self._complete(job)

    def _find(self, job: Job) -> InFlight | None:
        """The operation as stored; None when something replaced it.

        Whoever lost its claim has lost.
        """
        attempt = job.attempt
        status = job.state(Phase.BEGIN).status
        for found in self._database.snapshots.in_flight(attempt.snapshot_id):
            if (
                found.attempt == attempt
                and found.status == status
                and found.phase is not None
                and found.owner == self._owner
            ):
                return found
        return None

    # -- begin

    def _begin(self, job: Job) -> FollowUp:
        snapshot = self._shut_out_attachments(job)
        if snapshot is None:
            return self._gone(job, Event.BEGIN_FAILED)
        start = job.state(Phase.BEGIN)
        deadline = None
        try:
            update = self._hooks.call(Hook.begin(job.operation), snapshot)
            if update.has_request:
                event = Event.BEGUN_WITH_REQUEST
                deadline = self._database.clock.now() + self._timeouts.of(
                    job.operation
                )
                change = self._request(job, update, deadline)
            else:
                event, change = Event.BEGUN_WITHOUT_REQUEST, Change(update)
            end = lifecycle.after(start, event)
            moved = self._store_update(job, start, end, change)
        except HookFailed as error:
            if error.is_busy and job.operation is Operation.DELETE:
                return self._back_off(job, snapshot)
            return self._fail(job, Event.BEGIN_FAILED)
        if not moved:
            return self._drop(job)
        if deadline is None:
            return self._complete(job)
        self._open_gate(job)
        self._jobs.ring(job, deadline)
        # Outside the step: a report may come in before Nova's answer does.
        return lambda: self._ask(job)

    def _request(
        self, job: Job, update: ModelUpdate, deadline: float
    ) -> Change:
        return Change(
            update,
            admin_metadata={
                snapshot_values.SNAPSHOT_STATUS: None,
                snapshot_values.COMPUTE_PROGRESS: None,
                snapshot_values.DEADLINE: repr(deadline),
                # Until Nova answers, nobody knows what it has heard.
                snapshot_values.COMPUTE_CALL: Answer.UNKNOWN,
                snapshot_values.COMPUTE_TOLD_TO: job.operation,
                snapshot_values.COMPUTE_FAILED: None,
            },
        )

    def _back_off(self, job: Job, snapshot: SnapshotRef) -> FollowUp:
        """*Delete begin* raised SnapshotIsBusy (section 5)."""
        stored = snapshot.snapshot_admin_metadata
        was = stored.get(snapshot_values.PREVIOUS_STATUS, Status.AVAILABLE)
        status = lifecycle.status_after_busy(
            was,
            compute_was_told=stored.get(snapshot_values.COMPUTE_TOLD_TO)
            == Operation.DELETE,
        )
        change = Change(
            fields=lifecycle.progress_of(status),
            connection_info=self._connections.if_possible(
                job.attempt.volume_id
            ),
        )
        return self._settle(job, Phase.BEGIN, status, change)

    # -- compute

    def _ask(self, job: Job) -> None:
        try:
            found = self._find(job)
        except DATABASE_ERRORS:
            self._jobs.later(job, lambda: self._ask(job))
            return
        if found is None or found.phase is not Phase.COMPUTE:
            # A forced delete has ended the operation.
            return
        answer = compute_calls.ask(
            self._compute, self._context, job.operation, found
        )
        if answer is not Answer.UNKNOWN:
            self._store_answer(job, answer)

    def _store_answer(self, job: Job, answer: Answer) -> None:
        state = job.state(Phase.COMPUTE)
        change = Change(admin_metadata={snapshot_values.COMPUTE_CALL: answer})
        try:
            # A report may have moved the phase on, which says more than
            # the answer does.
            moved = self._move(job, state, state, change)
        except DATABASE_ERRORS:
            self._jobs.later(job, lambda: self._store_answer(job, answer))
            return
        if moved and answer is Answer.REFUSED:
            self._jobs.run(job, lambda job: self._fail(job, Event.REFUSED))

    def _wait(self, job: Job, found: InFlight) -> FollowUp:
        """Find out why we were woken, and act on it or wait on."""
        stored = found.admin_metadata
        status = stored.get(snapshot_values.SNAPSHOT_STATUS)
        deadline = stored[snapshot_values.DEADLINE]
        report = COMPUTE_STATUSES[found.status].get(status or "")
        if report is Meaning.ERROR:
            return self._fail(job, Event.REPORTED_ERROR)
        if stored.get(snapshot_values.COMPUTE_CALL) == Answer.REFUSED:
            return self._fail(job, Event.REFUSED)
        if float(deadline) <= self._database.clock.now():
            expect = {
                snapshot_values.DEADLINE: deadline,
                snapshot_values.SNAPSHOT_STATUS: status,
            }
            return self._fail(job, Event.DEADLINE, expect)
        self._jobs.ring(job, float(deadline))
        return None

    # -- complete

    def _complete(self, job: Job) -> FollowUp:
        snapshot = self._shut_out_attachments(job)
        if snapshot is None:
            return self._gone(job, Event.COMPLETE_FAILED)
        state = job.state(Phase.COMPLETE)
        try:
            update = self._hooks.call(Hook.complete(job.operation), snapshot)
            if not self._store_update(job, state, state, Change(update)):
                return self._drop(job)
            # The driver answers for the new state, which is stored now.
            connection_info = (
                self._connections.current(job.attempt.volume_id)
                if snapshot.volume.volume_attachment
                else {}
            )
        except (HookFailed, NoConnectionInfo, NotFound) as error:
            LOG.error(
                "snapshot %s: complete failed: %s",
                job.attempt.snapshot_id,
                error,
            )
            return self._fail(job, Event.COMPLETE_FAILED)
        change = Change(
            fields={"progress": lifecycle.FINAL_PROGRESS},
            connection_info=connection_info,
        )
        end = lifecycle.after(state, Event.COMPLETED)
        return self._settle(job, Phase.COMPLETE, end.status, change)

    # -- what every step shares

    def _shut_out_attachments(self, job: Job) -> SnapshotRef | None:
        """The snapshot, its gate shut while the volume is detached."""
        self._shut_gate(job)
        try:
            snapshot = self._database.references.snapshot(
                job.attempt.snapshot_id, context=self._context
            )
        except NotFound:
            return None
        if snapshot.volume.attach_status == "attached":
            self._open_gate(job)
        return snapshot

    def _shut_gate(self, job: Job) -> None:
        if job.gate is None:
            gate = self._gates.of(job.attempt.volume_id)
            gate.acquire()
            job.gate = gate

    def _open_gate(self, job: Job) -> None:
        gate, job.gate = job.gate, None
        if gate is not None:
            gate.release()

    def _move(
        self, job: Job, start: State, end: State, change: Change
    ) -> bool:
        return self._database.snapshots.move(
            job.attempt, self._owner, start, end, change
        )

    def _store_update(
        self, job: Job, start: State, end: State, change: Change
    ) -> bool:
        """Like :meth:`_move`, for what a hook returned.

        :raises HookFailed: the columns do not take it, and never will.
        """
        try:
            return self._move(job, start, end, change)
        except PASSING_ERRORS:
            raise
        except Exception as error:
            LOG.exception(
                "snapshot %s: what the hook returned cannot be stored",
                job.attempt.snapshot_id,
            )
            raise HookFailed(error) from error

    def _fail(
        self,
        job: Job,
        event: Event,
        expect: dict[str, str | None] | None = None,
    ) -> FollowUp:
        phase = _PHASE_OF_FAILURE[event]
        end = lifecycle.after(job.state(phase), event)
        change = Change(
            # Entering begin removes the report; whoever deletes a failed
            # create still has to know whether an error was reported.
            admin_metadata={snapshot_values.COMPUTE_FAILED: "reported"}
            if event is Event.REPORTED_ERROR
            else {},
            connection_info=self._connections.if_possible(
                job.attempt.volume_id
            ),
        )
        return self._settle(job, phase, end.status, change, expect)

    def _settle(
        self,
        job: Job,
        phase: Phase,
        status: str,
        change: Change,
        expect: dict[str, str | None] | None = None,
    ) -> FollowUp:
        """Leave ``creating`` or ``deleting`` and release the claim."""
        start = job.state(phase)
        settled = self._database.snapshots.move(
            job.attempt,
            self._owner,
            start,
            (status, None),
            change,
            release=True,
            expect=expect,
        )
        if settled:
            self._end(job)
            self._notifier.publish(
                Settled(job.attempt.snapshot_id, str(status))
            )
            self._queue.leave(job.attempt.volume_id)
            return None
        if self._find(job) is None:
            return self._drop(job)
        # A report came in between; it wins (section 4).
        return self._resume(job)

    def _gone(self, job: Job, event: Event) -> FollowUp:
        """There is no snapshot to work on, or no volume."""
        if self._find(job) is None:
            return self._drop(job)
        return self._fail(job, event)

    def _drop(self, job: Job) -> FollowUp:
        """Another attempt, process or status has taken our place."""
        status = self._database.snapshots.status(job.attempt.snapshot_id)
        LOG.info(
            "the operation on snapshot %s was replaced; it is %s",
            job.attempt.snapshot_id,
            status,
        )
        self._end(job)
        if status not in (Status.CREATING, Status.DELETING):
            self._notifier.publish(Settled(job.attempt.snapshot_id, status))
        self._queue.leave(job.attempt.volume_id, release=True)
        return None

    def _end(self, job: Job) -> None:
        if job.alarm is not None:
            job.alarm.cancel()
        self._open_gate(job)
        job.ended = True
        if self._known.get(job.attempt.snapshot_id) is job:
            del self._known[job.attempt.snapshot_id]


_PHASE_OF_FAILURE = {
    Event.BEGIN_FAILED: Phase.BEGIN,
    Event.REFUSED: Phase.COMPUTE,
    Event.REPORTED_ERROR: Phase.COMPUTE,
    Event.DEADLINE: Phase.COMPUTE,
    Event.COMPLETE_FAILED: Phase.COMPLETE,
}
