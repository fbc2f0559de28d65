# SPDX-License-Identifier: Apache-2.0
"""Attempts that ended without anybody knowing how, and the next one."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "ATT-001",
        MUST,
        "When a delete's error is reported, or its deadline passes, "
        "nothing is removed, and the delete can be repeated.",
        "Cinder gave up while the merge went on, and cleaned up under it; "
        "or the retry asked for a merge that had been done.",
        "section 5",
        (
            "bug 1273894",
            "bug 1311182",
            "bug 1260123",
        ),
        requires=OVERLAYS,
    ),
    Rule(
        "ATT-002",
        MUST,
        "After a report that came too late, deleting the snapshot keeps "
        "every byte and leaves no file behind.",
        "Retries failed for ever on a chain that was further than the "
        "records.",
        "section 5",
        ("bug 1311182", "bug 1273894"),
        requires=OVERLAYS,
    ),
    Rule(
        "ATT-003",
        MUST,
        "A forced delete of a snapshot in flight keeps every byte, whether "
        "or not the compute service has done its work.",
        "The file that the compute service was pulling, or had switched "
        "the guest to, was removed under it.",
        "section 4",
        ("bug 1586604", "bug 1310526"),
        requires=OVERLAYS,
    ),
)
