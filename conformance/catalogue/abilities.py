# SPDX-License-Identifier: Apache-2.0
"""Optional abilities: copies, extend, revert, upload, encryption."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST

RULES = (
    Rule(
        "ABL-001",
        MUST,
        "A volume created from a snapshot holds what that snapshot holds, "
        "also after its neighbours were deleted.",
        "After a merge the data of a snapshot is in another file than "
        "before; who finds it by its name copies something else, or "
        "nothing.",
        "section 3, deleting",
        (
            "bug 1468445",
            "bug 1262880",
            "bug 1694635",
            "LIVE-5",
        ),
        (Capability.create_from_snapshot,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-002",
        MUST,
        "A volume created from a snapshot shares nothing with its source: "
        "neither writing to one nor deleting the snapshot changes the "
        "other.",
        "A copy that shares a file with its source reads as the source "
        "from the next merge on.",
        "section 5",
        (
            "bug 1251334",
            "LIVE-5",
        ),
        (Capability.create_from_snapshot,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-003",
        MUST,
        "A clone of a detached volume holds what the volume holds, with "
        "snapshots and without.",
        "Who copies one file of a chain copies the past, or a part.",
        "section 1",
        (
            "bug 1275977",
            "bug 1272092",
            "bug 1244238",
        ),
        (Capability.clone,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-004",
        MUST,
        "A clone, and a volume created from a snapshot, can be snapshotted "
        "at once, and keep every byte.",
        "The format of the new volume was not recorded, and its first "
        "snapshot failed when the guest had been switched.",
        "section 3",
        ("bug 2142477",),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-005",
        MUST,
        "A raw volume whose guest wrote a qcow2 header is copied and "
        "uploaded as raw.",
        "Whoever probes follows the guest's header, on to any file of the "
        "host.",
        "section 3",
        ("CVE-2015-1851", "CVE-2015-7548", "bug 2073146"),
        (Capability.raw_base,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-006",
        MUST,
        "After a volume with snapshots was extended, it can be written to "
        "at its new end, and every snapshot is as large as it was and "
        "reads as before.",
        "The base image was resized: the guest saw the old size, and the "
        "snapshots were no longer what had been taken.",
        "section 3",
        (
            "bug 1499452",
            "bug 1470148",
            "bug 2103742",
        ),
        (Capability.extend_with_snapshots,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-007",
        MUST,
        "Extending a volume that is attached or has snapshots either works "
        "or raises with nothing changed; the guest keeps every byte.",
        "An image was resized and the extend refused after that, or an "
        "offline command worked on what a guest had open.",
        "section 5",
        ("bug 1870367", "bug 1687048", "bug 2103742"),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-008",
        MUST,
        "A volume that was reverted reads as its newest snapshot, which "
        "stays as it was: it can be reverted to again, and snapshots can "
        "be taken and deleted as ever.",
        "Copying over the active image destroys an overlay, and dropping "
        "the overlay loses the snapshot.",
        "section 5",
        ("LIVE-16", "commit 0a34a5a29"),
        (Capability.revert,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-009",
        MUST,
        "An image that a volume is uploaded as holds all that the volume "
        "holds, and needs no other file.",
        "The image had the active overlay alone, without what is below it.",
        "section 1",
        ("bug 1275977", "CVE-2015-1851"),
        (Capability.upload,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-010",
        MUST,
        "While the outcome of a create or a delete is in doubt, extend, "
        "clone, upload and revert are refused and change nothing.",
        "They worked on an image that the guest may have left long ago.",
        "section 5",
        ("bug 1310526", "bug 1311182"),
        (Capability.overlay_files,),
    ),
    Rule(
        "ABL-011",
        Level.SHOULD,
        "A driver without encryption refuses to create an encrypted volume "
        "or a snapshot of one, and changes nothing.",
        "What the user believes to be encrypted lies on the share as it is.",
        "section 1",
        ("bug 1675469", "LIVE-4"),
        (Capability.overlay_files,),
    ),
    Rule(
        "ABL-012",
        MUST,
        "A raw volume whose guest wrote a qcow2 header is extended as raw, "
        "or not at all.",
        "Whoever probes resizes the image that the guest wrote: its header "
        "is changed, and the disk stays as it was.",
        "section 3",
        ("CVE-2026-24708", "bug 2137507"),
        (Capability.raw_base,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-013",
        Level.SHOULD,
        "A copy has the owner of a new volume's image, and everybody may do "
        "with it what he may do with that.",
        "QEMU runs as another user: it could not open the copy, and the "
        "volume could not be attached.",
        "section 1",
        ("bug 1254768",),
        (Capability.overlay_files,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-014",
        Level.SHOULD,
        "A volume that is to be encrypted is not made as a plain copy of "
        "one that is not.",
        "What the user believes to be encrypted lies on the share as it is, "
        "and no guest can open it with its key.",
        "section 1",
        ("bug 1572007", "bug 1572009"),
        (Capability.overlay_files,),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ABL-015",
        MUST,
        "A copy that is asked to be larger than its source is as large as "
        "was asked, and its new end is empty.",
        "The size was recorded and paid for, and the guest had the source's.",
        "section 1",
        ("Cinder 29, _copy_volume_from_snapshot",),
        profiles=EVERY_DRIVER,
    ),
)
