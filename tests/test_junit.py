# SPDX-License-Identifier: Apache-2.0
"""The result as JUnit XML."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from assisted_kit import junit
from assisted_kit import suite
from assisted_kit.cli.main import main
from assisted_kit.outcomes import Outcome
from assisted_kit.outcomes import TestResult
from assisted_kit.results import by_rule
from assisted_kit.results import RunResult
from assisted_kit.rules import Level
from assisted_kit.rules import Rule
from tests.troublesome_run import Place
from tests.troublesome_run import place as place

RULES = [
    Rule(rule_id, Level.MUST, "It must.", "Else.", "section 1")
    for rule_id in ("ONE-001", "ONE-002", "TWO-001")
]

MESSAGE = "ONE-001 MUST    It must.\n\nexpected  1\nobserved  2\x00\x1b[0m"


def result_of(*tests: TestResult, **others: object) -> RunResult:
    rules = by_rule(RULES, tests)
    return RunResult("vendor:Driver", rules, **others)  # type: ignore[arg-type]


RESULT = result_of(
    TestResult("ONE-001", "test_a", Outcome.FAILED, 2, MESSAGE, seconds=1.5),
    TestResult("ONE-001", "test_b", Outcome.PASSED, 1, seconds=0.75),
    TestResult("ONE-002", "test_c", Outcome.SKIPPED, 0, "not declared"),
    TestResult("ONE-002", "test_d", Outcome.ERROR, 0, "boom"),
    profile="legacy",
    left_out=["deselected: 1 test"],
)


def parsed(result: RunResult) -> ElementTree.Element:
    return ElementTree.fromstring(junit.render({None: result}).encode())


def test_suite_for_each_family_and_case_for_each_test() -> None:
    one, two = parsed(RESULT)
    assert (one.get("name"), two.get("name")) == ("ONE", "TWO")
    cases = [c.get("name") for c in one.iter("testcase")]
    assert cases == ["test_a", "test_b", "test_c", "test_d"]
    # A rule without a test is not a gap that nobody sees.
    assert [c.get("name") for c in two.iter("testcase")] == ["TWO-001"]
    (error,) = two.iter("error")
    assert error.get("type") == "not exercised"


def test_counts() -> None:
    root = parsed(RESULT)
    for element, counts in ((root, "5121"), (root[0], "4111")):
        names = ("tests", "failures", "errors", "skipped")
        assert "".join(element.attrib[n] for n in names) == counts


def test_times_are_seconds_and_add_up() -> None:
    root = parsed(RESULT)
    case = next(root.iter("testcase"))
    times = [element.get("time") for element in (case, root[0], root)]
    assert times == ["1.500", "2.250", "2.250"]


def test_failure_has_the_rules_message() -> None:
    root = parsed(RESULT)
    (failure,) = root.iter("failure")
    assert failure.get("message") == r"ONE-001 MUST: 2\x00\x1b[0m"
    assert failure.text is not None
    assert failure.text.startswith("ONE-001 MUST    It must.")
    (skipped,) = root.iter("skipped")
    assert skipped.get("message") == "not declared"


def test_properties() -> None:
    properties = [p.attrib for p in parsed(RESULT)[0].iter("property")]
    assert [tuple(p.values()) for p in properties] == [
        ("verdict", "not conformant"),
        ("driver", "vendor:Driver"),
        ("profile", "legacy"),
        ("left_out", "deselected: 1 test"),
    ]


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"trouble": ["no driver"]}, "no driver"),
        ({"interrupted": True}, "int"),
    ],
)
def test_run_that_did_not_begin_is_an_error(
    others: dict[str, object], said: str
) -> None:
    *_, last = parsed(result_of(**others))
    (error,) = last.iter("error")
    assert error.attrib["message"].startswith(said)


def test_command_line_writes_it(place: Place) -> None:
    done = place.run(
        "Good", "--junit", "result.xml", "-n", "2", rules=("SIG-001",)
    )
    assert done.exit_status == 0, done.errors
    root = ElementTree.parse(place.directory / "result.xml").getroot()
    (case,) = root.iter("testcase")
    assert case.attrib["classname"] == "SIG-001 MUST"
    assert len(case) == 0
    assert float(case.attrib["time"]) > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--junit", "absent/r.xml"], "--junit absent/r.xml cannot be wri"),
        (["--junit", "-", "--json", "-"], "are to be written to the same"),
    ],
)
def test_wrong_file_is_wrong_usage(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["run", *words])
    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize("file", ["-", "/dev/full"])
def test_document_is_alone_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setattr(suite, "run", lambda *_arguments, **_options: RESULT)
    done = CliRunner().invoke(main, ["run", "--junit", file])
    assert ElementTree.fromstring(done.stdout.encode()).tag == "testsuites"
    lost = file != "-"
    assert ("--junit /dev/full cannot be written" in done.stderr) is lost
    assert done.exit_code == (3 if lost else 1)
