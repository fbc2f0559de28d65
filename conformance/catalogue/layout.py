# SPDX-License-Identifier: Apache-2.0
"""Names and info file, as Cinder has them on a share."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
LAYOUT = (Capability.cinder_share_layout,)

RULES = (
    Rule(
        "LAY-001",
        MUST,
        "When a snapshot was taken, the info file names the overlay as "
        "active and for the snapshot, and what else it says has not changed.",
        "The data of a snapshot is below the overlay recorded for it: with "
        "another file recorded, the wrong one is deleted or copied.",
        "section 3",
        ("bug 1222907", "bug 1262880"),
        LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "LAY-002",
        MUST,
        "The info file is as it was until the compute service has reported "
        "that it is done.",
        "What an error or a lost report leaves behind is taken for the "
        "truth by the next operation.",
        "section 5",
        ("bug 1629371", "bug 1919487"),
        LAYOUT,
    ),
    Rule(
        "LAY-003",
        MUST,
        "The info file is replaced: who had it open still reads the whole "
        "old one.",
        "An info file that is written in place is empty for a moment, and "
        "for ever after a crash: the base image is attached then.",
        "section 3",
        ("commit 792da5dbb",),
        LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "LAY-004",
        MUST,
        "An overlay is named after the volume's name and the snapshot's id; "
        "the volume's name need not have its id in it.",
        "After a migration files are named by another id; who builds names "
        "from the volume's own id loses the chain, or another's file.",
        "section 3",
        ("bug 1499151", "bug 1798468"),
        LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "LAY-005",
        MUST,
        "An info file that is missing, although an overlay is on the share, "
        "counts as damaged.",
        "Taken for a volume without snapshots, its base image is attached: "
        "everything since the first snapshot is gone.",
        "section 3",
        ("commit 792da5dbb",),
        LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "LAY-006",
        MUST,
        "An info file that is missing while the first snapshot is pending "
        "is no damage.",
        "The first info file comes with the first snapshot: a volume whose "
        "first snapshot was never reported could not be attached any more.",
        "section 3",
        ("bug 1310526", "bug 1759473"),
        LAYOUT,
    ),
    Rule(
        "LAY-007",
        MUST,
        "An overlay that Cinder named with tmp-snap- is the volume's own.",
        "Cinder names the overlays of temporary snapshots so; a driver that "
        "takes them for foreign ones can use no share that has one.",
        "section 3",
        requires=LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "LAY-008",
        MUST,
        "When a snapshot was deleted, the info file has no record of it.",
        "A record whose file is out of the chain stands for a delete that "
        "was never reported, and nothing else is done before that.",
        "section 3, deleting",
        ("bug 1262880",),
        LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "LAY-009",
        Level.SHOULD,
        "What is left on the share by a new volume's name does not become "
        "its content: the volume is refused, or is empty.",
        "A dead volume's info file named an active image that was gone; and "
        "a base image that is taken as it is shows one user's data to "
        "another.",
        "section 3",
        ("bug 1299182",),
        LAYOUT,
        profiles=EVERY_DRIVER,
    ),
)
