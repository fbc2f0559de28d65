# SPDX-License-Identifier: Apache-2.0
"""Restarts of the volume service: carrying on from the database alone."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "RST-001",
        MUST,
        "A create that the compute service is at work on is completed by a "
        "volume service that was restarted meanwhile.",
        "Snapshots were stuck in creating, and their guests on overlays "
        "that nothing recorded.",
        "section 4",
        ("bug 1310526",),
        requires=OVERLAYS,
    ),
    Rule(
        "RST-002",
        MUST,
        "A delete that the compute service is at work on is completed by a "
        "volume service that was restarted meanwhile.",
        "What had to be removed was known to a process that was gone: "
        "snapshots were stuck in deleting.",
        "section 4",
        ("bug 1586604",),
        requires=OVERLAYS,
    ),
    Rule(
        "RST-003",
        MUST,
        "Create complete, called again after a crash, finishes the job.",
        "It failed on the record that it had made itself, and left a "
        "snapshot in error that was taken.",
        "section 4",
        ("bug 1310526",),
        requires=OVERLAYS,
    ),
)
