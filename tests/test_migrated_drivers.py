# SPDX-License-Identifier: Apache-2.0
"""Cinder 29's drivers with the hooks: what is mended, and what each mend is
there for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from cinder_database import needs_cinder

import reference_driver
from conformance.catalogue import BY_ID
from tests.command_line import assisted_kit_run

SAMPLE = ("ABL-005", "CRE-002", "DEL-003", "ERR-004", "HKS-007", "LAY-003")
"""What each of them fails as Cinder ships it, and what is quick."""

MENDS = {
    "MigratedNfsDriver": {
        "PendingOverlays": ("ERR-004",),
        "SettledChains": ("ABL-010", "PND-002"),
        "EncryptedVolumes": ("ENC-001",),
        "RefusedLeftovers": ("LAY-009",),
        "OwnFilesOnly": ("SEC-002",),
        "NothingLeft": ("CAL-007",),
        "ReentrantBegin": ("CRE-005",),
        "MissingFormats": ("FMT-003",),
        "CheckedReports": ("DEL-003",),
        "UnreportedMerges": ("DEL-004", "PND-007"),
        "WholeInfoFile": ("LAY-003",),
        "RecordedFormats": ("CON-004",),
        "NamedFormats": ("HKS-007",),
        "ParentOfEncrypted": ("ENC-002",),
        "UnopenedBackingFiles": ("HKS-007", "SEC-016"),
        "RecordedCopies": ("ABL-004", "ABL-005"),
        "UnlinksLast": ("CRH-002",),
    },
    "MigratedQuobyteDriver": {
        "RecordedResize": ("ABL-012", "HKS-007"),
        "FormatInUse": ("CON-004",),
        "RestoringSources": ("CAL-008",),
    },
    "MigratedVZStorageDriver": {
        "RecordedResize": ("ABL-012", "HKS-007"),
        "RecordsFormat": ("CON-002",),
        "NamesRaw": ("CON-006", "DEL-009"),
        "NoCachedInformation": ("CAL-007", "DEL-002"),
    },
}
"""Of each driver the mends, and the rules that it fails without them."""

DRIVERS = {
    "MigratedNfsDriver": tuple(
        sorted({*SAMPLE}.union(*MENDS["MigratedNfsDriver"].values()))
    ),
    "MigratedQuobyteDriver": SAMPLE,
    # It has an info file for every volume.
    "MigratedVZStorageDriver": (*SAMPLE, "LAY-006"),
}
"""The rules that they are put before whenever the tests run.

What they share is mended in the first, hence it is judged by all rules that
a mend is there for.  All three pass all rules, as the report on Cinder's
drivers has it, which the tests compare with the drivers' text.
"""

WITHOUT = """\
from reference_driver.migrated import drivers

whole = drivers.{driver}
bases = [
    base
    for each in whole.__bases__
    for base in (
        each.__bases__ if each is drivers.MigratedRemoteFS else [each]
    )
    if base.__name__ != "{mend}"
]
Driver = type(
    "Driver",
    tuple(bases),
    {{
        name: value
        for name, value in vars(whole).items()
        if not name.startswith("__")
    }},
)
"""
"""A module with a driver that lacks a mend."""

pytestmark = needs_cinder


def named(driver: str) -> tuple[str, str]:
    """The options that name a migrated driver."""
    return "--driver", f"reference_driver.migrated.drivers:{driver}"


@pytest.mark.parametrize("driver", DRIVERS)
def test_migrated_driver_passes_what_it_failed(
    driver: str, tmp_path: Path
) -> None:
    rules = DRIVERS[driver]
    done = assisted_kit_run(tmp_path, *named(driver), rules=rules)
    assert done.statuses == dict.fromkeys(rules, "passed"), done.output


@pytest.mark.slow
def test_driver_that_looks_for_room_finds_it(tmp_path: Path) -> None:
    # Before it makes a volume of 1 GiB; then the share fills up.
    done = assisted_kit_run(
        tmp_path, *named("MigratedVZStorageDriver"), rules=("FLT-001",)
    )
    assert done.statuses == {"FLT-001": "passed"}, done.output


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["1", "2"])
def test_migrated_nfs_driver_is_conformant(seed: str, tmp_path: Path) -> None:
    done = assisted_kit_run(
        tmp_path, *named("MigratedNfsDriver"), "-n", "2", "--seed", seed
    )
    assert done.exit_status == 0, done.output
    assert done.result is not None
    assert done.result["verdict"] == "conformant"
    assert {"passed", "skipped"} == {*done.statuses.values()}
    assert done.statuses.keys() == BY_ID.keys()


@pytest.mark.parametrize(
    ("driver", "mend"),
    [
        pytest.param(
            driver,
            mend,
            marks=() if mend == "WholeInfoFile" else pytest.mark.slow,
        )
        for driver, mends in MENDS.items()
        for mend in mends
    ],
)
def test_without_a_mend_its_rules_are_failed(
    driver: str, mend: str, tmp_path: Path
) -> None:
    module = WITHOUT.format(driver=driver, mend=mend)
    (tmp_path / "unmended.py").write_text(module)
    rules = MENDS[driver][mend]
    done = assisted_kit_run(
        tmp_path, "--driver", "unmended:Driver", rules=rules
    )
    assert done.statuses == dict.fromkeys(rules, "failed"), done.output


def test_every_mend_is_tried() -> None:
    # Read, not imported: Cinder stays out of the tests' process.
    directory = Path(reference_driver.__file__).parent / "migrated"
    defined = {
        node.name
        for file in directory.glob("mends*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef)
    }
    assert defined == {mend for mends in MENDS.values() for mend in mends}
