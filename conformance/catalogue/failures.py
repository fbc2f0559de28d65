# SPDX-License-Identifier: Apache-2.0
"""Failures, and what they must not cost."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "ERR-001",
        MUST,
        "Of a volume with more than one attachment, begin raises before "
        "it makes a file.",
        "The compute service refuses such a volume; the overlay was left "
        "behind, or one attachment of two was switched.",
        "section 1",
        ("bug 1528548", "bug 1533834"),
    ),
    Rule(
        "ERR-002",
        MUST,
        "When the compute service refuses a create, the active image and "
        "the info file are as before, and another snapshot can be taken.",
        "A retry failed on the file that was there already, and the next "
        "attachment used an overlay that nobody had switched to.",
        "section 5",
        ("bug 1713735", "bug 1657585"),
        requires=OVERLAYS,
    ),
    Rule(
        "ERR-003",
        MUST,
        "When the compute service refuses a delete, the active image and "
        "the info file are as before, and a retry works.",
        "The info file had lost the snapshot whose file was in the chain "
        "still; formats were recorded that nothing had.",
        "section 5",
        ("bug 1919487",),
        requires=OVERLAYS,
    ),
    Rule(
        "ERR-004",
        MUST,
        "A guest that was switched to the overlay, although nobody ever "
        "reported it, keeps every byte through a restart.",
        "The next attachment used the old image, and what the guest had "
        "written since was lost without a word.",
        "section 5",
        ("bug 1759473", "bug 1310526"),
        requires=OVERLAYS,
    ),
    Rule(
        "ERR-005",
        MUST,
        "Deleting a snapshot whose create was never reported, or reported "
        "to have failed, keeps every byte that the guest wrote.",
        "The overlay was removed with what the guest had written to it, "
        "or the guest stayed on a file that nobody recorded.",
        "section 5",
        ("bug 1310526", "bug 1629371"),
        requires=OVERLAYS,
    ),
    Rule(
        "ERR-006",
        MUST,
        "While a create is pending, another snapshot is refused and "
        "nothing is changed.",
        "The new overlay was put on an image that the guest may have left, "
        "and the chain forked.",
        "section 5",
        ("bug 1311182",),
        requires=OVERLAYS,
    ),
)
