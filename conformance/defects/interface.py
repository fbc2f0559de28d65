# SPDX-License-Identifier: Apache-2.0
"""Defects of the interface, of permissions and of encryption."""

from __future__ import annotations

from conformance.defects.defect import Defect

DEFECTS = (
    Defect(
        ("bug 1437271", "bug 1441050", "bug 1674611", "commit 7e5fbef49"),
        "A wrapper that took a lock forgot to return what was returned to "
        "it, in four drivers.",
        ("UPD-002",),
    ),
    Defect(
        ("bug 2042102", "bug 1437290", "commit 86877a7d4"),
        "An override kept the arguments of long ago: TypeError.",
        ("SIG-001", "SIG-003", "SIG-004"),
    ),
    Defect(
        ("bug 1575888", "commit 24ea17ab2"),
        "What a driver returned was stored for users' snapshots only, and "
        "not for those of groups, backups and clones.",
        reason="Belongs to the volume manager.",
        tests=(
            "test_manager_groups::test_is_taken_and_deleted",
            "test_manager_assisted::test_updates_of_both_hooks_are_stored",
        ),
    ),
    Defect(
        ("Cinder 29, Snapshot.update",),
        "Unknown keys of a model update are dropped without a word, and "
        "some known ones change another row.",
        ("UPD-001",),
    ),
    Defect(
        ("bug 1487952", "commit 20ac9cac7"),
        "What an update did not mention was reset.",
        reason="Belongs to the volume manager.",
        tests=(
            "test_manager_assisted::test_updates_of_both_hooks_are_stored",
        ),
    ),
    Defect(
        ("bug 1286376", "commit 186f23998"),
        "QEMU could not open the overlay: its mode was not the volume's.",
        ("CRE-010",),
    ),
    Defect(
        ("bug 1254768", "commit 9c816aa0c"),
        "QEMU could not open a clone: its mode was not a volume's.",
        ("ABL-013",),
    ),
    Defect(
        ("bug 1236966", "commit 371fa5406"),
        "That a share cannot be written to was found out late.",
        ("ERR-007",),
        "The kit may run as root, from whom no permission can be taken; "
        "ERR-007 has complete fail in its stead, and CMD-001 begin.",
    ),
    Defect(
        ("commit dbc9c7ca5",),
        "An image that QEMU had taken over could not be inspected.",
        reason="The kit may run as root, from whom no permission can be "
        "taken.",
    ),
    Defect(
        ("bug 1731992", "bug 1758114", "commit 524a74c6b"),
        "QEMU locks what it has open: inspecting it failed, or was done by "
        "commands that write.",
        ("HKS-006", "DAT-003"),
    ),
    Defect(
        ("bug 1685012", "commit 76cb3a46a"),
        "A check at start-up went well, and chose a mode in which nothing "
        "could be written.",
        reason="One driver's options; what fails for all volumes fails in "
        "every rule.",
    ),
    Defect(
        ("commit 2d77a7a87",),
        "Options that exclude one another were found out at the first delete.",
        reason="One driver's options; the kit constructs it with those of "
        "its configuration file, and says why if it refuses them.",
    ),
    Defect(
        ("bug 1675469", "commit e626f54f8"),
        "A driver that cannot encrypt made a plain file of a volume that was "
        "to be encrypted.",
        ("ABL-011", "ENC-001", "ENC-003"),
    ),
    Defect(
        ("bug 2138330", "commit 93638e95d"),
        "Commands for encrypted volumes lacked what had been mended in the "
        "others.",
        ("ENC-002",),
    ),
    Defect(
        ("bug 1756139", "commit 768c52352"),
        "A key was migrated while a snapshot was taken, which kept the id "
        "of the old one.",
        ("ENC-007",),
        "The id in a snapshot's row is the volume manager's.",
    ),
    Defect(
        ("bug 1572007", "bug 1572009", "commit 55fe4a2d7"),
        "An encrypted volume was made as a plain copy of a plain one, or a "
        "plain one of an encrypted one.",
        ("ABL-014", "ENC-008"),
    ),
    Defect(
        ("bug 1926630", "commit 0a1cc1a2d"),
        "What was wrong with an encryption was found out half way.",
        ("ENC-007",),
    ),
    Defect(
        ("commit 44c7da9a4",),
        "A passphrase has to be handed to qemu-img, and is easily left where "
        "others read it.",
        ("ENC-004", "ENC-005"),
    ),
)
