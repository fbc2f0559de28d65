# SPDX-License-Identifier: Apache-2.0
"""What the rules rest on upstream, and whether that is still so."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cinder_database import needs_cinder
from click.testing import CliRunner

from assisted_kit.cli.main import main
from assisted_kit.upstream import doctor
from assisted_kit.upstream import fingerprints
from assisted_kit.upstream.__main__ import main as record
from assisted_kit.upstream.doctor import Change
from assisted_kit.upstream.symbols import symbols
from conformance.catalogue import BY_ID

PACKAGES = ("cinder", "nova")
VALIDATORS = "api/validation/validators.py"
VALIDATE = "def _validate_progress(progress):"

Edit = Callable[[str, str, str], None]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Changes a file of a Cinder that is installed from then on."""
    root = tmp_path / "cinder"
    copied = shutil.ignore_patterns("tests", "locale", "__pycache__")
    shutil.copytree(fingerprints.root_of("cinder"), root, ignore=copied)
    monkeypatch.syspath_prepend(tmp_path)
    # What is imported is what is found; another test may have done so.
    monkeypatch.delitem(sys.modules, "cinder", raising=False)

    def change(file: str, old: str, new: str) -> None:
        path = root / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def differences() -> dict[str, Change]:
    """How the installed Cinder differs, by symbol."""
    found = doctor.diagnose("cinder").differences
    return {each.symbol.name: each.change for each in found}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_symbol_has_rules_that_there_are(package: str) -> None:
    for symbol in symbols(package):
        assert symbol.rules
        assert BY_ID.keys() >= {*symbol.rules}, symbol


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_recorded_is_what_is_compared(package: str) -> None:
    names = {f"{s.module}:{s.name}" for s in symbols(package)}
    assert fingerprints.recorded()[package].keys() == names | {"version"}


@needs_cinder
def test_cinder_29_is_what_the_rules_take_it_for() -> None:
    done = CliRunner().invoke(main, ["doctor", "--cinder"])
    assert done.exit_code == 0, done.output
    assert "compared with 29.0.0, 0 differ" in done.output


@needs_cinder
def test_comments_and_annotations_change_nothing(edit: Edit) -> None:
    edit(
        VALIDATORS,
        VALIDATE,
        'def _validate_progress(progress: str):\n    """Says more."""',
    )
    assert differences() == {}


@needs_cinder
@pytest.mark.parametrize(
    ("new", "change"),
    [
        ("def _validate_progress(progress, more=1):", Change.SIGNATURE),
        (f"{VALIDATE}\n    progress = progress.strip()", Change.CONTENT),
        ("def _check_progress(progress):", Change.GONE),
    ],
)
def test_changes_name_the_rules(edit: Edit, new: str, change: Change) -> None:
    edit(VALIDATORS, VALIDATE, new)
    assert differences() == {"_validate_progress": change}
    done = CliRunner().invoke(main, ["doctor", "--cinder"])
    assert done.exit_code == 1
    assert f"validators:_validate_progress: {change}" in done.output
    assert "rules to look at: REP-003, UPD-001, UPD-007" in done.output


@needs_cinder
def test_changed_constants_are_seen(edit: Edit) -> None:
    file = "api/schemas/snapshot_actions.py"
    edit(file, "additionalProperties': False", "additionalProperties': True")
    assert differences() == {"update_snapshot_status": Change.CONTENT}


@needs_cinder
def test_what_differs_is_there_for_programs(edit: Edit) -> None:
    edit(VALIDATORS, VALIDATE, "def _check_progress(progress):")
    done = CliRunner().invoke(main, ["doctor", "--cinder", "--json"])
    (difference,) = json.loads(done.stdout)["cinder"]["differences"]
    assert difference == {
        "symbol": "cinder.api.validation.validators:_validate_progress",
        "change": "gone",
        "rules": ["REP-003", "UPD-001", "UPD-007"],
    }


@needs_cinder
def test_fingerprints_are_taken_anew(
    edit: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "fingerprints.json"
    file.write_text(fingerprints.FILE.read_text())
    monkeypatch.setattr(fingerprints, "FILE", file)
    edit(VALIDATORS, VALIDATE, f"{VALIDATE}\n    progress = progress.strip()")
    words = ["cinder", str(tmp_path / "cinder"), "30.0.0"]
    assert CliRunner().invoke(record, words).exit_code == 0
    found = doctor.diagnose("cinder")
    assert (found.recorded_version, found.differences) == ("30.0.0", [])
    before = file.read_text()
    edit(VALIDATORS, VALIDATE, "def _check_progress(progress):")
    done = CliRunner().invoke(record, words)
    assert done.exit_code == 1
    assert "validators:_validate_progress" in done.output
    assert file.read_text() == before


def test_without_cinder_there_is_nothing_to_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fingerprints.util, "find_spec", lambda name: None)
    done = CliRunner().invoke(main, ["doctor", "--cinder"])
    assert done.exit_code == 3
    assert "cinder is not installed" in done.output


def test_what_to_look_at_has_to_be_said() -> None:
    done = CliRunner().invoke(main, ["doctor"])
    assert done.exit_code == 2
    assert "--cinder" in done.output
