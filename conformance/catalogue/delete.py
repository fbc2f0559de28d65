# SPDX-License-Identifier: Apache-2.0
"""Deleting snapshots: what stays, what goes, and what is believed."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)
LAYOUT = (Capability.cinder_share_layout,)

RULES = (
    Rule(
        "DEL-001",
        MUST,
        "Deleting a snapshot that has neither a record nor a file "
        "succeeds as often as it is asked, and the compute service is not.",
        "Snapshots that failed to be created could never be deleted.",
        "section 3, deleting",
        ("bug 1252864", "bug 1651817"),
        profiles=EVERY_DRIVER,
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
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DEL-003",
        MUST,
        "When done is reported, but the file to be removed is still in "
        "the chain, the delete fails and files stay.",
        "Nova takes a job that it cannot find for one that succeeded; who "
        "believes it removes the guest's data.",
        "section 5",
        (
            "bug 1530275",
            "bug 1627134",
            "bug 1643017",
            "LIVE-3",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
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
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DEL-006",
        MUST,
        "When done is reported, but the new header names another format "
        "than recorded, the delete fails and files stay.",
        "Nova merges under a stopped guest by a command that probes: a raw "
        "image whose guest wrote a qcow2 header is read as qcow2 then.",
        "section 5",
        (
            "bug 2073146",
            "CVE-2015-7548",
            "LIVE-14",
        ),
        requires=(Capability.overlay_files, Capability.raw_base),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DEL-007",
        MUST,
        "After a pull the snapshot that was recorded for the pulled file is "
        "recorded for the overlay that it was pulled into.",
        "The older snapshot stays recorded for a file that is gone: it can "
        "neither be deleted nor copied any more.",
        "section 3, deleting",
        ("bug 1262880",),
        requires=LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DEL-008",
        MUST,
        "Deleting a snapshot of an attached volume does not change the "
        "active image.",
        "The guest goes on writing to the image that it has open; another "
        "one is attached after the next restart.",
        "section 3, deleting",
        ("bug 1262880", "bug 1444806"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DEL-009",
        MUST,
        "Deleting the newest snapshot of a detached volume makes its "
        "overlay's backing file the active image.",
        "The overlay was committed and removed, and is what the volume is "
        "attached with.",
        "section 3, deleting",
        ("commit 8c03308ed",),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DEL-010",
        MUST,
        "A file is not removed while another image of the volume names it "
        "as its backing file.",
        "The overlay of a refused create is on it still; without its "
        "backing file no command opens that one, and its delete fails.",
        "section 3",
        (
            "bug 1311182",
            "bug 1657585",
            "LIVE-17",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DEL-011",
        MUST,
        "Delete begin, called again after a crash, finishes the job with "
        "the same result.",
        "A service that restarts in the middle leaves snapshots that "
        "nobody can delete.",
        "section 4",
        ("bug 1586604",),
    ),
    Rule(
        "DEL-012",
        MUST,
        "A delete leaves alone every image that the table does not concern: "
        "it merges one image into one other.",
        "The overlay was committed into the base image, past the images "
        "between: older snapshots were overwritten and newer data lost.",
        "section 3, deleting",
        ("bug 1438027", "bug 1468445"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "DEL-013",
        MUST,
        "After a delete, too, every overlay names its backing file by its "
        "bare name, and says which format was recorded for it.",
        "The overlay above is pointed at another file, by commands of its "
        "own: a path is another one on the compute host, and without a "
        "format QEMU probes.",
        "section 3",
        ("bug 1438027", "bug 2119353"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
)
