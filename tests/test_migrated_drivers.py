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

DRIVERS = ("MigratedNfsDriver", "MigratedQuobyteDriver")

SAMPLE = ("ABL-005", "CRE-002", "DEL-003", "ERR-004", "HKS-007", "LAY-003")
"""What each of them fails as Cinder ships it, and what is quick."""

MENDS = {
    "PendingOverlays": ("ERR-004",),
    "SettledChains": ("ABL-010", "PND-002"),
    "WholeVolumes": ("CAL-007", "LAY-009"),
    "WholeInfoFile": ("LAY-003",),
    "RecordedFormats": ("DEL-013",),
    "NamedFormats": ("HKS-007",),
    "UnopenedBackingFiles": ("HKS-007", "SEC-016"),
    "RecordedCopies": ("ABL-004", "ABL-005"),
    "UnlinksLast": ("CRH-002",),
}
"""Of each mend the rules that NfsDriver fails without it."""

pytestmark = needs_cinder


def named(driver: str) -> tuple[str, str]:
    """The options that name a migrated driver."""
    return "--driver", f"reference_driver.migrated.drivers:{driver}"


@pytest.mark.parametrize("driver", DRIVERS)
def test_migrated_driver_passes_what_it_failed(
    driver: str, tmp_path: Path
) -> None:
    done = assisted_kit_run(tmp_path, *named(driver), rules=SAMPLE)
    assert done.statuses == dict.fromkeys(SAMPLE, "passed"), done.output


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
    "mend",
    [
        pytest.param(
            mend, marks=() if mend == "WholeInfoFile" else pytest.mark.slow
        )
        for mend in MENDS
    ],
)
def test_without_a_mend_its_rules_are_failed(
    mend: str, tmp_path: Path
) -> None:
    others = ", ".join(f"mends.{each}" for each in MENDS if each != mend)
    (tmp_path / "unmended.py").write_text(
        "from cinder.volume.drivers import nfs\n"
        "from reference_driver.migrated import mends\n"
        "from reference_driver.migrated.hooks import AssistedSnapshots\n\n\n"
        f"class Driver(AssistedSnapshots, {others}, nfs.NfsDriver):\n"
        "    pass\n"
    )
    rules = MENDS[mend]
    done = assisted_kit_run(
        tmp_path, "--driver", "unmended:Driver", rules=rules
    )
    assert done.statuses == dict.fromkeys(rules, "failed"), done.output


def test_every_mend_is_tried() -> None:
    # Read, not imported: Cinder stays out of the tests' process.
    source = Path(reference_driver.__file__).parent / "migrated" / "mends.py"
    defined = {
        node.name
        for node in ast.parse(source.read_text()).body
        if isinstance(node, ast.ClassDef)
    }
    assert defined == MENDS.keys()
