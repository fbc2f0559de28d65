# SPDX-License-Identifier: Apache-2.0
"""Jobs: what this process knows of the operations it carries.

All of it may be lost, since the truth is in the database.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field

from assisted_kit import lifecycle
from assisted_kit.clock import Alarm
from assisted_kit.clock import Clock
from assisted_kit.db.snapshot_values import Attempt
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Phase
from assisted_kit.lifecycle import State
from assisted_kit.manager.database_errors import DATABASE_ERRORS
from assisted_kit.manager.database_errors import RETRY_AFTER

LOG = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Job:
    """One operation that this process carries."""

    attempt: Attempt
    operation: Operation
    lock: threading.Lock = field(default_factory=threading.Lock)
    busy: bool = False
    """A hook runs, or its result is being stored."""
    again: bool = False
    """Woken while busy: what we were woken for may have been missed."""
    ended: bool = False
    gate: threading.Lock | None = None
    alarm: Alarm | None = None

    def state(self, phase: Phase) -> State:
        """The state of the operation in ``phase``."""
        return lifecycle.in_flight(self.operation, phase)


FollowUp = Callable[[], None] | None
"""What is left to do when a step is over, while others may be taken."""

Step = Callable[[Job], FollowUp]


class JobRunner:
    """Takes the steps of jobs, of each one at a time.

    :param submit: runs a callable on some other thread.
    :param resume: the step that finds out what is next.
    """

    def __init__(
        self,
        submit: Callable[[Callable[[], None]], None],
        clock: Clock,
        resume: Step,
    ) -> None:
        self._submit = submit
        self._clock = clock
        self._resume = resume

    def run(self, job: Job, step: Step) -> None:
        """Take a step, unless another one is under way."""
        with job.lock:
            if job.ended:
                return
            if job.busy:
                job.again = True
                return
            job.busy = True
        follow_up: FollowUp = None
        try:
            follow_up = step(job)
        except DATABASE_ERRORS:
            _log_retry(job)
            self.ring(job, self._clock.now() + RETRY_AFTER)
        finally:
            with job.lock:
                job.busy = False
                again, job.again = job.again, False
            if again:
                self.wake(job)
        if follow_up is not None:
            follow_up()

    def resume(self, job: Job) -> None:
        """Find out what is next, and do it."""
        self.run(job, self._resume)

    def wake(self, job: Job) -> None:
        """Resume a job on some other thread."""
        self._submit(lambda: self.resume(job))

    def ring(self, job: Job, when: float) -> None:
        """Wake the job at a time, instead of an earlier such time."""
        if job.alarm is not None:
            job.alarm.cancel()
        job.alarm = self._clock.call_at(when, lambda: self.wake(job))

    def later(self, job: Job, call: Callable[[], None]) -> None:
        """Try what the database did not let through once more."""
        _log_retry(job)
        self._clock.call_at(
            self._clock.now() + RETRY_AFTER, lambda: self._submit(call)
        )


def _log_retry(job: Job) -> None:
    LOG.warning(
        "snapshot %s: the database failed; trying again",
        job.attempt.snapshot_id,
        exc_info=True,
    )
