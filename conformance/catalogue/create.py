# SPDX-License-Identifier: Apache-2.0
"""Taking snapshots: the overlay, and whoever uses it afterwards."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "CRE-001",
        MUST,
        "An overlay is qcow2, as large as the volume, and names the image "
        "that was active by its bare name, with its recorded format.",
        "A wrong size cuts the guest's disk off; an absolute name breaks "
        "the next delete; without a format the backing file is probed.",
        "section 3",
        ("bug 1438027", "bug 2119353", "bug 2138330"),
        requires=OVERLAYS,
    ),
    Rule(
        "CRE-002",
        MUST,
        "A raw volume whose guest wrote a qcow2 header is still raw.",
        "Whoever probes lets the guest name any file of the host as its "
        "backing file.",
        "section 3",
        ("bug 2073146", "bug 1524274", "CVE-2015-7548"),
        requires=(Capability.raw_base,),
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
)
