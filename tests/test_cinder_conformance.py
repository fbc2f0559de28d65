# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's drivers before the suite, as Cinder ships them.

NfsDriver fails by known defects, and by no others.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from cinder_database import needs_cinder
from cinder_findings import FINDINGS
from cinder_findings import NFS_DRIVER

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Profile
from conformance.catalogue import BY_ID
from conformance.catalogue import RULES
from tests.command_line import assisted_kit_run

SAMPLE = (
    "CRE-001",
    "CRE-002",
    "DEL-006",
    "HKS-011",
    "REP-001",
    "REP-007",
)
"""What is quick, and has some of both."""

UNDECLARED = {Capability.revert, Capability.upload}
"""What the suite does not ask of NfsDriver."""

PATIENCE = 20
"""Seconds that three calls of NfsDriver's do not return in, nor ever."""

LEGACY = {rule.id for rule in RULES if Profile.LEGACY in rule.profiles}


def test_every_finding_is_of_a_rule_for_legacy_drivers() -> None:
    assert FINDINGS.keys() <= LEGACY
    assert 0 < len(FINDINGS.keys() & {*SAMPLE}) < len(SAMPLE)


@needs_cinder
@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(SAMPLE, id="sample"),
        pytest.param((), id="all", marks=pytest.mark.slow),
    ],
)
def test_nfs_driver_fails_by_what_is_known(
    rules: tuple[str, ...], tmp_path: Path
) -> None:
    config = tmp_path / "kit.conf"
    config.write_text(f"[assisted_kit]\npatience = {PATIENCE}\n")
    done = assisted_kit_run(
        tmp_path, "--driver", NFS_DRIVER, "--config", str(config), rules=rules
    )
    assert done.result is not None, done.errors
    assert done.result["driver"] == NFS_DRIVER
    asked = set(rules or BY_ID)
    assert done.statuses == {rule: expected(rule) for rule in asked}, (
        done.output
    )


@needs_cinder
@pytest.mark.parametrize(
    ("driver", "statuses"),
    [
        (
            "quobyte:QuobyteDriver",
            {
                **dict.fromkeys(SAMPLE, "failed"),
                **dict.fromkeys(("CRE-001", "HKS-011", "REP-001"), "passed"),
            },
        ),
        # A raw volume is attached as "iso", which no hypervisor knows, and
        # the format of a qcow2 one is recorded nowhere, so that its first
        # snapshot ends in KeyError.
        (
            "vzstorage:VZStorageDriver",
            {**dict.fromkeys(SAMPLE, "not arranged"), "DAT-001": "failed"},
        ),
    ],
)
def test_cinders_other_drivers_are_judged_as_they_are(
    driver: str, statuses: dict[str, str], tmp_path: Path
) -> None:
    name = f"cinder.volume.drivers.{driver}"
    rules = tuple(statuses)
    done = assisted_kit_run(tmp_path, "--driver", name, rules=rules)
    assert done.result is not None, done.errors
    assert done.result["driver"] == name
    assert done.result["profile"] == "legacy"
    assert done.statuses == statuses, done.output


def expected(rule: str) -> str:
    """The status of a rule for NfsDriver."""
    if rule not in LEGACY:
        return "not applicable"
    if UNDECLARED & {*BY_ID[rule].requires}:
        return "skipped"
    if rule.startswith("ENC-") and rule not in FINDINGS:
        return "not arranged"
    return "failed" if rule in FINDINGS else "passed"
