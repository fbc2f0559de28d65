# SPDX-License-Identifier: Apache-2.0
"""Defects of security: CVEs, and what was mended after them."""

from __future__ import annotations

from conformance.defects.defect import Defect

DEFECTS = (
    Defect(
        ("CVE-2014-3641", "bug 1350504", "commit dca3c8323"),
        "A guest wrote a header that named a file of the host as its backing "
        "file, and read that file in a clone.",
        ("SEC-001",),
    ),
    Defect(
        ("CVE-2014-0144", "CVE-2014-0146"),
        "QEMU before 2.0 wrote beyond its memory, or died, when the fields "
        "of a header were lies.",
        ("SEC-014",),
    ),
    Defect(
        ("CVE-2015-1851", "bug 1415087", "commit b1143ee45"),
        "The same by way of an image that the volume was uploaded as.",
        ("ABL-005", "ABL-009"),
    ),
    Defect(
        ("CVE-2015-7548", "bug 1524274", "commit 2bb6635a21"),
        "Nova probed the format of what a guest had written.",
        ("HKS-007", "CRE-002", "CRE-007"),
    ),
    Defect(
        ("CVE-2015-5162", "bug 1449062", "bug 1646181", "commit 78f17f0ad"),
        "A crafted image took all memory and time of whoever inspected it; "
        "the first limits were too small for honest ones.",
        ("HKS-011", "DAT-002"),
    ),
    Defect(
        ("CVE-2022-47951", "bug 1996188", "commit 930fc93e9"),
        "A VMDK descriptor named a file of the host.",
        ("SEC-006", "SEC-008"),
    ),
    Defect(
        ("CVE-2024-32498", "bug 2059809", "commit d6a186945"),
        "A qcow2 header named a file of the host as its data file, or a "
        "larger disk than the volume's.",
        ("SEC-005", "SEC-009"),
    ),
    Defect(
        ("CVE-2024-40767", "bug 2071734", "commit 8b4c522f66"),
        "An image was of another format than the one it was checked as.",
        ("SEC-007", "SEC-008"),
    ),
    Defect(
        ("CVE-2024-4467", "bug 2073275", "commit 8fd70cc55"),
        "qemu-img took a name for a description of what to open.",
        ("SEC-012", "HKS-008"),
    ),
    Defect(
        ("CVE-2026-24708", "bug 2137507", "commit 3eba22ff09"),
        "A raw image was resized as what its guest had written.",
        ("ABL-012", "HKS-007"),
    ),
    Defect(
        ("bug 2074377", "bug 2103742"),
        "The checks that were added refused a chain's own backing files.",
        ("DAT-005", "ABL-007", "SEC-013"),
    ),
    Defect(
        ("Cinder 29, _delete_snapshot",),
        "Names from an info file, which others can write, are removed and "
        "merged as they stand.",
        ("SEC-002", "SEC-011"),
    ),
)
