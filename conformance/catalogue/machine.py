# SPDX-License-Identifier: Apache-2.0
"""Operations in any order, chosen by a state machine."""

from __future__ import annotations

from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST

RULES = (
    Rule(
        "MCH-001",
        MUST,
        "Whatever is done to volumes and snapshots, in any order, no byte is "
        "lost and no image left behind, after every single step.",
        "What two operations leave behind only a third one trips over: "
        "overlays that were based on the wrong file, or records that nobody "
        "had brought up to date, were found by those who lost data.",
        "sections 3 and 5",
        ("bug 1499452",),
    ),
    Rule(
        "MCH-002",
        MUST,
        "Whatever fails at the compute service, or is killed at the volume "
        "service, in any order, no byte is lost, what is in doubt is "
        "refused, and every failed snapshot can be deleted.",
        "Each failure alone is survived; the one that follows it, before "
        "anybody has cleaned up, costs the data.",
        "section 5",
        ("bug 1310526", "bug 1311182"),
    ),
)
