# SPDX-License-Identifier: Apache-2.0
"""Defects of reports, of waiting for them, and of the API."""

from __future__ import annotations

from conformance.defects.defect import Defect

DEFECTS = (
    Defect(
        ("bug 1538496", "commit 94b3288fe"),
        "The wait for a create never ended when the snapshot was deleted "
        "meanwhile, and took all of a processor.",
        ("REP-004", "REP-008"),
        "With the hooks nobody polls; how a legacy driver's call ends that "
        "was overtaken by a delete is the volume manager's.",
        ("test_manager_legacy::test_force_while_the_driver_polls",),
    ),
    Defect(
        ("bug 1273894", "commit 5c79c08f7"),
        "Cinder gave up a merge after ten minutes, while Nova was at it.",
        ("REP-008", "ATT-001", "ATT-002"),
    ),
    Defect(
        ("bug 1744692", "commit 78f2101fc"),
        "The temporary snapshot of a clone had no row: Nova had nothing to "
        "report on.",
        ("CAL-004",),
        "Taking it is the volume manager's.",
        (
            "test_manager_connections::"
            "test_of_an_attached_volume_takes_a_temporary_snapshot",
        ),
    ),
    Defect(
        ("commit 3aef51279",),
        "A report without a status was an error of the server's.",
        reason="Belongs to the status API.",
        tests=(
            "test_status_api_checks::"
            "test_malformed_whoever_asks_about_whatever",
        ),
    ),
    Defect(
        ("bug 1714858", "commit 739107047"),
        "Whoever asked was not compared with the snapshot's owner.",
        reason="Belongs to the status API.",
        tests=("test_status_api_checks::test_policy",),
    ),
    Defect(
        ("bug 1759473", "commit ad78f24812"),
        "When a guest vanished during a create, Nova reported nothing.",
        ("ERR-004", "ERR-005", "CON-005"),
    ),
    Defect(
        ("bug 1310526", "commit e71006c49"),
        "Snapshots were stuck in creating when the volume service had been "
        "restarted.",
        ("RST-001", "CRE-004", "CRE-008", "ERR-004"),
    ),
    Defect(
        ("bug 1586604", "commit bc9d737c8"),
        "Snapshots were stuck in deleting when the volume service had been "
        "restarted.",
        ("RST-002", "DEL-004", "DEL-011", "ATT-003"),
    ),
    Defect(
        ("bug 1490944", "commit 22b430025"),
        "Two deletes of one snapshot were both carried out.",
        reason="Belongs to the volume manager: only one of them gets the row.",
        tests=("test_store_starts::test_only_one_of_two_deletes_is_accepted",),
    ),
    Defect(
        ("bug 1739995", "commit 7ccfb2c8d"),
        "A snapshot was taken of a volume that was deleted at the same time.",
        ("CRE-009",),
        "The statuses are the volume manager's.",
        (
            "test_store_starts::"
            "test_no_snapshot_of_a_volume_that_is_being_deleted",
        ),
    ),
    Defect(
        ("commit 0a34a5a29",),
        "After a revert that failed the snapshot had the wrong status, and "
        "the volume, whose overlay had been removed first, no active image.",
        ("CMD-004",),
        "The statuses are the volume manager's.",
        ("test_manager_revert::test_the_driver_fails",),
    ),
    Defect(
        ("bug 1572303", "commit 4ad8a86b30"),
        "Nova's schema took requests with anything in them, and later "
        "refused those that had more than it knows.",
        ("UPD-001",),
        "What goes to Nova is built by the volume manager.",
        (
            "test_manager_assisted::test_nova_gets_the_request_and_nothing_else",
        ),
    ),
    Defect(
        ("commit b626c2a637",),
        "Nova sends 90% with every status, errors included.",
        ("UPD-007", "REP-004", "REP-005", "REP-006"),
    ),
)
