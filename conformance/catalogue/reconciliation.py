# SPDX-License-Identifier: Apache-2.0
"""Deletes that were carried out and never reported, repeated."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "REC-001",
        MUST,
        "When an overlay was committed and nobody reported it, the repeated "
        "delete asks for nothing and removes that overlay.",
        "The overlay is not in the chain any more; looking for it there, "
        "the delete failed for ever, or merged its neighbour.",
        "section 3, deleting",
        ("bug 1311182",),
        requires=OVERLAYS,
    ),
    Rule(
        "REC-002",
        MUST,
        "When an overlay was pulled and nobody reported it, the repeated "
        "delete asks for nothing, removes that overlay and records its "
        "snapshot for the active image.",
        "The request to merge was sent again, and merged the next older "
        "image away, with the data of a snapshot in it.",
        "section 3, deleting",
        ("bug 1262880", "bug 1311182"),
        requires=OVERLAYS,
    ),
    Rule(
        "REC-003",
        MUST,
        "When everything was pulled and nobody reported it, the repeated "
        "delete asks for nothing, keeps the active image and removes the "
        "former base image.",
        "An overlay without a backing file was an error for ever, or was "
        "taken for stale and removed under the guest.",
        "section 3, deleting",
        ("bug 1311182",),
        requires=OVERLAYS,
    ),
    Rule(
        "REC-004",
        MUST,
        "The repeated delete changes no image that stays.",
        "What was merged once and is merged again goes into the image "
        "below, whose snapshot held something else.",
        "section 3, deleting",
        ("bug 1311182", "bug 1586604"),
        requires=OVERLAYS,
    ),
)
