# SPDX-License-Identifier: Apache-2.0
"""What goes wrong at Nova, in the words of a program."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from assisted_kit.driver import Operation
from fakes.compute import Fault


class End(enum.Enum):
    """How an operation stands once Nova has nothing more to do for it."""

    WELL = "as if nothing had gone wrong"
    REFUSED = "failed; Nova has never accepted it"
    FAILED = "failed; an error was reported, or complete has raised"
    IN_FLIGHT = "in flight, until a report comes or the deadline passes"


@dataclass(frozen=True, slots=True)
class Mishap:
    """One thing that goes wrong, and what that leads to (section 5)."""

    fault: Fault
    end: End
    is_done: bool
    """Whether the files are changed all the same."""


MISHAPS: Mapping[str, Mishap] = {
    "refuses": Mishap(Fault.REFUSE, End.REFUSED, False),
    "cannot be reached": Mishap(Fault.NO_CONNECTION, End.REFUSED, False),
    "gives no answer": Mishap(Fault.UNKNOWN_ANSWER, End.WELL, True),
    "reports twice": Mishap(Fault.REPORT_TWICE, End.WELL, True),
    "reports an error": Mishap(Fault.ERROR_REPORT, End.FAILED, False),
    "reports an error when all is done": Mishap(
        Fault.ERROR_AFTER_WORK, End.FAILED, True
    ),
    "reports what it has not done": Mishap(
        Fault.DONE_WITHOUT_WORK, End.FAILED, False
    ),
    "loses the report": Mishap(Fault.NEVER_REPORT, End.IN_FLIGHT, True),
    "holds the report back": Mishap(Fault.REPORT_LATE, End.IN_FLIGHT, True),
    "dies before the work": Mishap(
        Fault.DIE_BEFORE_WORK, End.IN_FLIGHT, False
    ),
    "dies after the work": Mishap(Fault.DIE_AFTER_WORK, End.IN_FLIGHT, True),
}
"""By what Nova does."""


def possible(operation: Operation) -> list[str]:
    """What may go wrong with an operation.

    That a create was done cannot be checked on disk (section 5): what is
    reported and was not done costs data with every driver.
    """
    return [
        words
        for words, mishap in MISHAPS.items()
        if operation is Operation.DELETE
        or mishap.fault is not Fault.DONE_WITHOUT_WORK
    ]
