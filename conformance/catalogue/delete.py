# SPDX-License-Identifier: Apache-2.0
"""Deleting snapshots: what stays, what goes, and what is believed."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "DEL-001",
        MUST,
        "Deleting a snapshot that has neither a record nor a file "
        "succeeds, without a request, as often as it is asked.",
        "Snapshots that failed to be created could never be deleted.",
        "section 3, deleting",
        ("bug 1252864", "bug 1651817"),
    ),
    Rule(
        "DEL-002",
        MUST,
        "When a snapshot is deleted, the file that is no longer needed is "
        "gone from the share.",
        "Orphans fill the share, and survive the volume.",
        "section 3, deleting",
        ("bug 1300303",),
        requires=OVERLAYS,
    ),
    Rule(
        "DEL-003",
        MUST,
        "When done is reported, but the file to be removed is still in "
        "the chain, complete raises and files stay.",
        "Nova takes a job that it cannot find for one that succeeded; who "
        "believes it removes the guest's data.",
        "section 5",
        ("bug 1530275", "bug 1627134", "bug 1643017"),
        requires=OVERLAYS,
    ),
    Rule(
        "DEL-004",
        MUST,
        "Delete complete, called again after a crash, finishes the job "
        "with the same result.",
        "A service that restarts in the middle leaves snapshots that "
        "nobody can complete or delete.",
        "section 4",
        ("bug 1586604",),
    ),
    Rule(
        "DEL-005",
        MUST,
        "A delete that the compute service carried out and never reported "
        "converges when it is repeated, and merges nothing again.",
        "The retry merged the wrong file, or failed for ever.",
        "section 3, deleting",
        ("bug 1311182",),
        requires=OVERLAYS,
    ),
    Rule(
        "DEL-006",
        MUST,
        "When done is reported, but the new header names another format "
        "than recorded, complete raises and files stay.",
        "Nova merges under a stopped guest by a command that probes: a raw "
        "image whose guest wrote a qcow2 header is read as qcow2 then.",
        "section 5",
        ("bug 2073146", "CVE-2015-7548"),
        requires=(Capability.overlay_files, Capability.raw_base),
    ),
)
