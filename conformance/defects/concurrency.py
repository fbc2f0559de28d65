# SPDX-License-Identifier: Apache-2.0
"""Defects of locks, and of statuses that keep others out."""

from __future__ import annotations

from conformance.defects.defect import Defect

DEFECTS = (
    Defect(
        ("bug 1251425", "commit 8a1fd8889"),
        "Snapshots of one volume were taken at the same time, and both "
        "overlays were put on one image.",
        ("DAT-001", "CCY-001"),
        "One operation at a time on a chain is the volume manager's.",
        (
            "test_manager_chains::test_many_run_in_the_order_in_which_they_came",
        ),
    ),
    Defect(
        ("bug 1267983", "commit 06999f610"),
        "A volume was cloned or uploaded while its chain was changed.",
        reason="Belongs to the volume manager, which holds the chain "
        "meanwhile.",
        tests=(
            "test_manager_upload::test_the_chain_is_held",
            "test_manager_waits::test_a_delete_waits_for_who_reads_the_chain",
        ),
    ),
    Defect(
        ("bug 1272092", "commit e9722f09d"),
        "A clone waited for the lock that it held itself.",
        ("ABL-003",),
    ),
    Defect(
        ("commit f16c12169", "commit acf19befe"),
        "One lock for all volumes kept them waiting for one merge.",
        ("HKS-005",),
    ),
    Defect(
        ("bug 1660584", "bug 1606698", "bug 1607074"),
        "Locks that only one process sees let two volume services work on "
        "one chain.",
        ("HKS-004",),
        "The lock of a chain is the volume manager's; a driver's part is "
        "that what it knows is not in one process's memory.",
        ("test_manager_chains::test_two_managers_take_turns",),
    ),
    Defect(
        ("bug 1851512", "bug 1852449", "commit 7cc2e402f"),
        "A clone locked the new volume and not its source: the second clone "
        "failed.",
        ("CAL-005",),
    ),
    Defect(
        ("bug 1840712", "commit f3ed9d436"),
        "The temporary snapshots of two clones had the same name.",
        ("CAL-005",),
    ),
    Defect(
        ("bug 1251334", "commit 4f6e5fcc2"),
        "A snapshot was deleted while a volume was being created from it.",
        reason="Belongs to the volume manager, which holds the chain "
        "meanwhile; that the copy needs its source no more is ABL-002's.",
        tests=(
            "test_manager_waits::test_a_delete_waits_for_who_reads_the_chain",
        ),
    ),
    Defect(
        ("bug 1366083", "bug 1434502", "commit 9cc9cf111"),
        "The list of mounted shares was emptied and filled again while "
        "others read it.",
        reason="A driver's own list, which shows only at the moment when "
        "its statistics are refreshed; the contract has no statistics.",
    ),
    Defect(
        ("bug 1681406", "commit 78a532cdd"),
        "Snapshots could not be deleted together with their volume, whose "
        "status is deleting then.",
        ("CAL-006", "UPD-014"),
    ),
    Defect(
        ("bug 1685277", "commit 63b9f0fb8"),
        "A volume that was downloading could not be cloned into the image "
        "cache.",
        ("CAL-008", "UPD-002"),
    ),
    Defect(
        ("bug 1875570", "commit e52ab1a3a"),
        "Temporary snapshots were told by how their ids begin, and no more "
        "when those changed.",
        ("CAL-003", "CAL-004"),
    ),
    Defect(
        ("bug 1888951", "bug 1703405", "commit a21bf4141"),
        "No volume could be created from a snapshot that was backing-up.",
        ("CAL-008", "CAL-002"),
    ),
    Defect(
        ("bug 1946059", "commit 862edca0d"),
        "No volume could be created from a snapshot that was restoring, and "
        "a revert failed.",
        ("CAL-008",),
    ),
    Defect(
        ("bug 1842088", "commit 5714bdb84"),
        "With snapshots switched off, those in error could not be deleted.",
        reason="Which option switches them off only the driver knows; DEL-001 "
        "is to be run with a configuration file that sets it.",
    ),
    Defect(
        ("bug 1244238", "commit bfb66019e"),
        "A clone's file had another name than the clone.",
        ("ABL-003",),
    ),
    Defect(
        ("bug 1923828", "bug 1923829", "bug 1923830", "commit 94dfad99c"),
        "Temporary snapshots were counted for their owner's quota.",
        reason="Belongs to the volume manager, which says so in their rows; "
        "a hook that sets it fails UPD-001.",
        tests=(
            "test_manager_backup::test_a_volume_made_from_a_temporary_"
            "snapshot_is_read",
        ),
    ),
    Defect(
        ("bug 1970768", "commit 53c13891b"),
        "Users could delete a temporary volume that was in use.",
        reason="Belongs to the volume manager.",
        tests=(
            "test_manager_backup::"
            "test_the_copy_is_nobody_s_to_delete_meanwhile",
            "test_manager_backup::"
            "test_the_snapshot_is_nobody_s_to_delete_meanwhile",
        ),
    ),
)
