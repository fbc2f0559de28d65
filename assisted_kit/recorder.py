# SPDX-License-Identifier: Apache-2.0
"""What pytest reports of the suite's tests, as results of rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import Protocol

import pytest

from assisted_kit.results import Outcome
from assisted_kit.results import TestResult

RULE_PROPERTY = "assisted_rule"
EVIDENCE_PROPERTY = "assisted_evidence"
MESSAGE_PROPERTY = "assisted_message"


class Listener(Protocol):
    """Hears of a run's progress while it goes on."""

    def collected(self, tests: Mapping[str, str]) -> None:
        """The tests to come, with their rules' ids."""

    def started(self, test: str) -> None:
        """A test starts."""

    def found(self, result: TestResult) -> None:
        """A test found something out."""

    def finished(self, test: str) -> None:
        """A test is over, clean-up included."""

    def trouble(self, what: str) -> None:
        """The kit itself did not run as it should."""

    def interrupted(self) -> None:
        """Somebody pressed Ctrl-C."""


class Recorder:
    """A pytest plugin that tells what every test of a rule found out."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._rules: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Know which tests there are to come."""
        # The plugin module imports this one.
        from assisted_kit.plugin import rule_of

        rules = {item.nodeid: rule_of(item) for item in session.items}
        self._rules = {name: r.id for name, r in rules.items() if r}
        self._listener.collected(self._rules)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A part of the suite that does not import."""
        if report.failed:
            self._listener.trouble(f"{report.nodeid}: {report.longreprtext}")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test starts."""
        self._listener.started(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down one phase of a test."""
        properties = dict(report.user_properties)
        outcome = _outcome(report, properties)
        if outcome is not None:
            self._listener.found(
                TestResult(
                    self._rules.get(report.nodeid, ""),
                    report.nodeid,
                    outcome,
                    _evidence(report, properties),
                    _message(report, properties),
                )
            )

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test is over."""
        self._listener.finished(nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A run that was ended early says so."""
        if session.shouldfail or session.shouldstop:
            why = session.shouldfail or session.shouldstop
            self._listener.trouble(str(why))

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Somebody pressed Ctrl-C."""
        self._listener.interrupted()

    def pytest_internalerror(self, excrepr: Any) -> None:
        """pytest itself failed."""
        self._listener.trouble(str(excrepr))


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
    claimed = MESSAGE_PROPERTY in properties and _evidence(report, properties)
    return Outcome.FAILED if claimed else Outcome.ERROR


def _evidence(report: pytest.TestReport, properties: dict[str, object]) -> int:
    if report.when != "call":
        return 0
    return int(str(properties.get(EVIDENCE_PROPERTY, 0)))


def _message(report: pytest.TestReport, properties: dict[str, object]) -> str:
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    if report.passed:
        return ""
    return str(properties.get(MESSAGE_PROPERTY) or report.longreprtext)
