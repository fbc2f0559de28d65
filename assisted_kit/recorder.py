# SPDX-License-Identifier: Apache-2.0
"""What pytest reports of the suite's tests, as results of rules."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Protocol

import pytest

from assisted_kit import sharing
from assisted_kit.evaluation import SKIPPED_OUTSIDE
from assisted_kit.outcomes import Outcome
from assisted_kit.outcomes import TestResult
from assisted_kit.survey import Survey

RULE_PROPERTY = "assisted_rule"
EVIDENCE_PROPERTY = "assisted_evidence"
MESSAGE_PROPERTY = "assisted_message"
FINDING_PROPERTY = "assisted_finding"
SKIP_PROPERTY = "assisted_skip"
WORKS_PROPERTY = "assisted_works"
CRASH_POINTS_PROPERTY = "assisted_crash_points"
REPLACED_PROPERTY = "assisted_replaced"


class Listener(Protocol):
    """Hears of a run's progress while it goes on."""

    def planned(self, said: Mapping[str, Any]) -> None:
        """Everything that there is to run, here and in other processes."""

    def collected(self, tests: Mapping[str, str]) -> None:
        """The tests to come, with their rules' ids."""

    def started(self, test: str) -> None:
        """A test starts."""

    def found(self, result: TestResult) -> None:
        """A test found something out."""

    def worked(self, test: str, capability: str) -> None:
        """An ability that the driver does not declare works."""

    def replaced(self, what: Sequence[str]) -> None:
        """Something of the kit's is not the kit's own."""

    def finished(self, test: str) -> None:
        """A test is over, clean-up included."""

    def trouble(self, what: str) -> None:
        """The kit itself did not run as it should."""

    def interrupted(self) -> None:
        """Somebody pressed Ctrl-C."""


class Recorder:
    """A pytest plugin that tells what every test of a rule found out.

    :param turns: shared with other processes that run the same tests, each
        of them once.
    """

    def __init__(
        self, listener: Listener, turns: sharing.Turns | None = None
    ) -> None:
        self._listener = listener
        self._turns = turns

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Know which tests there are to come."""
        survey = session.config.pluginmanager.get_plugin("assisted_survey")
        assert isinstance(survey, Survey)
        plan = survey.plan(session)
        if not plan.tests:
            return
        self._listener.planned(plan.as_dict())
        self._listener.collected({t.name: t.rule_id for t in plan.tests})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run the tests that nobody else has taken, if there are others."""
        if self._turns is None or session.testsfailed:
            # Failed before the first test: pytest says that.
            return None
        items = sharing.in_order(session.items)
        while (number := self._turns.take()) < len(items):
            item = items[number]
            # Whichever is next, it has not been taken yet.
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
        return True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A part of the suite that does not import."""
        if report.failed:
            self._listener.trouble(f"{report.nodeid}: {report.longreprtext}")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test starts."""
        self._listener.started(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down one phase of a test."""
        record(report, self._listener)

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


def record(report: pytest.TestReport, listener: Listener) -> None:
    """Tell what a phase of a test found out, if it is one of the suite's."""
    properties = dict(report.user_properties)
    replaced = properties.get(REPLACED_PROPERTY)
    if isinstance(replaced, str):
        listener.replaced(replaced.splitlines())
    if properties.get(WORKS_PROPERTY) and report.when == "call":
        listener.worked(report.nodeid, str(properties[WORKS_PROPERTY]))
    if RULE_PROPERTY not in properties:
        return
    outcome = _outcome(report, properties)
    if outcome is not None:
        listener.found(
            TestResult(
                str(properties[RULE_PROPERTY]),
                report.nodeid,
                outcome,
                _evidence(report, properties),
                _message(report, properties),
                int(str(properties.get(CRASH_POINTS_PROPERTY, 0))),
                report.duration,
                _finding(properties),
            )
        )


_OPEN = {
    "no evidence": Outcome.NOT_EXERCISED,
    "not arranged": Outcome.NOT_ARRANGED,
}
_SKIPS = {
    "capability": Outcome.SKIPPED,
    "environment": Outcome.SKIPPED,
    "profile": Outcome.NOT_APPLICABLE,
}


def _outcome(
    report: pytest.TestReport, properties: dict[str, object]
) -> Outcome | None:
    """How a phase of a test ended; None for what says nothing."""
    open_ = _OPEN.get(str(properties.get(SKIP_PROPERTY)))
    if open_ is not None:
        return open_
    evidence = _evidence(report, properties)
    message = properties.get(MESSAGE_PROPERTY)
    if report.when == "call" and message and not report.passed:
        # A test that stumbled before its claim proves nothing of the driver.
        # One that is expected to fail (xfail) has failed all the same.
        return Outcome.FAILED if evidence else Outcome.ERROR
    if report.skipped:
        kind = str(properties.get(SKIP_PROPERTY))
        return _SKIPS.get(kind, Outcome.NOT_EXERCISED)
    if report.when != "call":
        return Outcome.ERROR if report.failed else None
    return Outcome.PASSED if report.passed else Outcome.ERROR


def _evidence(report: pytest.TestReport, properties: dict[str, object]) -> int:
    if report.when != "call":
        return 0
    return int(str(properties.get(EVIDENCE_PROPERTY, 0)))


def _finding(properties: dict[str, object]) -> dict[str, str]:
    finding = properties.get(FINDING_PROPERTY)
    return finding if isinstance(finding, dict) else {}


def _message(report: pytest.TestReport, properties: dict[str, object]) -> str:
    if report.passed:
        return ""
    message = properties.get(MESSAGE_PROPERTY)
    if message:
        return str(message)
    if not report.skipped:
        return report.longreprtext
    reason = str(getattr(report, "wasxfail", ""))
    if isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
    by_the_suite = properties.get(SKIP_PROPERTY) in _SKIPS
    return reason if by_the_suite else f"{SKIPPED_OUTSIDE}{reason}"
