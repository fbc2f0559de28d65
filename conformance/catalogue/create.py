# SPDX-License-Identifier: Apache-2.0
"""Taking snapshots: the overlay, and whoever uses it afterwards."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "CRE-001",
        MUST,
        "An overlay is qcow2 and exactly as large as the volume.",
        "An overlay that is too small cuts the guest's disk off; one that "
        "is too large is refused as an attack when it is attached.",
        "section 3",
        ("commit 3acf94de1",),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CRE-002",
        MUST,
        "A raw volume whose guest wrote a qcow2 header is still raw.",
        "Whoever probes lets the guest name any file of the host as its "
        "backing file.",
        "section 3",
        (
            "bug 2073146",
            "bug 1524274",
            "CVE-2015-7548",
            "LIVE-7",
        ),
        requires=(Capability.raw_base,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CRE-003",
        MUST,
        "When a snapshot of an attached volume is available, the "
        "attachment names the overlay, as qcow2.",
        "A guest that is restarted from stale connection information "
        "writes to the image that is the snapshot's data, or opens qcow2 "
        "as raw and does not boot.",
        "section 4",
        ("bug 1860913", "bug 1989514"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CRE-004",
        MUST,
        "Create begin, called again after a crash, finishes the job with "
        "the same result.",
        "A service that restarts in the middle leaves snapshots that "
        "nobody can complete or delete.",
        "section 4",
        ("bug 1310526",),
    ),
    Rule(
        "CRE-005",
        MUST,
        "An overlay that the compute service was told of is never made anew.",
        "It may be what the guest writes to; truncated, all of it is gone.",
        "section 2, the compute request",
        ("bug 1310526",),
        requires=OVERLAYS,
    ),
    Rule(
        "CRE-006",
        MUST,
        "An overlay names the image that was active as its backing file, "
        "by its bare name.",
        "A path is another one on the compute host: the guest does not "
        "start, or the next delete refuses the chain.",
        "section 3",
        ("bug 1438027", "bug 1885528", "bug 2119353"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CRE-007",
        MUST,
        "An overlay says which format its backing file has: the recorded "
        "one, whatever the guest wrote there.",
        "Without a format QEMU probes; with a probed one the guest of a raw "
        "volume that holds a qcow2 image sees that image's content instead.",
        "section 3",
        (
            "bug 2073146",
            "bug 2138330",
            "CVE-2015-7548",
            "commit 3acf94de1",
            "LIVE-7",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CRE-008",
        MUST,
        "Create complete, called again after a crash, finishes the job "
        "with the same result.",
        "The overlay is the active image already, and a service that takes "
        "that for an error leaves a snapshot in error that nobody deletes.",
        "section 4",
        ("bug 1310526",),
    ),
    Rule(
        "CRE-009",
        MUST,
        "Of a volume whose active image is gone, no snapshot is taken, and "
        "no file is made.",
        "An overlay on nothing is available like any other, and nobody can "
        "delete it: the volume had been deleted meanwhile.",
        "section 8",
        ("bug 1739995",),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CRE-010",
        Level.SHOULD,
        "An overlay and the info file have the owner of the active image, "
        "and everybody may do with them what he may do with that.",
        "QEMU runs as another user: it could not open the overlay, and the "
        "snapshot failed when the guest was to be switched. So did the next "
        "service, which could not write the info file.",
        "sections 1 and 3",
        ("bug 1286376", "bug 1807760"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
)
