# SPDX-License-Identifier: Apache-2.0
"""Defects of records: info files, caches, and formats."""

from __future__ import annotations

from conformance.defects.defect import Defect

DEFECTS = (
    Defect(
        ("bug 1252864", "commit d8a11168c"),
        "A snapshot that was never created could not be deleted: its record "
        "was missing.",
        ("DEL-001",),
    ),
    Defect(
        ("bug 1651817", "commit c1b0c4d8b"),
        "The same once more in a driver whose override read the record "
        "before the guarded method was called.",
        ("DEL-001",),
    ),
    Defect(
        ("bug 1299182", "commit bf006ecb4"),
        "A deleted volume's info file stayed on the share, for the next "
        "volume of that name.",
        ("CAL-007", "LAY-009"),
    ),
    Defect(
        ("bug 1807760", "commit 1fb342cba"),
        "The info file could not be written by the user who wrote it, which "
        "showed when the guest had been switched.",
        ("ERR-007", "CRE-010"),
    ),
    Defect(
        ("bug 1694635", "commit 8aa2f5a5b"),
        "The backing file that was kept with each snapshot was not put right "
        "when a neighbour was deleted.",
        ("DAT-006", "ABL-001"),
    ),
    Defect(
        ("bug 1615667", "commit 79b3a92e6"),
        "What was known of images was cached, and trusted after somebody "
        "else had changed them.",
        ("HKS-004", "DAT-003"),
    ),
    Defect(
        ("commit 792da5dbb",),
        "State was rewritten in place in a file that others read: a crash "
        "or a second writer left half of it.",
        ("LAY-003", "SEC-003"),
    ),
    Defect(
        ("bug 2073146", "commit d961d3c88"),
        "A volume was attached in the format that its content looked like.",
        ("CRE-002",),
    ),
    Defect(
        ("bug 2073146", "commit c68475a3d"),
        "The check that followed took every volume for an attack whose image "
        "was not exactly as large.",
        ("CON-006", "SEC-009"),
    ),
    Defect(
        ("commit 8c03308ed",),
        "Formats were recorded for attached volumes only: a raw base image "
        "was resized or attached as qcow2, or the other way round.",
        ("FMT-001", "FMT-002", "DAT-004", "DEL-009"),
    ),
    Defect(
        ("bug 1989514", "commit 56abc9d5b"),
        "The attachment named the overlay as raw: the instance did not boot "
        "any more.",
        ("CRE-003",),
    ),
    Defect(
        ("bug 2142477", "commit 7884bcd49"),
        "Volumes created from a snapshot had no format recorded, and their "
        "first snapshot failed half way.",
        ("ABL-004", "FMT-003"),
    ),
    Defect(
        ("bug 2069597", "commit 150cdc6ab"),
        "An image was written to a volume in another format than recorded.",
        reason="The contract has no download of images: the kit's volumes "
        "are created empty or copied from one another, and their formats "
        "are FMT-001's and ABL-004's.",
    ),
    Defect(
        ("commit 81e5a9290", "commit c69e564c6"),
        "Drivers saved the volume on their way, which failed for volumes in "
        "a group and for bootable ones.",
        ("HKS-001", "CAL-001"),
    ),
    Defect(
        ("commit 3e936ac80",),
        "A vendor's name of a format reached commands that do not know it.",
        ("UPD-002",),
    ),
    Defect(
        ("bug 2074377", "commit 9687fbac7", "commit 57dc9ece9"),
        "Volumes could be created from the first snapshot only: the source's "
        "own backing file was refused. Each driver had to be mended.",
        ("DAT-005",),
    ),
)
