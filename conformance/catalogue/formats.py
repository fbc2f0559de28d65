# SPDX-License-Identifier: Apache-2.0
"""Formats: recorded, and never probed."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
LAYOUT = (Capability.cinder_share_layout,)
RAW = (Capability.cinder_share_layout, Capability.raw_base)

RULES = (
    Rule(
        "FMT-001",
        MUST,
        "After every operation the format recorded for the volume is that "
        "of the active image.",
        "The volume is resized and attached in the recorded format: an "
        "overlay that is opened as raw does not boot.",
        "section 2",
        ("commit 8c03308ed", "bug 1989514"),
        LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "FMT-002",
        MUST,
        "While the volume has snapshots, the base_format recorded for it is "
        "that of the base image, which is qcow2 after everything was pulled.",
        "The last snapshot's delete makes a raw image qcow2, or a qcow2 one "
        "raw, and the guest sees another disk.",
        "section 3",
        ("commit 8c03308ed",),
        LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "FMT-003",
        MUST,
        "A base image for which no format was recorded is taken for raw if "
        "it inspects as raw.",
        "Volumes from before formats were recorded have none; the snapshot "
        "failed after the guest had been switched to its overlay.",
        "section 3",
        (
            "bug 2142477",
            "LIVE-6",
        ),
        RAW,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "FMT-004",
        MUST,
        "A base image for which no format was recorded, and which does not "
        "inspect as raw, is refused.",
        "Whoever believes what it looks like lets the guest choose the "
        "format, and with it any file of the host.",
        "section 3",
        ("bug 2073146", "CVE-2015-7548"),
        RAW,
        profiles=EVERY_DRIVER,
    ),
)
