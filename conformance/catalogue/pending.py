# SPDX-License-Identifier: Apache-2.0
"""Creates that ended badly: what is refused until they are deleted."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)

RULES = (
    Rule(
        "PND-001",
        MUST,
        "While a create is pending, the delete of another snapshot is "
        "refused and nothing is changed.",
        "Merged under an overlay that the guest may have been switched to, "
        "the chain was no longer the one that the overlay was made for.",
        "section 5",
        ("bug 1311182",),
        requires=OVERLAYS,
    ),
    Rule(
        "PND-002",
        MUST,
        "While a create is pending, extending the volume is refused and "
        "nothing is changed.",
        "The image that was grown was the one that the guest had left: it "
        "saw the old size for ever.",
        "section 5",
        ("bug 1499452",),
        requires=(*OVERLAYS, Capability.extend_with_snapshots),
    ),
    Rule(
        "PND-003",
        MUST,
        "While a create is pending, cloning the volume is refused and "
        "nothing is changed.",
        "The clone was copied from the image that the guest had left, and "
        "lacked what it had written since.",
        "section 5",
        ("bug 1267983",),
        requires=(*OVERLAYS, Capability.clone),
    ),
    Rule(
        "PND-004",
        MUST,
        "While a create is pending, creating a volume from another snapshot "
        "is refused and nothing is changed.",
        "The chain that is copied from is in doubt, and what was copied "
        "could not be told from what the snapshot held.",
        "section 5",
        requires=(*OVERLAYS, Capability.create_from_snapshot),
    ),
    Rule(
        "PND-005",
        MUST,
        "While a recorded overlay is not in the active image's chain, every "
        "operation but the delete of its snapshot is refused and nothing is "
        "changed.",
        "The delete was carried out and never reported; what went on as if "
        "it had not been put the next overlay, or the next merge, in the "
        "wrong place.",
        "section 5",
        ("bug 1311182",),
        requires=OVERLAYS,
    ),
    Rule(
        "PND-006",
        MUST,
        "A create that the compute service refused is not pending: other "
        "operations go ahead.",
        "A snapshot that had failed at once kept its volume from being "
        "copied, and its other snapshots from being deleted.",
        "section 5",
        ("bug 1657585",),
        requires=OVERLAYS,
    ),
    Rule(
        "PND-007",
        MUST,
        "Deleting a pending create of a detached volume commits its overlay "
        "and removes it: the old image is active, and no file is left.",
        "The overlay of every failed snapshot stayed on the share, deleted "
        "neither with its snapshot nor with its volume.",
        "section 5",
        ("bug 1300303",),
        requires=OVERLAYS,
    ),
    Rule(
        "PND-008",
        MUST,
        "Deleting a pending create of an attached volume requests nothing "
        "and leaves no file outside the chain of the image in use.",
        "The compute service refuses to merge the image that a guest "
        "writes to; removed instead, it took the guest's data with it.",
        "section 5",
        ("bug 1310526", "bug 1629371"),
        requires=OVERLAYS,
    ),
    Rule(
        "PND-009",
        MUST,
        "Deleting a pending create in which qemu-img failed is finished "
        "when it is repeated, and keeps every byte that the guest wrote.",
        "By its second attempt the snapshot is like one that was half "
        "deleted: its overlay was taken for merged, and removed.",
        "section 5",
        requires=OVERLAYS,
    ),
)
