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
        (
            "Cinder 29, Snapshot.update",
            "bug 1572303",
        ),
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
        (
            "bug 1437271",
            "bug 1441050",
            "bug 1674611",
            "commit fb48a1fe6",
            "commit 3e936ac80",
            "bug 1685277",
        ),
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
        (
            "bug 1468445",
            "bug 1885528",
        ),
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
        (
            "bug 1262880",
            "bug 1224030",
            "bug 1885528",
            "bug 1477110",
            "bug 1475202",
        ),
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
    Rule(
        "UPD-007",
        MUST,
        "Begin never returns the progress 90%.",
        "To a reader of Juno's age that is the compute service's signal "
        "that it is done: a delete removed the file without waiting.",
        "section 2",
        ("commit b626c2a637",),
    ),
    Rule(
        "UPD-008",
        MUST,
        "Only complete returns volume_admin_metadata.",
        "Recorded before the compute service has done anything, a format "
        "stayed recorded that nothing had when it failed: extend and "
        "attach used it.",
        "section 2",
        (
            "bug 1919487",
            "LIVE-8",
        ),
    ),
    Rule(
        "UPD-009",
        MUST,
        "A request's keys are returned by its own begin, and by no other "
        "hook.",
        "Whoever reads the row after a restart takes them for a request "
        "that is still to be made, or was.",
        "section 2, the compute request",
    ),
    Rule(
        "UPD-010",
        MUST,
        "No hook returns snapshot_status, compute_progress or a key that "
        "begins with manager:.",
        "They say what the compute service reported and what the manager "
        "has decided; a driver that sets them answers for both.",
        "section 2",
    ),
    Rule(
        "UPD-011",
        MUST,
        "Begin, called again before anything of it was stored, returns the "
        "same request.",
        "After a restart the first one's request is lost; a second one "
        "that is missing or another leaves the guest on the wrong image.",
        "section 4",
        ("bug 1586604", "bug 1657585"),
        requires=OVERLAYS,
    ),
    Rule(
        "UPD-012",
        MUST,
        "Complete follows what begin stored, though the guest was detached "
        "before the report, or attached anew.",
        "A delete that was worked out again for the detached volume "
        "merged a second time what the compute service had merged.",
        "section 2, the compute request",
        ("commit fb48a1fe6", "bug 1586604"),
        requires=OVERLAYS,
    ),
    Rule(
        "UPD-013",
        MUST,
        "A delete that failed with nothing done is requested anew when it "
        "is repeated.",
        "Entering begin removes the first attempt's request; a driver that "
        "counts on it could not delete the snapshot any more.",
        "section 2, the compute request",
        ("bug 1311182",),
        requires=OVERLAYS,
    ),
    Rule(
        "UPD-014",
        MUST,
        "Deleting a snapshot of an attached volume requests a merge, "
        "whatever status the volume has.",
        "A volume that is being backed up was taken for a detached one, and "
        "qemu-img merged images that its guest had open.",
        "section 2, the compute request",
        ("commit fb48a1fe6", "bug 1681406"),
        requires=OVERLAYS,
    ),
)
