# SPDX-License-Identifier: Apache-2.0
"""The report on Cinder's own drivers: it is up to date, and it is true."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest
from cinder_database import needs_cinder

from assisted_kit.upstream import fingerprints
from assisted_kit.upstream.symbols import Symbol
from assisted_kit.upstream.symbols import symbols
from conformance.catalogue import BY_ID
from conformance.cinder_report.results import DRIVERS
from conformance.cinder_report.results import Results
from conformance.cinder_report.results import Row

ALL_FINDINGS = """\
import dataclasses, json, sys
from conformance.cinder_report.findings import ALL
fields = ("name", "title", "drivers", "cause", "rules", "symptom", "source")
found = [{field: getattr(each, field) for field in fields} for each in ALL]
json.dump(found, sys.stdout)
"""


def in_another_process(*words: str) -> str:
    """What a process prints that imports Cinder."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def findings():
    return json.loads(in_another_process("-c", ALL_FINDINGS))


@needs_cinder
def test_each_finding_says_where_it_comes_from(findings):
    spec = util.find_spec("cinder")
    root = Path(spec.origin).parent
    for finding in findings:
        assert finding["symptom"], finding["name"]
        assert "\n " not in finding["symptom"], "it is one paragraph"
        assert finding["cause"], finding["name"]
        for file, line, text in finding["cause"]:
            there = (root / file).read_text().splitlines()[line - 1]
            assert there.strip() == text, f"{finding['name']}: {file}:{line}"
        assert set(finding["rules"]) <= BY_ID.keys(), finding["name"]


def watched(file: str) -> list[tuple[range, Symbol]]:
    """The lines of a module's that the doctor looks at."""
    root = fingerprints.root_of("cinder")
    tree = ast.parse((root / file).read_bytes())
    module = file.removesuffix(".py").replace("/", ".")
    found = []
    for symbol in symbols("cinder"):
        if symbol.module == module:
            node = fingerprints.find(tree, symbol.name)
            above = getattr(node, "decorator_list", [])
            first = min(each.lineno for each in (node, *above))
            found.append((range(first, node.end_lineno + 1), symbol))
    return found


@needs_cinder
def test_the_doctor_looks_at_each_cause_and_names_each_rule(findings):
    for finding in findings:
        behind = [
            {s for lines, s in watched(file) if line in lines}
            for file, line, _ in finding["cause"]
        ]
        assert all(behind), finding["name"]
    named = {rule for symbol in symbols("cinder") for rule in symbol.rules}
    assert {rule for f in findings for rule in f["rules"]} <= named


AS_THEY_ARE = {
    judged.module: judged.name for judged in DRIVERS if not judged.is_migrated
}


@needs_cinder
def test_each_failed_rule_has_a_finding_and_no_finding_another(findings):
    rows = Results.load().drivers
    failed = {
        (driver, rule)
        for driver, name in AS_THEY_ARE.items()
        for rule, status in rows[name].statuses.items()
        if status == "failed"
    }
    for finding in findings:
        for rule in finding["rules"]:
            pairs = {(driver, rule) for driver in finding["drivers"]}
            assert pairs & failed, (finding["name"], rule)
    explained = {
        (driver, rule)
        for finding in findings
        for driver in finding["drivers"]
        for rule in finding["rules"]
    }
    assert failed <= explained


@needs_cinder
def test_no_two_findings_have_one_name(findings):
    names = [finding["name"] for finding in findings]
    assert len(names) == len(set(names))


@needs_cinder
def test_a_programs_text_is_what_is_run(findings):
    for finding in findings:
        source = finding["source"]
        assert source.startswith(f"def {finding['name']}(bench: Bench)")
        assert '"""' not in source.splitlines()[1]
        compile(source, finding["name"], "exec")


# Cinder makes a LUKS image for each snapshot of theirs, for seconds.
ENCRYPTED = {
    "copied_as_plain_luks",
    "encrypted_is_recorded_raw",
    "merged_into_the_wrong_image",
}


@needs_cinder
@pytest.mark.parametrize(
    "encrypted",
    [False, pytest.param(True, marks=pytest.mark.slow)],
    ids=["plain", "encrypted"],
)
def test_every_program_shows_its_finding(findings, encrypted):
    names = {finding["name"] for finding in findings}
    asked = sorted(names & ENCRYPTED if encrypted else names - ENCRYPTED)
    printed = in_another_process(
        "-m", "conformance.cinder_report.programs", *asked
    )
    seen = json.loads(printed)
    assert sorted(seen) == asked
    for finding in findings:
        if (name := finding["name"]) not in seen:
            continue
        assert [*seen[name]] == finding["drivers"]
        for driver, symptom in seen[name].items():
            assert symptom, f"{name} shows nothing of {driver}"
            assert "does not run" not in symptom, f"{name}: {symptom}"


@needs_cinder
def test_the_report_is_up_to_date():
    in_another_process("-m", "conformance.cinder_report", "--check")


# -- the store


def test_what_was_found_with_something_else_is_dropped(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "29.0.0")
    results = Results(
        "29.0.0",
        {"A-1": "one", "A-2": "two", "A-3": "three"},
        {
            "same": Row("d", {"A-1": "passed", "A-2": "failed"}),
            "changed": Row("old", {"A-1": "passed"}),
            "gone": Row("x", {}),
        },
    )
    results.update(
        {"A-1": "one", "A-2": "other", "A-4": "new"},
        {"same": "d", "changed": "new", "added": "a"},
    )
    assert results.drivers == {
        "same": Row("d", {"A-1": "passed"}),
        "changed": Row("new"),
        "added": Row("a"),
    }
    assert results.missing("same") == ["A-2", "A-4"]
    assert results.missing("added") == ["A-1", "A-2", "A-4"]


def test_what_is_stored_is_read_back(tmp_path):
    file = tmp_path / "results.json"
    assert Results.load(file) == Results()
    results = Results(
        "29.0.0", {"A-1": "x"}, {"d": Row("y", {"A-1": "failed"})}
    )
    results.save(file)
    assert Results.load(file) == results
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


@needs_cinder
def test_a_drivers_digest_is_of_its_own_modules():
    digests = {driver.name: driver.digest() for driver in DRIVERS}
    assert len(set(digests.values())) == len(DRIVERS)
