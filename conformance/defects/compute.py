# SPDX-License-Identifier: Apache-2.0
"""Defects of the compute service, and what a driver makes of them."""

from __future__ import annotations

from conformance.defects.defect import Defect

DEFECTS = (
    Defect(
        ("bug 2119353", "commit 668d9d37f8"),
        "Nova wrote absolute names into headers, and the next delete refused "
        "the chain.",
        ("SEC-013", "CRE-006", "DEL-013"),
    ),
    Defect(
        ("bug 1885528", "commit b933312579"),
        "Nova did not find relative names, which it looked up in its own "
        "directory.",
        ("UPD-004", "UPD-005", "CRE-006"),
    ),
    Defect(
        ("bug 1919487", "commit 99409375a0"),
        "Nova refuses to commit for an instance that is stopped; records had "
        "been changed by then.",
        ("ERR-003", "ERR-009", "LAY-002", "UPD-008"),
    ),
    Defect(
        ("bug 1444806", "bug 1465416", "commit 1cf793df25"),
        "Deleting the newest snapshot failed for a stopped instance.",
        ("ERR-009",),
    ),
    Defect(
        ("bug 1477110", "commit 7d5df265e5"),
        "A pull of everything names no file, which some could not handle.",
        ("UPD-005",),
    ),
    Defect(
        ("bug 1475202", "commit 45d73c49bd"),
        "A flag that only goes with a file was set where there was none.",
        ("UPD-005",),
    ),
    Defect(
        ("bug 1438027", "commit 7458c85daa"),
        "After a merge in a chain of three headers had absolute names.",
        ("DEL-013", "CRE-006"),
    ),
    Defect(
        ("bug 1288976", "commit 124c9b6826"),
        "A snapshot switched other disks of the instance, too.",
        reason="Belongs to Nova.",
        tests=(
            "test_fakes_nova::"
            "test_other_disks_of_the_instance_stay_as_they_are",
        ),
    ),
    Defect(
        ("bug 1260123", "commit e3ac20fca7"),
        "Nova waited for a job without end, and never reported.",
        ("ATT-001",),
        "Not to wait without end is the volume manager's.",
        ("test_manager_failures::test_never_reports",),
    ),
    Defect(
        ("bug 1530275", "commit 6b20239a5d"),
        "Nova took a job that had not begun for one that was done.",
        ("DEL-003",),
    ),
    Defect(
        ("bug 1627134", "commit 0f4bd24166"),
        "Nova takes a job that it cannot find for one that was done.",
        ("DEL-003",),
    ),
    Defect(
        ("bug 1643017", "commit 9ed7826419"),
        "Nova went on before a job was ready.",
        ("DEL-003",),
    ),
    Defect(
        ("bug 1713735", "commit 074614f077"),
        "Nova did not find the volume, and Cinder left the overlay behind.",
        ("ERR-002",),
    ),
    Defect(
        ("bug 1657585", "commit 70afc0d540"),
        "Nova refused an instance that was busy, and the next snapshot "
        "failed on the overlay that was left.",
        ("ERR-002", "PND-006"),
    ),
    Defect(
        ("bug 1629371", "bug 1731986", "commit e659a6e7cb"),
        "Quiescing the guest failed, and an error was reported after a part "
        "of the work.",
        ("ERR-005", "REP-005", "LAY-002"),
    ),
    Defect(
        ("bug 1346191", "commit 5c3f212343"),
        "Nova stored the running instance's definition over its own.",
        reason="Belongs to Nova. What an instance opens when it is restarted "
        "is read back all over the suite.",
        tests=(
            "test_fakes_connection_info::"
            "test_a_restart_opens_what_nova_knows_and_not_what_is_stored",
        ),
    ),
    Defect(
        ("bug 1308736", "bug 1522402", "commit f914cb185c"),
        "Nova was called with the user's own rights, and refused.",
        ("ERR-002", "ERR-003", "HKS-002"),
        "Calling it is the volume manager's; a driver's part is to leave "
        "that alone, and to stand a 401 or a 403.",
        ("test_manager_refusals::test_refuses",),
    ),
)
