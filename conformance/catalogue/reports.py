# SPDX-License-Identifier: Apache-2.0
"""What the compute service reports, in the words of every generation."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "REP-001",
        MUST,
        "Whichever generation of the compute service reports it done, a "
        "create makes the snapshot available and keeps every byte.",
        "A driver that looks for a field which only some generations send "
        "works in one cloud and waits for ever in the next.",
        "section 7",
        (
            "bug 1304695",
            "LIVE-13",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "REP-002",
        MUST,
        "Whichever generation of the compute service reports it done, a "
        "delete at any position removes the snapshot and keeps every byte.",
        "A driver that looks for a field which only some generations send "
        "leaves its snapshots undeletable in the next cloud.",
        "section 7",
        ("LIVE-13",),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "REP-003",
        MUST,
        "A report that means done completes the operation, whatever else "
        "is in it, and however often it comes.",
        "Fields that are set by different hands disagree now and then; a "
        "driver that weighs them itself decides otherwise than the API.",
        "section 7",
        ("LIVE-2",),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "REP-004",
        MUST,
        "A report that does not mean done completes nothing and removes "
        "nothing, and the report that does is heard after it.",
        "Of a merge that is at work still, a file was removed that the "
        "guest reads.",
        "section 7",
        (
            "commit b626c2a637",
            "bug 1538496",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "REP-005",
        MUST,
        "A create that is reported to have failed has failed, whatever "
        "progress comes with it, and keeps every byte of a guest that was "
        "switched all the same.",
        "Nova sends 90% with every status, errors included; and a guest "
        "may be on the overlay though an error was reported.",
        "sections 5 and 7",
        ("commit b626c2a637", "bug 1629371"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "REP-006",
        MUST,
        "A delete that is reported to have failed removes no file, and "
        "when it is repeated the snapshot's data is merged.",
        "The record was dropped before the merge: the retry found nothing "
        "to do, and the overlay stayed in the chain for good.",
        "sections 5 and 7",
        ("bug 1919487", "commit b626c2a637"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "REP-007",
        MUST,
        "Until a delete is reported done, no file is removed and the base "
        "image's recorded format stays.",
        "Completion that was left over from the create was taken for that "
        "of the delete, and the guest's file was removed; a failed delete "
        "left a raw image recorded as qcow2.",
        "sections 3 and 7",
        (
            "LIVE-1",
            "LIVE-8",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "REP-008",
        MUST,
        "A report that comes within the compute service's time, 600 s to "
        "create and 7200 s to delete, completes the operation.",
        "Cinder gave up while Nova was merging a large overlay, and what "
        "was on disk then was not what was recorded.",
        "section 4",
        (
            "bug 1273894",
            "bug 1538496",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "REP-009",
        MUST,
        "After a report that comes too late, deleting the snapshot "
        "converges, and every byte stays.",
        "The chain on disk was ahead of the records: retries failed for "
        "ever, or merged the wrong file.",
        "section 5",
        ("bug 1311182", "bug 1273894"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
)
