# SPDX-License-Identifier: Apache-2.0
"""The interface: what the manager finds when it looks at a driver."""

from __future__ import annotations

from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST

RULES = (
    Rule(
        "SIG-001",
        MUST,
        "The four hooks exist, and each can be called with exactly one "
        "positional argument.",
        "Overrides whose signature drifted failed with TypeError in one "
        "driver only, at the first snapshot in production.",
        "section 1",
        ("bug 2042102", "bug 1437290"),
    ),
    Rule(
        "SIG-002",
        MUST,
        "supports_assisted_snapshots is a bool, and true.",
        "The manager decides by it whether it calls the hooks at all; a "
        "method or a string there is always true.",
        "section 1",
    ),
    Rule(
        "SIG-003",
        MUST,
        "create_volume, delete_volume, initialize_connection and "
        "terminate_connection take the arguments that Cinder passes.",
        "A driver that drifted from the interface fails with TypeError "
        "where no test of its own has been: at a detach, say, which Cinder "
        "calls with force=.",
        "section 1",
        ("bug 2042102",),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SIG-004",
        MUST,
        "The method of each capability that is declared takes the "
        "arguments that Cinder passes.",
        "Creating a volume from a snapshot failed with TypeError in every "
        "release of a driver whose override had lost an argument.",
        "section 1",
        ("bug 2042102",),
        profiles=EVERY_DRIVER,
    ),
)
