# SPDX-License-Identifier: Apache-2.0
"""Connection information: what an attachment uses, whatever goes on."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "CON-001",
        MUST,
        "initialize_connection for an existing attachment has no side "
        "effects, and answers the same when it is asked again.",
        "The manager asks whenever a snapshot's status changes; a driver "
        "that put its records right on that occasion recorded what nobody "
        "had reported.",
        "section 4",
        ("bug 1860913",),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CON-002",
        MUST,
        "What initialize_connection returns has a driver_volume_type, and "
        "data that can be stored as JSON.",
        "Cinder stores both with the attachment, and Nova reads them from "
        "there: what cannot be stored fails the attach, or the snapshot "
        "after the guest was switched.",
        "section 4",
        ("bug 1475419",),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CON-003",
        MUST,
        "On a share with Cinder's layout, data has the bare name of the "
        "active image and its recorded format, raw or qcow2.",
        "Nova joins the name to where it has mounted the share, and opens "
        "what is there as what the format says.",
        "section 3",
        ("bug 1475419", "bug 2073146"),
        requires=(Capability.overlay_files, Capability.cinder_share_layout),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "CON-004",
        MUST,
        "While a create is pending, what a new connection uses holds every "
        "byte that the guest wrote, in compute and after a failure.",
        "An evacuation or a restart between the switch and its report went "
        "on with the old image: what the guest had written was lost.",
        "section 5",
        ("bug 1310526", "bug 1860913"),
        requires=OVERLAYS,
    ),
    Rule(
        "CON-005",
        MUST,
        "While a create is pending, the volume can be detached and "
        "attached, and the report that comes afterwards completes it.",
        "An instance could not be stopped, moved or started while its "
        "snapshot waited for a report that never came.",
        "section 5",
        ("bug 1759473",),
        requires=OVERLAYS,
    ),
    Rule(
        "CON-006",
        MUST,
        "An image that is smaller than its volume is attached as it is.",
        "Volumes that an image service had written were refused as an "
        "attack, since their size was no whole number of GiB.",
        "section 8",
        ("bug 2073146", "commit c68475a3d"),
        requires=(
            Capability.overlay_files,
            Capability.cinder_share_layout,
            Capability.raw_base,
        ),
        profiles=EVERY_DRIVER,
    ),
)
