# SPDX-License-Identifier: Apache-2.0
"""Defects of what an attachment uses."""

from __future__ import annotations

from conformance.defects.defect import Defect

DEFECTS = (
    Defect(
        ("bug 1860913", "commit 25eb0a7d7"),
        "The stored attachment named the old image: after a hard reboot the "
        "guest wrote to what was the snapshot's data.",
        ("CRE-003", "CON-004"),
    ),
    Defect(
        ("bug 1304695", "commit 329b594436"),
        "Nova kept the old connection information after a snapshot, and a "
        "power cycle attached the old image.",
        ("REP-001",),
        "That Nova reads it in time is the volume manager's: it stores it "
        "before the status changes.",
        (
            "test_manager_connections::"
            "test_is_stored_before_the_status_leaves_creating",
        ),
    ),
    Defect(
        ("bug 1475419", "commit 9e6e67731"),
        "Connection information lacked the keys that Nova reads.",
        ("CON-002", "CON-003"),
    ),
    Defect(
        ("commit fb48a1fe6",),
        "Whether a volume is attached was read from its status: one that was "
        "being backed up was snapshotted under its guest.",
        ("UPD-002", "UPD-014", "UPD-012", "CAL-002"),
    ),
    Defect(
        ("bug 1528548", "bug 1533834", "commit 6cceca70e1"),
        "Of several attachments the first was taken, and of none as well.",
        ("ERR-001",),
    ),
    Defect(
        ("bug 1421550", "commit 4aa39c44a4"),
        "Nova unmounted a share that another attachment used.",
        ("UPD-003",),
        "Mounts are Nova's; a driver's part is that the overlay is where "
        "the active image is.",
    ),
)
