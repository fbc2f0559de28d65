# SPDX-License-Identifier: Apache-2.0
"""Model updates, and the requests in them."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "UPD-001",
        MUST,
        "What a hook returns is None or a model update in which every key "
        "and value is a driver's to set.",
        "Keys that nobody knows were dropped silently, and a status set by "
        "a driver broke the manager's state machine.",
        "section 2",
        ("bug 1487952",),
    ),
    Rule(
        "UPD-002",
        MUST,
        "Of an attached volume, create begin requests that the compute "
        "service switch to a new overlay.",
        "Without the request the guest goes on writing into the image that "
        "has become the snapshot's data. Four drivers lost it by a wrapper "
        "that returned nothing.",
        "section 2, the compute request",
        ("bug 1437271", "bug 1441050", "bug 1674611", "commit fb48a1fe6"),
        requires=OVERLAYS,
    ),
    Rule(
        "UPD-003",
        MUST,
        "The overlay that create begin requests is on disk, beside the "
        "active image.",
        "Nova looks for it in the active image's directory; anywhere else "
        "the snapshot fails after the guest was quiesced.",
        "section 2, the compute request",
        ("bug 1421550",),
        requires=OVERLAYS,
    ),
    Rule(
        "UPD-004",
        MUST,
        "Deleting a snapshot whose overlay is not active, of an attached "
        "volume, requests the commit of its overlay into the overlay's "
        "backing file.",
        "A commit of another file, or into another one, changes what the "
        "remaining snapshots hold.",
        "section 3, deleting",
        ("bug 1468445",),
        requires=OVERLAYS,
    ),
    Rule(
        "UPD-005",
        MUST,
        "Deleting the snapshot whose overlay is active, of an attached "
        "volume, requests a pull down to the backing file of the "
        "overlay's backing file, or of everything when there is none.",
        "With another name the compute service pulls too little, and the "
        "file that is removed afterwards is still needed.",
        "section 3, deleting",
        ("bug 1262880",),
        requires=OVERLAYS,
    ),
    Rule(
        "UPD-006",
        MUST,
        "Of a detached volume, begin requests nothing.",
        "There is no guest to switch: the compute service would refuse, "
        "and the operation fail.",
        "section 9, detached volumes",
    ),
)
