# SPDX-License-Identifier: Apache-2.0
"""The command line: usage, what is written where, and exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from click.testing import Result

from assisted_kit import suite
from assisted_kit.cli import rendering
from assisted_kit.cli.main import main
from assisted_kit.results import by_rule
from assisted_kit.results import Outcome
from assisted_kit.results import RunResult
from assisted_kit.results import TestResult
from conformance.catalogue import RULES
from tests.troublesome_run import Place
from tests.troublesome_run import place as place


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def shell(
    command: str, directory: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """A command line of bash's, in which ``kit`` is the command."""
    function = f'kit() {{ "{sys.executable}" -m assisted_kit "$@"; }}; '
    return subprocess.run(
        ["bash", "-c", function + command],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


# -- rules and explain


def test_rules_are_listed_one_a_line() -> None:
    done = invoke("rules")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert [line.split()[0] for line in lines] == [r.id for r in RULES]


def test_rules_as_json_have_everything() -> None:
    done = invoke("rules", "--json")
    assert done.exit_code == 0
    first = json.loads(done.output)[0]
    assert first["id"] == "SIG-001"
    assert first["level"] == "MUST"
    assert {"sentence", "reason", "section", "sources", "requires"} < {*first}


@pytest.mark.parametrize("rule_id", ["SIG-001", "sig-001"])
def test_explain_says_why_and_where(rule_id: str) -> None:
    done = invoke("explain", rule_id)
    assert done.exit_code == 0
    assert done.output.startswith("SIG-001 (MUST)\n")
    assert "Why: " in done.output
    assert "Contract: section 1" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explain", "NOPE-001"], "unknown rule 'NOPE-001'"),
        (["run", "--rule", "DAT-0001"], "did you mean DAT-001"),
        (["run", "--rule", ""], "unknown rule ''"),
        (["run", "--driver", "mine"], "does not name a driver"),
        (["run", "--driver", ""], "does not name a driver"),
        (["run", "--config", "absent.conf"], "absent.conf does not exist"),
        (["run", "--config", ""], "is empty"),
        (["run", "--json", "absent/result.json"], "No such file or dir"),
        (["run", "--json", "/"], "is a directory"),
        (["run", "--unknown"], "--unknown"),
        (["unknown"], "unknown"),
    ],
)
def test_wrong_usage_is_status_2(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke(*words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_reader_that_has_read_enough(tmp_path: Path) -> None:
    done = shell(
        "kit rules | head -n 1; echo ${PIPESTATUS[0]}; "
        "kit run --rule SIG-001 | true; echo ${PIPESTATUS[0]}",
        tmp_path,
    )
    rule, *statuses = done.stdout.splitlines()
    assert rule.startswith("SIG-001")
    assert statuses == ["0", "0"]
    assert done.stderr == ""


def test_output_that_cannot_be_written_is_status_3(tmp_path: Path) -> None:
    done = shell("kit rules >/dev/full", tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("assisted-kit: the output cannot be writ")


# -- run


def test_selected_rules_that_pass_are_partial(place: Place) -> None:
    done = place.run("Good", "--rule", "sig-001", rules=("SIG-001",))
    assert done.exit_status == 0
    assert done.output.startswith("partial: troublesome:Good\n")
    assert "conformance is not decided" in done.output
    assert done.errors == ""
    assert done.result is not None
    assert done.result["verdict"] == "partial"
    assert done.result["driver"] == "troublesome:Good"
    assert done.result["contract"] == 1
    assert done.result["rules"] == [
        {"id": "SIG-001", "level": "MUST", "status": "passed", "evidence": 1}
    ]
    assert place.left == []


def test_selected_rule_that_is_skipped_is_status_3(place: Place) -> None:
    place.configure("capabilities = raw_base")
    skipped = next(rule for rule in RULES if rule.requires)
    done = place.run("Good", rules=("SIG-001", skipped.id))
    assert done.exit_status == 3
    assert done.statuses == {"SIG-001": "passed", skipped.id: "skipped"}
    said = f"{skipped.id} was selected and is not for this driver, so the exit"
    assert said in done.output
    missing = f"the driver does not declare {skipped.requires[0].name}"
    assert f"left out: {missing}" in done.output
    assert done.result is not None
    assert missing in done.result["rules"][1]["skipped"][0]


def test_legacy_driver_is_judged_by_its_own_rules(place: Place) -> None:
    done = place.run("Legacy", rules=("SIG-001",))
    assert done.exit_status == 3
    assert done.statuses == {"SIG-001": "not applicable"}
    assert done.result is not None
    assert done.result["profile"] == "legacy"
    assert "profile: legacy" in done.output
    assert "left out" not in done.output


def test_json_on_standard_output_is_alone_there(place: Place) -> None:
    done = shell("kit run --rule SIG-001 --json -", place.directory)
    assert done.returncode == 0
    assert json.loads(done.stdout)["verdict"] == "partial"
    assert done.stderr.startswith("partial: reference_driver")


def test_users_own_files_do_not_disturb(place: Place) -> None:
    for name in ("tests", "fakes", "conformance", "reference_driver"):
        package = place.directory / name
        package.mkdir()
        (package / "__init__.py").write_text("raise ValueError('theirs')")
    (place.directory / "conftest.py").write_text("raise ValueError('theirs')")
    (place.directory / "pytest.ini").write_text("[pytest]\naddopts = --x\n")
    console_script = "from assisted_kit.cli.main import main; main()"
    words = ("run", "--rule", "UPD-003")
    done = subprocess.run(
        [sys.executable, "-P", "-c", console_script, *words],
        cwd=place.directory,
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTEST_ADDOPTS": "--y",
            "PYTEST_PLUGINS": "theirs",
            "ASSISTED_DRIVER": "theirs:Driver",
            "ASSISTED_CONFIG": "theirs.conf",
        },
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("partial: reference_driver.driver:")


def test_package_that_hides_the_suite_is_named_with_it(place: Place) -> None:
    theirs = place.directory / "conformance"
    theirs.mkdir()
    done = shell("kit run", place.directory, PYTHONPATH=".")
    assert done.returncode == 3
    assert f"the package conformance is {theirs}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


# -- what a person reads


def result_of(*outcomes: Outcome) -> RunResult:
    rules = RULES[: len(outcomes)]
    tests = [
        TestResult(rule.id, "test", outcome, 1, f"why: {outcome}")
        for rule, outcome in zip(rules, outcomes, strict=True)
    ]
    return RunResult("vendor:Driver", by_rule(rules, tests), trouble=("x",))


@pytest.mark.parametrize("columns", [40, 73, 74, 100])
def test_text_keeps_to_the_columns(columns: int) -> None:
    text = rendering.render(
        result_of(Outcome.PASSED, Outcome.SKIPPED), columns
    )
    assert max(map(len, click.unstyle(text).splitlines())) <= columns


def test_verdict_comes_first_and_reasons_after_the_rules() -> None:
    text = rendering.render(
        result_of(Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED)
    )
    lines = text.splitlines()
    assert lines[0].endswith("vendor:Driver")
    assert "1 failed, 1 error, 1 skipped" in lines[1]
    for reason in ("why: failed", "why: error", "left out: why: skipped"):
        assert text.count(reason) == 1
    assert lines[-1] == "x"


def test_interrupted_is_said_before_the_verdict() -> None:
    result = RunResult("vendor:Driver", (), interrupted=True)
    first, second, *_ = rendering.render(result).splitlines()
    assert first.startswith("interrupted: ")
    assert second.endswith("vendor:Driver")


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_no_color_is_heeded(
    no_color: str, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = result_of(Outcome.PASSED)
    monkeypatch.setattr(suite, "run", lambda *_arguments, **_options: result)
    done = CliRunner().invoke(
        main, ["run"], color=True, env={"NO_COLOR": no_color}
    )
    assert ("\x1b[" in done.output) is coloured


def test_result_is_not_lost_where_the_file_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    result = result_of(Outcome.PASSED)
    monkeypatch.setattr(suite, "run", lambda *_arguments, **_options: result)
    done = invoke("run", "--json", "/dev/full")
    assert done.exit_code == 3
    assert json.loads(done.stdout)["driver"] == "vendor:Driver"
    assert "--json /dev/full cannot be written" in done.stderr


def test_defect_of_the_kits_is_not_the_drivers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(*_arguments: object, **_options: object) -> RunResult:
        raise ZeroDivisionError

    monkeypatch.setattr(suite, "run", run)
    done = invoke("run")
    assert done.exit_code == 3
    assert "a defect of the kit's" in done.stderr
    assert "ZeroDivisionError" in done.stderr
