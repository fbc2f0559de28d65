# SPDX-License-Identifier: Apache-2.0
"""Operations of Cinder's that take or delete snapshots on their way."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
COPIES = (Capability.create_from_snapshot,)

RULES = (
    Rule(
        "CAL-001",
        MUST,
        "Snapshots of a group's volumes, taken together and under one "
        "name, each hold what their volume held.",
        "Volumes in a group failed where single ones worked, or were taken "
        "for one another.",
        "section 1",
        ("bug 1575888", "commit 81e5a9290"),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CAL-002",
        MUST,
        "A backup reads what the volume held when it was started, attached "
        "or not, and nothing is left of it; the guest writes on.",
        "A volume that is being backed up was not taken for attached, and "
        "the guest wrote on into what was a backing file by then.",
        "section 2",
        ("commit fb48a1fe6", "bug 1888951"),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CAL-003",
        MUST,
        "The display name of a snapshot, empty, missing or that of "
        "somebody's temporary one, makes no difference.",
        "A snapshot was taken for a temporary one by how it was called, "
        "which users choose, and which need not be there.",
        "section 1",
        ("bug 1875570",),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CAL-004",
        MUST,
        "An attached volume is cloned from a snapshot by the hooks, "
        "however that is called; the clone holds what the volume held, "
        "and nothing is left of the snapshot.",
        "The guest was told of a snapshot that nobody could report on, and "
        "what was left of it could not be deleted.",
        "section 1",
        ("bug 1744692", "bug 1875570"),
        COPIES,
    ),
    Rule(
        "CAL-005",
        MUST,
        "Clones of one attached volume, at the same time and one after "
        "another, hold what the volume held.",
        "Temporary snapshots were named after the volume, and the second "
        "one destroyed the first.",
        "section 4",
        ("bug 1840712", "bug 1851512"),
        COPIES,
    ),
    Rule(
        "CAL-006",
        MUST,
        "The snapshots of a volume that is being deleted are deleted in "
        "any order, and then the volume is.",
        "A volume in status deleting was refused, and could not be deleted "
        "together with its snapshots.",
        "section 1",
        ("bug 1681406",),
        (Capability.cascade,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CAL-007",
        MUST,
        "When a volume was deleted, none of its files is left on the "
        "share, whatever became of its snapshots.",
        "The base image, or the overlay that it had been pulled into, was "
        "left behind with the user's data.",
        "section 1",
        (
            "bug 1300303",
            "bug 1299182",
            "LIVE-17",
            "commit 3fd0a403b",
        ),
        (Capability.overlay_files,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CAL-008",
        MUST,
        "A volume is copied from another one that is downloading, and from a "
        "snapshot that is backing-up or restoring.",
        "Cinder sets these statuses while it copies: a driver that wants "
        "them to be available fails backups, reverts and the image cache.",
        "section 2, the compute request",
        (
            "bug 1685277",
            "bug 1703405",
            "bug 1888951",
            "bug 1946059",
        ),
        profiles=EVERY_DRIVER,
    ),
)
