# SPDX-License-Identifier: Apache-2.0
"""Failures, and what they must not cost."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "ERR-001",
        MUST,
        "Of an attached volume that has another number of attachments than "
        "one, begin raises before it makes a file.",
        "The compute service refuses such a volume; the overlay was left "
        "behind, or one attachment of two was switched. Without any the "
        "driver fell over the missing one after the guest was switched.",
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
        (
            "bug 1713735",
            "bug 1657585",
            "bug 1308736",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ERR-003",
        MUST,
        "When the compute service refuses a delete, the active image and "
        "the info file are as before, and a retry works.",
        "The info file had lost the snapshot whose file was in the chain "
        "still; formats were recorded that nothing had.",
        "section 5",
        ("bug 1919487", "bug 1308736"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ERR-004",
        MUST,
        "A guest that was switched to the overlay, although nobody ever "
        "reported it, keeps every byte through a restart.",
        "The next attachment used the old image, and what the guest had "
        "written since was lost without a word.",
        "section 5",
        (
            "bug 1759473",
            "bug 1310526",
            "LIVE-11",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ERR-005",
        MUST,
        "Deleting a snapshot whose create was never reported, or reported "
        "to have failed, keeps every byte that the guest wrote.",
        "The overlay was removed with what the guest had written to it, "
        "or the guest stayed on a file that nobody recorded.",
        "section 5",
        (
            "bug 1310526",
            "bug 1629371",
            "bug 1759473",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
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
    Rule(
        "ERR-007",
        MUST,
        "A create whose complete failed costs no byte, and neither does "
        "deleting its snapshot.",
        "The guest was on the overlay already when the record could not be "
        "written; the next attachment used the old image.",
        "section 5",
        ("bug 1807760", "bug 2142477", "bug 1236966"),
        requires=OVERLAYS,
    ),
    Rule(
        "ERR-008",
        MUST,
        "An operation is completed by its report, although nobody knows "
        "what the compute service had answered.",
        "A connection that broke after the request was taken for a refusal: "
        "what the compute service did then was never recorded.",
        "section 5",
        ("bug 1759473",),
        requires=OVERLAYS,
    ),
    Rule(
        "ERR-009",
        MUST,
        "For an instance that is shut off, snapshots are taken and deleted "
        "with the same end, or refused until it runs again.",
        "Deleting failed for a stopped instance, and left the chain "
        "between two states.",
        "section 5",
        ("bug 1444806", "bug 1465416", "bug 1919487"),
        requires=OVERLAYS,
    ),
)
