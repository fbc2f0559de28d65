# SPDX-License-Identifier: Apache-2.0
"""How an operation ends to which something has happened.

From contract sections 5 and 7, and from nothing that a driver does.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from assisted_kit.driver import Operation
from conformance.faults.matrix import Combination
from conformance.faults.matrix import Position
from conformance.faults.matrix import REFUSED
from conformance.faults.matrix import Wrong


class End(enum.Enum):
    """How an operation ends, by the table of section 5."""

    DONE = "it ends well"
    REFUSED = "it fails, and everything is as before"
    """Nova refuses; the overlay stays until the snapshot is deleted."""
    FAILED = "it fails, no hook is called, and nothing is removed"
    """An error was reported, or the deadline has passed."""
    NOT_BELIEVED = "complete raises, and files stay"
    """Done was reported of a delete, and the chain shows that it is not."""
    AS_HOOKS_SAY = "it fails if a hook raises, and ends well if none does"
    """A driver may get by without what has failed."""


ENDS: Mapping[Wrong, End] = {
    Wrong.REPORT_LOST: End.FAILED,
    Wrong.REPORT_LATE: End.FAILED,
    Wrong.REPORT_TWICE: End.DONE,
    Wrong.REPORT_OUT_OF_ORDER: End.DONE,
    Wrong.ERROR_AT_90: End.FAILED,
    Wrong.FIELDS_DISAGREE: End.FAILED,
    Wrong.REPORT_FORGED: End.FAILED,
    **dict.fromkeys(REFUSED, End.REFUSED),
    # Nova may have accepted, and has: the report decides.
    Wrong.ANSWERED_500: End.DONE,
    Wrong.CONNECTION_RESET: End.DONE,
    Wrong.INSTANCE_GONE: End.REFUSED,
    Wrong.INSTANCE_LOST: End.FAILED,
    Wrong.INSTANCE_RESTARTED: End.DONE,
    Wrong.SHARE_FULL: End.AS_HOOKS_SAY,
    Wrong.SHARE_READ_ONLY: End.AS_HOOKS_SAY,
    Wrong.COMMAND_FAILS: End.AS_HOOKS_SAY,
    Wrong.COMMAND_FAILS_LATE: End.AS_HOOKS_SAY,
    Wrong.COMMAND_KILLED: End.AS_HOOKS_SAY,
    Wrong.COMMAND_HANGS: End.AS_HOOKS_SAY,
}
"""Where it is the same for every operation at every position."""

ENDS_OF: Mapping[Wrong, Mapping[Position, End]] = {
    Wrong.DONE_WITHOUT_WORK: {
        # A create's report cannot be checked on disk.
        Position.TOP: End.DONE,
        Position.OLDEST: End.NOT_BELIEVED,
        Position.MIDDLE: End.NOT_BELIEVED,
        Position.NEWEST: End.NOT_BELIEVED,
        Position.ONLY: End.NOT_BELIEVED,
    },
    Wrong.GUEST_STOPPED: {
        Position.TOP: End.DONE,
        # Nova commits nothing for an instance that is shut off.
        Position.OLDEST: End.REFUSED,
        Position.MIDDLE: End.REFUSED,
        Position.NEWEST: End.DONE,
        Position.ONLY: End.DONE,
    },
}
"""Where it is not."""

DONE = {Operation.CREATE: "available", Operation.DELETE: "deleted"}
FAILED = {Operation.CREATE: "error", Operation.DELETE: "error_deleting"}


def end_of(row: Combination) -> End:
    """How the operation of a row ends."""
    if row.wrong in ENDS_OF:
        return ENDS_OF[row.wrong][row.position]
    return ENDS[row.wrong]


def may_write(row: Combination) -> bool:
    """Whether a guest may write before it is restarted.

    One that was never switched to the overlay, of which Nova says that it
    was, writes into the data of the snapshot; no driver can help that.
    """
    return not (
        row.wrong is Wrong.DONE_WITHOUT_WORK
        and row.operation is Operation.CREATE
    )
