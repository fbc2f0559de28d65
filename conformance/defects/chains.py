# SPDX-License-Identifier: Apache-2.0
"""Defects of chains: the wrong file merged, copied, grown or left."""

from __future__ import annotations

from conformance.defects.defect import Defect

DEFECTS = (
    Defect(
        ("bug 1468445", "commit 0a3602071"),
        "Deleting the first snapshot of a detached volume committed the "
        "overlay above it: the second one held something else afterwards.",
        ("DAT-002", "DAT-006", "ABL-001", "UPD-004"),
    ),
    Defect(
        ("bug 1262880", "commit 186221779"),
        "For the newest snapshot of an attached volume Nova was told to pull "
        "down to the file that was removed next, and the older snapshot "
        "stayed recorded for it.",
        ("UPD-005", "DEL-007", "DAT-003", "REC-002"),
    ),
    Defect(
        ("bug 1222907", "commit 867b131e0"),
        "A volume created from a snapshot was copied from the active image, "
        "with all that was written later.",
        ("DAT-005", "LAY-001"),
    ),
    Defect(
        ("bug 1311182", "commit 3fd0a403b"),
        "Nova finished a pull after Cinder had given up; the snapshot had no "
        "backing file any more, and every delete of it failed.",
        ("REC-003", "DEL-005", "ATT-002", "REP-009"),
    ),
    Defect(
        ("bug 1300303", "commit 5f00cad02"),
        "Deleting a volume removed the file of its name, and left the "
        "overlay that had become its only image.",
        ("CAL-007", "DEL-002"),
    ),
    Defect(
        ("commit 3fd0a403b",),
        "The former base image of a delete that was never reported outlived "
        "the volume.",
        ("CAL-007",),
    ),
    Defect(
        ("bug 1224030", "commit bd1a8482c"),
        "Reading a chain lost its last image, and failed for a chain of one.",
        ("SEC-010", "UPD-005"),
    ),
    Defect(
        ("commit 3acf94de1",),
        "An overlay was created twice, first without the format of its "
        "backing file, which qemu-img then opened and probed.",
        ("HKS-007", "CRE-007"),
    ),
    Defect(
        ("bug 1798468", "bug 1499151", "commit 33a3a4bf6"),
        "After a migration files were named by the wrong one of two ids, and "
        "the source's delete removed the new volume's data.",
        ("LAY-004",),
    ),
    Defect(
        ("bug 1694648", "commit 1076e1bd6"),
        "On Windows a share gives names back in capitals; the active image "
        "was not recognised as the snapshot's overlay.",
        reason="The kit runs on Linux, whose shares tell names apart by "
        "their case.",
    ),
    Defect(
        ("bug 1499452", "commit b3352993d"),
        "Extending a volume with snapshots grew its base image, and the "
        "guest saw the old size.",
        ("ABL-006",),
    ),
    Defect(
        ("bug 1470148", "bug 1687048", "commit 59dd95f36"),
        "Extending a volume with snapshots was refused though its format "
        "could be extended.",
        ("ABL-006", "ABL-007"),
        "A driver may refuse by not declaring ``extend_with_snapshots``; "
        "then it has to change nothing.",
    ),
    Defect(
        ("bug 1870367", "commit 57892623d"),
        "An image that a guest had open was resized by qemu-img.",
        ("ABL-007",),
    ),
    Defect(
        ("bug 2103742", "commit 53245bce3"),
        "An extend looked at what it had resized by way of a check that "
        "refuses every backing file, and failed when all was done.",
        ("ABL-006", "ABL-007"),
    ),
    Defect(
        ("bug 1275977", "commit 41e3a94ae"),
        "A volume with snapshots was read as the one file of its overlay.",
        ("ABL-003", "ABL-009"),
    ),
)
