# SPDX-License-Identifier: Apache-2.0
"""Nothing that was read from a share is trusted."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)
LAYOUT = (Capability.cinder_share_layout,)

RULES = (
    Rule(
        "SEC-001",
        MUST,
        "A chain in which a header names a foreign backing file is "
        "refused, and nothing is changed.",
        "A guest that can write a header reads any file of the host.",
        "section 8",
        ("CVE-2014-3641", "bug 1350504"),
        requires=OVERLAYS,
    ),
    Rule(
        "SEC-002",
        MUST,
        "An info file that names a file outside the volume is refused, "
        "and that file is left alone.",
        "Info files are on a share that others can write; a name from one "
        "was removed, or attached, as it stood.",
        "section 8",
        requires=LAYOUT,
    ),
    Rule(
        "SEC-003",
        MUST,
        "A damaged info file is an error, and never taken for no snapshots.",
        "An empty info file, as a crash leaves it, made the base image "
        "active again: everything since the first snapshot was gone.",
        "section 3",
        ("commit 792da5dbb",),
        LAYOUT,
    ),
)
