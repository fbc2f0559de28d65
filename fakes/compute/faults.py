# SPDX-License-Identifier: Apache-2.0
"""What goes wrong at Nova, and when."""

from __future__ import annotations

import enum
import threading
from dataclasses import dataclass

from assisted_kit.driver import Operation
from assisted_kit.manager.compute_calls import REFUSALS


class Fault(enum.Enum):
    """One thing that goes wrong with one create or delete."""

    REFUSE = "refuse"
    """The call is answered 400, 401, 403, 404 or 409; nothing is done."""
    NO_CONNECTION = "no connection"
    """No connection can be opened, so Nova never hears of it."""
    UNKNOWN_ANSWER = "unknown answer"
    """The work is done, but the call ends in a 5xx or a reset connection."""
    NO_ANSWER = "no answer"
    """The work is done, but the call ends in a 5xx or a reset connection, and
    the report of its end is lost on its way."""
    ERROR_REPORT = "error report"
    """The work is not done, and an error is reported."""
    ERROR_BY_ONE_FIELD = "error by one field"
    """The work is not done; one field reports the error, all others that
    it goes on or has ended well."""
    ERROR_AFTER_WORK = "error after work"
    """The work is done, and an error is reported all the same."""
    NEVER_REPORT = "never report"
    """The work is done, but the report is lost on its way."""
    REPORT_TWICE = "report twice"
    """The work is done, and its end is reported twice."""
    REPORT_OUT_OF_ORDER = "report out of order"
    """The work is done, and its beginning is reported after its end."""
    REPORT_LATE = "report late"
    """The work is done, and its end is reported at ``nova.release()``."""
    REPORT_BY_HAND = "report by hand"
    """The work is done, and what is reported is said to ``nova.report()``."""
    DONE_WITHOUT_WORK = "done without work"
    """The work is not done, and its end is reported."""
    REPORT_FORGED = "report forged"
    """The work is not done, and a member of the project, not Nova, reports
    that it is."""
    DIE_BEFORE_WORK = "die before work"
    """The compute service dies with the call accepted and nothing done."""
    DIE_WHEN_BEGUN = "die when begun"
    """The compute service dies when it has reported the beginning of what it
    has not begun yet."""
    DIE_AFTER_WORK = "die after work"
    """The compute service dies between work and report; the guest lives."""
    DIE_AFTER_REPORT = "die after report"
    """The compute service dies before it has read the connection information
    again; the end is reported, and the guest lives."""


DEATHS = (
    Fault.DIE_BEFORE_WORK,
    Fault.DIE_WHEN_BEGUN,
    Fault.DIE_AFTER_WORK,
    Fault.DIE_AFTER_REPORT,
)
"""Every point at which the compute service can die, in their order.

The work itself is QEMU's, which lives on and ends it.
"""


UNHEARD = frozenset({Fault.UNKNOWN_ANSWER, Fault.NO_ANSWER})
"""The work is done, and the caller gets no answer that says so."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault that is due; ``code`` is the HTTP status of its answer."""

    fault: Fault
    code: int | None = None

    def __str__(self) -> str:
        code = "" if self.code is None else f" {self.code}"
        return f"{self.fault.value}{code}"


class FaultPlan:
    """Faults by operation, each for one call, in the order of planning.

    A call that nothing is planned for goes well.
    """

    def __init__(self) -> None:
        self._planned: list[tuple[Operation, Planned]] = []
        self._lock = threading.Lock()

    def on(
        self, operation: Operation, fault: Fault, *, code: int | None = None
    ) -> FaultPlan:
        """Plan ``fault`` for the next such call without one.

        :param code: the HTTP status that REFUSE answers with, 400 unless
            given, or one of UNHEARD (500 to 599); without it the connection
            is reset.
        :returns: the plan, to be continued.
        :raises ValueError: ``code`` is not one that the fault can have.
        """
        if fault is Fault.REFUSE and code is None:
            code = 400
        admitted: frozenset[int | None] = frozenset({None})
        if fault is Fault.REFUSE:
            admitted = REFUSALS
        elif fault in UNHEARD:
            admitted = frozenset({None, *range(500, 600)})
        if code not in admitted:
            raise ValueError(f"{code} is no answer of {fault}")
        with self._lock:
            self._planned.append((operation, Planned(fault, code)))
        return self

    def take(self, operation: Operation) -> Planned | None:
        """The fault of the call that has just come in, if any."""
        with self._lock:
            for index, (planned_for, planned) in enumerate(self._planned):
                if planned_for is operation:
                    del self._planned[index]
                    return planned
        return None

    def forget(self) -> None:
        """Plan nothing any more."""
        with self._lock:
            self._planned.clear()

    @property
    def left(self) -> tuple[tuple[Operation, Planned], ...]:
        """What no call has come for yet."""
        with self._lock:
            return tuple(self._planned)
