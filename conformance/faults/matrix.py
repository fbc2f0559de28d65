# SPDX-License-Identifier: Apache-2.0
"""The columns of the fault matrix, and which of their values meet."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Callable
from collections.abc import Mapping
from typing import NamedTuple

from assisted_kit.driver import Operation
from conformance.rows import BASES
from fakes.compute import Generation


class Position(enum.StrEnum):
    """Where in the chain an operation is at work."""

    TOP = "top"
    """Of a create, always."""
    OLDEST = "oldest"
    MIDDLE = "middle"
    NEWEST = "newest"
    ONLY = "only"


class Attachment(enum.StrEnum):
    """Whether a guest has the volume."""

    ATTACHED = "attached"
    DETACHED = "detached"
    DETACHED_SINCE = "detached since"
    """Attached during the operation, and not when that is cleaned up."""


class Wrong(enum.StrEnum):
    """What goes wrong."""

    REPORT_LOST = "report lost"
    REPORT_LATE = "report late"
    """It comes after the deadline."""
    REPORT_TWICE = "report twice"
    REPORT_OUT_OF_ORDER = "report out of order"
    ERROR_AT_90 = "error with 90%"
    """The work is done, and an error is reported with a progress of 90%."""
    FIELDS_DISAGREE = "fields disagree"
    """The work is not done; one field says so, the others that it is."""
    REPORT_FORGED = "report forged"
    """The work is not done, and a project member reports that it is."""
    DONE_WITHOUT_WORK = "done without work"
    REFUSED_400 = "refused 400"
    REFUSED_403 = "refused 403"
    REFUSED_404 = "refused 404"
    REFUSED_409 = "refused 409"
    ANSWERED_500 = "answered 500"
    CONNECTION_RESET = "connection reset"
    """The work is done."""
    GUEST_STOPPED = "guest stopped"
    INSTANCE_GONE = "instance gone"
    """It was destroyed, and its volume not yet detached."""
    INSTANCE_LOST = "instance lost"
    """It is destroyed between the work and its report."""
    INSTANCE_RESTARTED = "instance restarted"
    """It is, between the work and its report, and opens what Cinder says."""
    SHARE_FULL = "share full"
    SHARE_READ_ONLY = "share read-only"
    COMMAND_FAILS = "qemu-img fails"
    """It has done nothing."""
    COMMAND_FAILS_LATE = "qemu-img fails late"
    """It has done its work."""
    COMMAND_KILLED = "qemu-img killed"
    """Half-way through: nobody knows what it has done."""
    COMMAND_HANGS = "qemu-img hangs"
    """It does nothing, until an administrator ends it."""


REFUSED: Mapping[Wrong, int] = {
    Wrong.REFUSED_400: 400,
    Wrong.REFUSED_403: 403,
    Wrong.REFUSED_404: 404,
    Wrong.REFUSED_409: 409,
}
"""Calls that are refused, with the HTTP status."""

SHARE = frozenset({Wrong.SHARE_FULL, Wrong.SHARE_READ_ONLY})

COMMANDS = frozenset(
    {
        Wrong.COMMAND_FAILS,
        Wrong.COMMAND_FAILS_LATE,
        Wrong.COMMAND_KILLED,
        Wrong.COMMAND_HANGS,
    }
)

GONE = frozenset({Wrong.INSTANCE_GONE, Wrong.INSTANCE_LOST})

WRITES = 5
"""Writes of one operation before which the share fails, at most."""

CALLS = 2
"""Commands of one operation that fail, at most."""


class Combination(NamedTuple):
    """A row of the matrix."""

    operation: Operation
    position: Position
    base: str
    generation: Generation
    attachment: Attachment
    wrong: Wrong
    at: int
    """Which write or command of the driver's goes wrong, from 1; else 0."""

    def __str__(self) -> str:
        words = [word for word in self[1:-1] if word != Position.TOP]
        number = [str(self.at)] if self.at else []
        return " ".join([self.operation, *map(str, words), *number])


IMPOSSIBLE: Mapping[str, Callable[[Combination], bool]] = {
    "a create goes on top of the chain, and nothing else does": lambda row: (
        (row.operation is Operation.CREATE) != (row.position is Position.TOP)
    ),
    "nothing is asked of Nova while the volume is detached": lambda row: (
        row.attachment is Attachment.DETACHED
        and row.wrong not in SHARE | COMMANDS
    ),
    "no Nova, or one that was not asked, reports nothing": lambda row: (
        (
            row.attachment is Attachment.DETACHED
            or row.wrong in REFUSED
            or row.wrong is Wrong.INSTANCE_GONE
        )
        and row.generation is not Generation.DUAL
    ),
    "a Juno has one field, and reports once": lambda row: (
        row.generation is Generation.JUNO
        and row.wrong in (Wrong.FIELDS_DISAGREE, Wrong.REPORT_OUT_OF_ORDER)
    ),
    "the newest generation has no 90%": lambda row: (
        row.generation is Generation.NEW and row.wrong is Wrong.ERROR_AT_90
    ),
    "a volume is detached from an instance that is gone": lambda row: (
        row.wrong in GONE and row.attachment is not Attachment.DETACHED_SINCE
    ),
    "the share fails at a write, and at nothing else": lambda row: (
        row.wrong in SHARE and row.at == 0
    ),
    "a command fails at its turn": lambda row: (
        row.wrong in COMMANDS and not 1 <= row.at <= CALLS
    ),
    "what Nova does wrong is at no write of the driver's": lambda row: (
        row.wrong not in SHARE | COMMANDS and row.at != 0
    ),
}
"""Why values of different columns never meet, and which those are."""


def combinations() -> list[Combination]:
    """All that can happen, in a fixed order."""
    rows = itertools.starmap(
        Combination,
        itertools.product(
            Operation,
            Position,
            BASES,
            Generation,
            Attachment,
            Wrong,
            range(WRITES + 1),
        ),
    )
    return [row for row in rows if is_possible(row)]


def is_possible(row: Combination) -> bool:
    """Whether it can happen."""
    return not any(never(row) for never in IMPOSSIBLE.values())
