# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: whatever goes wrong, wherever it goes wrong."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "FLT-001",
        MUST,
        "Whatever goes wrong with a create or delete, it ends as the table "
        "of failures says: in the right status, and with what must be as "
        "before as it was.",
        "A failure that was met by guessing left a snapshot available that "
        "had no data, or removed a file that the guest had open.",
        "section 5",
        ("bug 1530275", "bug 1713735"),
        requires=OVERLAYS,
    ),
    Rule(
        "FLT-002",
        MUST,
        "Whatever goes wrong with a create or delete, every byte stays "
        "readable, also when the guest is restarted cold, and it goes on.",
        "What the guest had written after something went wrong was gone at "
        "its next start, and nobody had been told.",
        "section 5",
        ("bug 1759473", "bug 1310526"),
        requires=OVERLAYS,
    ),
    Rule(
        "FLT-003",
        MUST,
        "Whatever goes wrong with a create or delete, the chain on disk is "
        "the one that the guest has open, and the one that it opens next.",
        "A chain that was edited under the guest read well until its next "
        "start, at which it was another one.",
        "section 5",
        ("bug 1311182",),
        requires=OVERLAYS,
    ),
    Rule(
        "FLT-004",
        MUST,
        "Whatever went wrong with a create or delete, once its snapshot is "
        "deleted no file is left behind, and a retry works.",
        "Shares filled up with overlays of which no snapshot was left, and "
        "volumes stayed that had to be mended by hand.",
        "section 5",
        ("bug 1300303", "bug 1713735"),
        requires=OVERLAYS,
    ),
    Rule(
        "FLT-005",
        MUST,
        "A share that is full or read-only from any write of an operation "
        "on, however late, costs no byte: the operation ends as its hooks "
        "say, and once its snapshot is deleted no file is left behind.",
        "What was done last, when all seemed over, was what nobody had "
        "thought could fail: the volume was left with a record of before.",
        "section 5",
        ("bug 1713735",),
        requires=OVERLAYS,
    ),
)
