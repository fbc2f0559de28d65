# SPDX-License-Identifier: Apache-2.0
"""Commands of the driver's that fail, and what that must not cost."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "CMD-001",
        MUST,
        "When qemu-img fails in create begin, no file is left that was not "
        "there before, and active image and info file are as before.",
        "The overlay that was left behind makes the retry fail, or is "
        "attached although nobody has switched to it.",
        "section 5",
        ("bug 1657585", "commit 3acf94de1"),
        requires=OVERLAYS,
    ),
    Rule(
        "CMD-002",
        MUST,
        "When qemu-img fails while a snapshot of a detached volume is "
        "deleted, the volume and every snapshot stay readable.",
        "The info file or a header named what the merge should have led to, "
        "and the data was not there.",
        "section 5",
        ("bug 1468445",),
        requires=OVERLAYS,
    ),
    Rule(
        "CMD-003",
        MUST,
        "A delete in which qemu-img failed is finished when it is repeated.",
        "A snapshot that nobody can delete keeps its volume from being "
        "deleted, too.",
        "section 4",
        ("bug 1311182", "bug 1586604"),
        requires=OVERLAYS,
    ),
    Rule(
        "CMD-004",
        MUST,
        "When qemu-img fails while a volume is reverted, the volume reads "
        "as before or as reverted, every snapshot stays readable, and the "
        "revert is finished when it is repeated.",
        "The overlay was removed before another one could be made, and the "
        "volume had no active image any more.",
        "section 5",
        ("commit 0a34a5a29",),
        requires=(*OVERLAYS, Capability.revert),
        profiles=EVERY_DRIVER,
    ),
)
