# SPDX-License-Identifier: Apache-2.0
"""A run's result as JUnit XML, which continuous integration reads.

A testsuite for each family of rules, a testcase for each test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping
from xml.etree import ElementTree

from assisted_kit.outcomes import Outcome
from assisted_kit.outcomes import TestResult
from assisted_kit.results import RuleResult
from assisted_kit.results import RunResult
from assisted_kit.rules import Rule

Element = ElementTree.Element

_ELEMENTS = {
    Outcome.FAILED: "failure",
    Outcome.ERROR: "error",
    Outcome.NOT_ARRANGED: "error",
    Outcome.NOT_EXERCISED: "error",
    Outcome.SKIPPED: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}

_COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(results: Mapping[str | None, RunResult]) -> str:
    """The document, in which every rule has at least one testcase.

    :param results: by the back end's name, which the names of suites begin
        with; of a driver that is no back end, under None.
    """
    root = Element("testsuites", name="assisted-kit")
    for name, result in results.items():
        for suite in _suites(result):
            if name is not None:
                suite.set("name", _legal(f"{name}.{suite.attrib['name']}"))
            root.append(suite)
    for suite in root:
        _count(suite, [suite])
    _count(root, list(root))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _suites(result: RunResult) -> Iterator[Element]:
    suites: dict[str, Element] = {}
    for rule in result.rules:
        family = rule.rule.id.partition("-")[0]
        if family not in suites:
            suites[family] = Element("testsuite", name=family)
            suites[family].append(_properties(result))
        suites[family].extend(_cases(rule))
    yield from suites.values()
    trouble = _trouble(result)
    if trouble is not None:
        yield trouble


def _properties(result: RunResult) -> Element:
    properties = Element("properties")
    for name, value in (
        ("verdict", str(result.verdict)),
        ("driver", result.driver),
        ("profile", result.profile or "unknown"),
        *_combinations(result),
        *(("left_out", what) for what in result.left_out),
        *(("tampered", what) for what in result.tampered),
    ):
        ElementTree.SubElement(
            properties, "property", name=name, value=_legal(value)
        )
    return properties


def _combinations(result: RunResult) -> Iterator[tuple[str, str]]:
    if result.combinations:
        selected, there = result.combinations
        yield "fault_matrix", f"{selected} of {there}"


def _cases(result: RuleResult) -> Iterator[Element]:
    rule = result.rule
    if not result.tests:
        yield _case(rule, TestResult(rule.id, rule.id, Outcome.NOT_EXERCISED))
    for test in result.tests:
        yield _case(rule, test)


def _case(rule: Rule, test: TestResult) -> Element:
    case = Element(
        "testcase",
        classname=f"{rule.id} {rule.level}",
        name=_legal(test.name),
        time=_seconds(test.seconds),
    )
    kind = _ELEMENTS.get(test.outcome)
    if kind is not None:
        message = test.message or f"{rule.id}: {test.outcome}"
        found = ElementTree.SubElement(
            case, kind, message=_legal(_in_a_line(rule, message))
        )
        if kind != "skipped":
            found.set("type", str(test.outcome))
            found.text = _legal(message)
    return case


def _in_a_line(rule: Rule, message: str) -> str:
    """The rule and what was observed, as short as can be."""
    for line in message.splitlines():
        title, _, rest = line.partition(" ")
        if title == "observed":
            return f"{rule.id} {rule.level}: {rest.strip()}"
    return message.splitlines()[0]


def _trouble(result: RunResult) -> Element | None:
    """What kept the kit from running, as a suite of its own."""
    if not (result.trouble or result.interrupted):
        return None
    suite = Element("testsuite", name="assisted-kit")
    suite.append(_properties(result))
    for what in result.trouble or ("interrupted",):
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname="assisted-kit",
            name="run",
            time=_seconds(0),
        )
        first = what.splitlines()[0] if what else "trouble"
        error = ElementTree.SubElement(case, "error", message=_legal(first))
        error.text = _legal(what)
    return suite


def _count(element: Element, suites: list[Element]) -> None:
    cases = [case for suite in suites for case in suite.findall("testcase")]
    element.set("tests", str(len(cases)))
    for name, kind in _COUNTS.items():
        counted = [case for case in cases if case.find(kind) is not None]
        element.set(name, str(len(counted)))
    taken = sum(float(case.attrib["time"]) for case in cases)
    element.set("time", _seconds(taken))


def _seconds(taken: float) -> str:
    return f"{taken:.3f}"


def _legal(text: str) -> str:
    """``text`` without the characters that XML cannot have."""
    return _NOT_XML.sub(lambda found: ascii(found[0])[1:-1], text)
