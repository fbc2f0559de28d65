# SPDX-License-Identifier: Apache-2.0
"""Programs that have failed a driver before, and are told first.

A search finds them sooner or later; what was found once is not left to
chance.  Steps that a driver has no use for are left out.
"""

from __future__ import annotations

from conformance.machine.program import Program
from conformance.machine.program import Step

_BEGIN = (
    Step("create_volume", {"volume": "V"}),
    Step("write", {"volume": "V"}),
)

_ATTACHED = (*_BEGIN, Step("attach", {"volume": "V"}))

_HELD = "holds the report back"

OPERATIONS: tuple[Program, ...] = (
    # An overlay as large as the volume once was.
    Program(
        "raw",
        "dual",
        (
            *_BEGIN,
            Step("take_snapshot", {"volume": "V", "snapshot": "s1"}),
            Step("extend", {"volume": "V"}),
            Step("take_snapshot", {"volume": "V", "snapshot": "s2"}),
            Step("write", {"volume": "V"}),
        ),
    ),
    # An overlay that is named like another one that there is.
    Program(
        "raw",
        "juno",
        (
            *_ATTACHED,
            Step("take_snapshot", {"volume": "V", "snapshot": "s1"}),
            Step("take_snapshot", {"volume": "V", "snapshot": "s2"}),
            Step("delete_snapshot", {"snapshot": "s1"}),
            Step("restart_service"),
            Step("take_snapshot", {"volume": "V", "snapshot": "s3"}),
            Step("write", {"volume": "V"}),
        ),
    ),
    # A copy of what was written over an image that is smaller.
    Program(
        "raw",
        "dual",
        (
            *_BEGIN,
            Step("take_snapshot", {"volume": "V", "snapshot": "s1"}),
            Step("extend", {"volume": "V"}),
            Step("write", {"volume": "V"}),
            Step("clone", {"volume": "V", "copy": "V2"}),
        ),
    ),
)
"""Of operations that all go well."""

FAILURES: tuple[Program, ...] = (
    # A second attempt at what has changed since the first.
    Program(
        "raw",
        "dual",
        (
            *_ATTACHED,
            Step("take_snapshot", {"volume": "V", "snapshot": "s1"}),
            Step("delete_snapshot", {"snapshot": "s1", "nova": "refuses"}),
            Step("take_snapshot", {"volume": "V", "snapshot": "s2"}),
            Step("write", {"volume": "V"}),
            Step("delete_snapshot", {"snapshot": "s1"}),
        ),
    ),
    # The plan of the first attempt, found after a crash in the second.
    Program(
        "raw",
        "dual",
        (
            *_ATTACHED,
            Step("take_snapshot", {"volume": "V", "snapshot": "s1"}),
            Step("delete_snapshot", {"snapshot": "s1", "nova": "refuses"}),
            Step("detach", {"volume": "V"}),
            Step("delete_snapshot", {"snapshot": "s1", "killed_at": 2}),
        ),
    ),
    # A pull of an image that no snapshot is recorded for, never reported.
    Program(
        "raw",
        "dual",
        (
            *_ATTACHED,
            Step(
                "take_snapshot",
                {"volume": "V", "snapshot": "s1", "nova": _HELD},
            ),
            Step("delete_snapshot", {"snapshot": "s1"}),
            Step("take_snapshot", {"volume": "V", "snapshot": "s2"}),
            Step("delete_snapshot", {"snapshot": "s2", "nova": _HELD}),
            Step("detach", {"volume": "V"}),
            Step("delete_snapshot", {"snapshot": "s2"}),
        ),
    ),
    # The same, and what that image is on is merged away meanwhile.
    Program(
        "raw",
        "dual",
        (
            *_ATTACHED,
            Step("take_snapshot", {"volume": "V", "snapshot": "s1"}),
            Step(
                "take_snapshot",
                {"volume": "V", "snapshot": "s2", "nova": "loses the report"},
            ),
            Step("deadline_passes"),
            Step("delete_snapshot", {"snapshot": "s2"}),
            Step("write", {"volume": "V"}),
            Step("take_snapshot", {"volume": "V", "snapshot": "s3"}),
            Step(
                "delete_snapshot",
                {
                    "snapshot": "s3",
                    "nova": "reports an error when all is done",
                },
            ),
            Step("delete_snapshot", {"snapshot": "s1"}),
            Step("delete_snapshot", {"snapshot": "s3"}),
        ),
    ),
    # The overlay of a refused create, when what it is on is merged away.
    Program(
        "raw",
        "new",
        (
            *_ATTACHED,
            Step(
                "take_snapshot",
                {"volume": "V", "snapshot": "s1", "nova": "refuses"},
            ),
            Step("take_snapshot", {"volume": "V", "snapshot": "s2"}),
            Step("delete_snapshot", {"snapshot": "s2"}),
            Step("delete_snapshot", {"snapshot": "s1"}),
        ),
    ),
)
"""Of what goes wrong."""
