# SPDX-License-Identifier: Apache-2.0
"""Others at work in the middle of a snapshot operation."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST

RULES = (
    Rule(
        "RAC-001",
        MUST,
        "Whoever asks for statistics, or for an attachment's connection "
        "information, in the middle of a snapshot operation disturbs "
        "nothing: it ends well, and every byte is kept.",
        "A service asks for statistics once a minute, and Nova for "
        "connections when it likes; a driver that tidied up on such an "
        "occasion removed what a snapshot operation was about to use.",
        "section 5",
    ),
    Rule(
        "RAC-002",
        MUST,
        "What initialize_connection answers for an attachment in the middle "
        "of a snapshot operation names an image that holds every byte that "
        "the guest wrote.",
        "An instance that was evacuated at that moment started from an image "
        "that was about to be removed, or could not be started.",
        "section 5",
        ("bug 1860913",),
    ),
    Rule(
        "RAC-003",
        MUST,
        "A volume that was created from a snapshot reads as that snapshot "
        "while the snapshot is deleted, and afterwards.",
        "Copies that shared data with their snapshot changed, or were lost, "
        "with the snapshot.",
        "section 5",
        requires=(Capability.create_from_snapshot,),
    ),
)
