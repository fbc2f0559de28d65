# SPDX-License-Identifier: Apache-2.0
"""The verdict at the end of a pytest session with tests of the suite."""

from __future__ import annotations

from typing import Any

import click
import pytest

from assisted_kit import suite
from assisted_kit.evaluation import evaluate
from assisted_kit.record import Record
from assisted_kit.recorder import record
from assisted_kit.recorder import Recorder
from assisted_kit.results import RunResult

_PLAN = "assisted_plan"


class WorkerSession:
    """In a worker of pytest-xdist: tells the controller what it is to run."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell it; results reach it in the reports."""
        survey: Any = session.config.pluginmanager.get_plugin(
            "assisted_survey"
        )
        plan = survey.plan(session)
        if plan.tests:
            output = session.config.workeroutput  # type: ignore[attr-defined]
            output[_PLAN] = plan.as_dict()


class Session(Recorder):
    """Anywhere else: takes results down, and judges at the end.

    Inert in a session without tests of the suite.
    """

    def __init__(self) -> None:
        self._record = Record("")
        super().__init__(self._record)
        self._results: list[RunResult] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take down one phase of a test, of workers as well."""
        record(report, self._record)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker of pytest-xdist is through; all have the same plan."""
        plan = getattr(node, "workeroutput", {}).get(_PLAN)
        if plan is not None and self._record.plan is None:
            self._record.planned(plan)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Judge, and see that nobody takes a gap for success."""
        plan = self._record.plan
        if plan is None:
            return
        super().pytest_sessionfinish(session)
        rules = suite.select(session.config.getoption("--assisted-rule"))
        self._results = [
            evaluate(self._record, rules, key=key) for key in plan.drivers
        ]
        incomplete = any(result.exit_status for result in self._results)
        if incomplete and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say for each driver what the session found out."""
        # The command line is not needed where there is nothing to say.
        from assisted_kit.cli import rendering

        for result in self._results:
            terminalreporter.section(f"assisted snapshots: {result.driver}")
            writer = terminalreporter._tw
            text = rendering.summary(result, writer.fullwidth - 1)
            terminalreporter.write_line(
                text if writer.hasmarkup else click.unstyle(text)
            )
