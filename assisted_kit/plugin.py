# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin: the suite under pytest, wherever it is run.

Inert unless ``--assisted-driver`` or ``--assisted-config`` is given.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Generator
from typing import Any

import pytest

from assisted_kit.results import Outcome
from assisted_kit.results import TestResult
from assisted_kit.subject import CONFIG_VARIABLE
from assisted_kit.subject import DRIVER_VARIABLE

RULE_PROPERTY = "assisted_rule"
EVIDENCE_PROPERTY = "assisted_evidence"
MESSAGE_PROPERTY = "assisted_message"

_OPTIONS = {
    "--assisted-driver": DRIVER_VARIABLE,
    "--assisted-config": CONFIG_VARIABLE,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("assisted-kit", "Cinder's assisted snapshots")
    group.addoption(
        "--assisted-driver",
        metavar="MODULE:CLASS",
        help="the volume driver to verify",
    )
    group.addoption(
        "--assisted-config",
        metavar="FILE",
        help="the configuration file of the driver under test",
    )
    group.addoption(
        "--assisted-rule",
        metavar="ID",
        action="append",
        default=[],
        help="verify this rule only; may be repeated",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Name the driver to the suite, which reads the environment."""
    values = {
        variable: config.getoption(option)
        for option, variable in _OPTIONS.items()
        if config.getoption(option)
    }
    if not values:
        return
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)

    def restore() -> None:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    config.add_cleanup(restore)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Keep to the rules that were asked for."""
    wanted = set(config.getoption("--assisted-rule"))
    if not wanted:
        return
    kept = [item for item in items if _rule_id(item) in wanted]
    left_out = [item for item in items if _rule_id(item) not in wanted]
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the rule, its evidence and its message into the report.

    testtools hands failures over in a form that pytest calls
    "Incompatible Exception Representation"; the message of the rule is
    what a reader wants instead.
    """
    report = yield
    rule_id = _rule_id(item)
    if rule_id is None:
        return report
    case = getattr(item, "instance", None) or getattr(item, "_instance", None)
    message = getattr(case, "assisted_message", "")
    report.user_properties += [
        (RULE_PROPERTY, rule_id),
        (EVIDENCE_PROPERTY, getattr(case, "assisted_evidence", 0)),
    ]
    if report.failed and message:
        report.longrepr = message
        report.user_properties.append((MESSAGE_PROPERTY, message))
    return report


def _rule_id(item: pytest.Item) -> str | None:
    rule = getattr(getattr(item, "obj", None), "assisted_rule", None)
    return getattr(rule, "id", None)


class Recorder:
    """A plugin that collects what every test of a rule found out.

    :param progress: called after each test with how many are over and how
        many there are.
    """

    def __init__(self, progress: Callable[[int, int], None]) -> None:
        self.tests: list[TestResult] = []
        self.trouble: list[str] = []
        self.interrupted = False
        self._progress = progress
        self._collected = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Know how many tests there are to come."""
        self._collected = len(session.items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A part of the suite that does not import."""
        if report.failed:
            self.trouble.append(f"{report.nodeid}: {report.longreprtext}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down one phase of a test."""
        properties = dict(report.user_properties)
        outcome = _outcome(report, properties)
        if outcome is not None:
            self.tests.append(
                TestResult(
                    str(properties.get(RULE_PROPERTY, "")),
                    report.nodeid,
                    outcome,
                    int(str(properties.get(EVIDENCE_PROPERTY, 0))),
                    _message(report, properties),
                )
            )
        if report.when == "teardown":
            over = {test.name for test in self.tests}
            self._progress(len(over), self._collected)

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Somebody pressed Ctrl-C."""
        self.interrupted = True

    def pytest_internalerror(self, excrepr: Any) -> None:
        """pytest itself failed."""
        self.trouble.append(str(excrepr))


def _outcome(
    report: pytest.TestReport, properties: dict[str, object]
) -> Outcome | None:
    """How a phase of a test ended; None for what says nothing."""
    if report.skipped:
        return Outcome.SKIPPED
    if report.when != "call":
        return Outcome.ERROR if report.failed else None
    if report.passed:
        return Outcome.PASSED
    # A test that stumbled before its claim proves nothing of the driver.
    evaluated = int(str(properties.get(EVIDENCE_PROPERTY, 0)))
    claimed = MESSAGE_PROPERTY in properties and evaluated
    return Outcome.FAILED if claimed else Outcome.ERROR


def _message(report: pytest.TestReport, properties: dict[str, object]) -> str:
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    if report.passed:
        return ""
    return str(properties.get(MESSAGE_PROPERTY) or report.longreprtext)
