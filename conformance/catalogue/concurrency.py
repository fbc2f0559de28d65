# SPDX-License-Identifier: Apache-2.0
"""Operations on several volumes at the same time."""

from __future__ import annotations

from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST

RULES = (
    Rule(
        "CCY-001",
        MUST,
        "Snapshots of several volumes that are taken and deleted at the same "
        "time keep every byte of each volume and of each snapshot.",
        "What drivers keep for all volumes in one place was read by one "
        "operation and written by another in between: a snapshot was lost, "
        "or had the data of another volume.",
        "section 4",
        ("commit 792da5dbb", "bug 1251425"),
        profiles=EVERY_DRIVER,
    ),
)
