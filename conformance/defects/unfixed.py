# SPDX-License-Identifier: Apache-2.0
"""Defects that are still in Cinder 29."""

from __future__ import annotations

from conformance.defects.defect import Defect

DEFECTS = (
    Defect(
        ("LIVE-1",),
        "A completion that is left from the create, or from a delete that "
        "failed, is taken for that of the next delete.",
        ("REP-007",),
        "To clear it is the volume manager's.",
        (
            "test_store_starts::test_delete_clears_the_earlier_attempt",
            "test_manager_legacy::"
            "test_a_stale_completion_does_not_count_after_force",
        ),
    ),
    Defect(
        ("LIVE-2",),
        "A create that is reported available is waited for without a pause "
        "and without end.",
        ("REP-003", "HKS-003"),
        "That the poll of such a driver ends is the volume manager's.",
        (
            "test_manager_legacy::"
            "test_available_does_not_end_the_poll_in_an_endless_loop",
        ),
    ),
    Defect(
        ("LIVE-3",),
        "Every member of a project may forge a report, and have files "
        "removed that are in use.",
        ("DEL-003",),
        "Who may report is the status API's.",
        ("test_status_api_checks::test_policy",),
    ),
    Defect(
        ("LIVE-4",),
        "Overlays of encrypted volumes are committed into the base image, "
        "past the images between.",
        ("ENC-002",),
    ),
    Defect(
        ("LIVE-5",),
        "One driver's copy of a snapshot takes other arguments than it is "
        "called with.",
        ("ABL-001", "ABL-002"),
        "The method is an internal one, so SIG-004 does not see it.",
    ),
    Defect(
        ("LIVE-6",),
        "Without a recorded format a create fails when the guest has been "
        "switched, and before that is recorded.",
        ("FMT-003",),
    ),
    Defect(
        ("LIVE-7",),
        "The format of a backing file is probed: a raw volume that holds a "
        "qcow2 image reads as that one after a snapshot.",
        ("CRE-007", "CRE-002", "HKS-007"),
    ),
    Defect(
        ("LIVE-8",),
        "The base image is recorded as qcow2 before Nova has pulled it, and "
        "stays so when that fails.",
        ("REP-007", "UPD-008"),
    ),
    Defect(
        ("LIVE-9",),
        "Creating a volume from a snapshot locks the new volume, and a "
        "neighbour of the snapshot may be deleted meanwhile.",
        reason="Belongs to the volume manager, which holds the source's "
        "chain.",
        tests=(
            "test_manager_waits::test_a_delete_waits_for_who_reads_the_chain",
        ),
    ),
    Defect(
        ("LIVE-10",),
        "One driver takes snapshots under one lock, and deletes them under "
        "another.",
        reason="Belongs to the volume manager: both need the chain's claim.",
        tests=(
            "test_manager_chains::"
            "test_the_second_waits_for_the_first_one_s_report",
        ),
    ),
    Defect(
        ("LIVE-11",),
        "Nova does not report that an instance is gone; the driver waits ten "
        "minutes, with the volume's lock.",
        ("HKS-003", "HKS-005", "ERR-004"),
        "The deadline is the volume manager's.",
        ("test_manager_failures::test_a_lost_guest_ends_like_the_deadline",),
    ),
    Defect(
        ("LIVE-13",),
        "A report with a field that is new is refused.",
        ("REP-001", "REP-002"),
        "Which fields are taken is the status API's.",
        ("test_status_api::test_with_hooks", "test_status_api::test_legacy"),
    ),
    Defect(
        ("LIVE-14",),
        "For a stopped guest Nova merges by a command that probes what the "
        "guest wrote.",
        ("DEL-006",),
    ),
    Defect(
        ("LIVE-15",),
        "A method that nobody calls would fail with TypeError.",
        reason="One driver's internals: what is never called has no effect.",
    ),
    Defect(
        ("LIVE-16",),
        "A revert copies over the active image, whose header it destroys.",
        ("ABL-008",),
    ),
    Defect(
        ("Cinder 29, _copy_volume_from_snapshot",),
        "The size that is asked of a copy is not looked at.",
        ("ABL-015",),
    ),
    Defect(
        ("LIVE-17",),
        "The overlay of a create that failed outlives its snapshot and its "
        "volume.",
        ("CAL-007", "DEL-010"),
    ),
    Defect(
        ("LIVE-18",),
        "A create that fails overwrites the status that a delete has set.",
        reason="Belongs to the volume manager.",
        tests=(
            "test_manager_failures::test_a_status_somebody_else_set_stands",
        ),
    ),
)
