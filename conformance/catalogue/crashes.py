# SPDX-License-Identifier: Apache-2.0
"""Crashes of the volume service, and of the compute service."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST

RULES = (
    Rule(
        "CRH-001",
        MUST,
        "A create is finished, and no byte lost, wherever inside a hook the "
        "volume service was killed.",
        "An info file that was cut short when a service was killed named no "
        "image any more, and the volume could not be attached.",
        "sections 4 and 5",
        ("commit 792da5dbb",),
    ),
    Rule(
        "CRH-002",
        MUST,
        "A delete is finished, and no byte lost, wherever inside a hook the "
        "volume service was killed.",
        "A chain half merged, or a file that was removed before that was "
        "recorded, is what a restarted service cannot make sense of: the "
        "snapshot stays, and the volume cannot be read.",
        "sections 4 and 5",
        ("bug 1586604",),
    ),
    Rule(
        "CRH-003",
        MUST,
        "The delete of a snapshot about which the compute service died "
        "without a report is finished, and no byte lost, wherever inside a "
        "hook the volume service was killed.",
        "What one of them leaves half done, the other one finds: a service "
        "that is restarted has to tell from the chain what was done.",
        "sections 3, 4 and 5",
        ("bug 1586604",),
        requires=(Capability.overlay_files,),
    ),
    Rule(
        "CRH-004",
        MUST,
        "A create or delete is finished, and no byte lost, before whichever "
        "transaction the volume service was killed; where Nova was never "
        "asked, the snapshot is deleted after the deadline.",
        "A hook that is called again may find what it returned stored: a "
        "driver that took that for somebody else's left the snapshot in "
        "error.",
        "sections 4 and 5",
        ("bug 1310526",),
    ),
    Rule(
        "CRH-005",
        MUST,
        "At whichever point the compute service dies, no byte is lost: what "
        "it reported is completed, and a snapshot about which it did not "
        "report the end is deleted after the deadline.",
        "Nova reports once or never, and what was done is seen on the chain "
        "alone: a driver that goes by what it asked for removes the file that "
        "the guest has open, or keeps a snapshot that nobody can delete.",
        "sections 3 and 5",
        ("bug 1586604",),
        requires=(Capability.overlay_files,),
    ),
    Rule(
        "CRH-006",
        Level.SHOULD,
        "When a volume was deleted, no file of it is left on the share, "
        "wherever inside a hook the volume service was killed before.",
        "What a killed service had half made under a name that nobody "
        "chooses again stayed for ever: shares filled up, and the files "
        "that were found had the users' data.",
        "sections 1 and 4",
        ("bug 1300303", "bug 1299182"),
        requires=(Capability.overlay_files,),
    ),
)
