# SPDX-License-Identifier: Apache-2.0
"""Encrypted volumes of a driver that says that it can."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
ENCRYPTED = (Capability.encryption, Capability.overlay_files)

RULES = (
    Rule(
        "ENC-001",
        MUST,
        "Every image of an encrypted volume is encrypted with LUKS, the "
        "overlay of a snapshot as well as the base image, and nothing that "
        "the guest wrote is readable on the share.",
        "What the user believes to be encrypted lies on the share as it is, "
        "from the first snapshot on.",
        "section 1",
        ("bug 1675469",),
        ENCRYPTED,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ENC-002",
        MUST,
        "Taking and deleting snapshots of a detached encrypted volume, at "
        "any position, changes no byte of the volume or of any other "
        "snapshot.",
        "Encryption has commands of its own: they committed every overlay "
        "into the base image, over what older snapshots hold, and what the "
        "guest wrote last was lost.",
        "section 5",
        ("LIVE-4", "bug 2138330"),
        ENCRYPTED,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ENC-003",
        MUST,
        "Taking and deleting snapshots of an attached encrypted volume "
        "changes no byte of the volume or of any other snapshot, and "
        "everything that the guest writes is encrypted.",
        "The guest is switched to an overlay that its key does not open, or "
        "that needs none.",
        "section 5",
        ("bug 1675469",),
        ENCRYPTED,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ENC-004",
        MUST,
        "The passphrase of an encrypted volume is not in the argv of a "
        "command, a model update, connection information or a file on the "
        "share.",
        "Every user of the host reads argv; and whoever reads the share, "
        "or an attachment, has the key with the data.",
        "section 8",
        ("commit 44c7da9a4",),
        ENCRYPTED,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ENC-005",
        MUST,
        "The passphrase of an encrypted volume is not logged at any level, "
        "printed, or in an exception's text, also when a command fails.",
        "Logs are collected, kept and read by many: whoever has one and a "
        "copy of the share has the data.",
        "section 8",
        ("commit 44c7da9a4",),
        ENCRYPTED,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ENC-006",
        Level.SHOULD,
        "An overlay of an encrypted volume that is not encrypted is refused, "
        "and nothing is changed.",
        "Whoever can write on the share puts a plain image in the place of "
        "an encrypted one, and reads what the guest writes from then on.",
        "section 8",
        (),
        ENCRYPTED,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "ENC-007",
        MUST,
        "The key is the one that the volume names when a hook is called: "
        "where there is none, nothing is begun and nothing is changed.",
        "A key that was migrated while a snapshot was taken has another id "
        "afterwards; and a key that is missed in complete is missed when "
        "the guest was switched.",
        "section 5",
        ("bug 1756139", "bug 1926630"),
        ENCRYPTED,
    ),
    Rule(
        "ENC-008",
        MUST,
        "A copy of an encrypted volume or snapshot is encrypted or refused: "
        "nothing that the guest wrote becomes readable on the share.",
        "What was encrypted lies on the share as it is, in a volume whose "
        "type does not ask for encryption.",
        "section 1",
        ("bug 1572007", "bug 1572009"),
        ENCRYPTED,
        profiles=EVERY_DRIVER,
    ),
)
