# SPDX-License-Identifier: Apache-2.0
"""Data integrity: every byte, after every operation."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST

RULES = (
    Rule(
        "DAT-001",
        MUST,
        "Taking a snapshot changes no byte of the volume or of any "
        "snapshot, at any depth.",
        "What a guest wrote and was told is durable must stay readable.",
        "section 5",
        ("bug 1251425",),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DAT-002",
        MUST,
        "Deleting a snapshot of a detached volume, at any position, "
        "changes no byte of the volume or of any other snapshot.",
        "Deleting the first snapshot silently changed what the second one "
        "held.",
        "section 5",
        ("bug 1468445", "bug 1646181"),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DAT-003",
        MUST,
        "Deleting a snapshot of an attached volume, at any position, "
        "changes no byte of the volume or of any other snapshot.",
        "What was merged, removed or recorded wrongly shows when the guest "
        "is restarted, or the snapshot is used.",
        "section 5",
        (
            "bug 1262880",
            "bug 1438027",
            "bug 1615667",
            "bug 1731992",
        ),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DAT-004",
        MUST,
        "Snapshots taken, deleted and taken again, while the guest comes "
        "and goes, keep every byte.",
        "Recorded formats and files that are right after one operation "
        "lead the next one astray.",
        "section 5",
        ("bug 1860913", "commit 8c03308ed"),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DAT-005",
        MUST,
        "A volume created from a snapshot holds what was there when the "
        "snapshot was taken, at any depth.",
        "The copy held what the guest wrote later, or failed from the "
        "second snapshot on.",
        "section 5",
        ("bug 1222907", "bug 2074377"),
        (Capability.create_from_snapshot,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DAT-006",
        MUST,
        "In whatever order snapshots are deleted, the volume and every "
        "snapshot that is left keep every byte.",
        "What was recorded of the chain when a snapshot was taken is wrong "
        "after its neighbour was deleted.",
        "section 5",
        ("bug 1694635", "bug 1468445"),
        profiles=EVERY_DRIVER,
    ),
)
