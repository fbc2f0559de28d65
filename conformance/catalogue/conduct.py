# SPDX-License-Identifier: Apache-2.0
"""What a driver must not do while it is called."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)
LAYOUT = (Capability.cinder_share_layout,)

RULES = (
    Rule(
        "HKS-001",
        MUST,
        "No hook writes the database; what it wants persisted it returns.",
        "What a hook writes is there while its update is not: a crash "
        "between the two leaves half of it, and a status that it sets "
        "takes the snapshot away from the manager.",
        "section 1",
        ("commit 81e5a9290",),
    ),
    Rule(
        "HKS-002",
        MUST,
        "No hook calls the compute service.",
        "Nova would be told twice, or before anything is stored that "
        "survives a crash.",
        "section 1",
        ("bug 1308736",),
    ),
    Rule(
        "HKS-003",
        MUST,
        "No hook waits for the compute service: none reads its reference "
        "again, or sleeps for longer than its storage may need.",
        "A thread of the volume service, and the driver's lock with it, is "
        "taken for hours; a few such snapshots stop the service.",
        "section 1",
        ("LIVE-2", "LIVE-11"),
    ),
    Rule(
        "HKS-004",
        MUST,
        "Another instance, in the same process or another one, completes "
        "what an instance began.",
        "After a restart, or with two volume services on one back end, "
        "what was kept in memory is gone or is somebody else's.",
        "sections 2 and 4",
        (
            "bug 1660584",
            "bug 1606698",
            "bug 1607074",
            "bug 1615667",
        ),
    ),
    Rule(
        "HKS-005",
        MUST,
        "While a snapshot waits for the compute service, other volumes' "
        "snapshots and the volume's connections are served.",
        "A lock that is held until the compute service has reported "
        "blocks every volume of the back end for two hours.",
        "section 4",
        (
            "commit f16c12169",
            "commit acf19befe",
            "LIVE-11",
        ),
    ),
    Rule(
        "HKS-006",
        MUST,
        "No hook writes or replaces an image that a guest has open.",
        "Two writers of one qcow2 image lose clusters of both, and QEMU "
        "refuses to open what somebody else has open for writing.",
        "sections 2 and 5",
        ("bug 1731992", "bug 1758114"),
        OVERLAYS,
    ),
    Rule(
        "HKS-007",
        MUST,
        "Every qemu-img command of the driver names the format of each "
        "image that it opens, and of each backing file that it sets.",
        "QEMU takes a format that it is not told from what the guest "
        "wrote: a guest makes its raw volume a qcow2 image with a backing "
        "file on the host, and reads that.",
        "section 3",
        (
            "CVE-2015-7548",
            "CVE-2022-47951",
            "CVE-2026-24708",
            "LIVE-7",
            "commit 3acf94de1",
        ),
        OVERLAYS,
        EVERY_DRIVER,
    ),
    Rule(
        "HKS-008",
        MUST,
        "No name that was read from the share reaches a command line as an "
        "option or as a pseudo-file.",
        "Whoever can write on the share has the volume service open a "
        "socket, a device or a file of the host's, or run with other "
        "options.",
        "section 8",
        ("bug 2073275",),
        requires=LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "HKS-009",
        MUST,
        "No secret is in the argv of a command, or in a model update "
        "outside of provider_auth.",
        "Every user of the host reads argv, and what is stored comes out "
        "in places where nobody expects a secret.",
        "section 8",
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "HKS-010",
        MUST,
        "No secret is logged at any level, printed, or in an exception's "
        "text.",
        "Logs are collected, kept and read by many; a token in one is a "
        "login for everybody.",
        "section 8",
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "HKS-011",
        MUST,
        "A qemu-img command that inspects an image runs under limits of "
        "memory and CPU time, and one that moves data under none of CPU "
        "time.",
        "A crafted image takes all memory of the volume service's host; and "
        "a merge that is killed after 30 s of CPU time is never finished.",
        "section 8",
        ("CVE-2015-5162", "bug 1449062", "bug 1646181"),
        OVERLAYS,
        EVERY_DRIVER,
    ),
)
