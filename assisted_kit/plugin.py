# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin: the suite under pytest, wherever it is run.

Inert unless one of its options is given or tests of the suite are run.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import pytest

from assisted_kit import dossiers
from assisted_kit import exhaustive
from assisted_kit import exploration
from assisted_kit import preflight
from assisted_kit import sharing
from assisted_kit import suite
from assisted_kit.errors import AssistedKitError
from assisted_kit.exhaustive import EXHAUSTIVE_VARIABLE
from assisted_kit.integrity import Integrity
from assisted_kit.recorder import CRASH_POINTS_PROPERTY
from assisted_kit.recorder import EVIDENCE_PROPERTY
from assisted_kit.recorder import FINDING_PROPERTY
from assisted_kit.recorder import MESSAGE_PROPERTY
from assisted_kit.recorder import Recorder
from assisted_kit.recorder import REPLACED_PROPERTY
from assisted_kit.recorder import RULE_PROPERTY
from assisted_kit.recorder import SKIP_PROPERTY
from assisted_kit.recorder import WORKS_PROPERTY
from assisted_kit.rules import Rule
from assisted_kit.session import Session
from assisted_kit.session import WorkerSession
from assisted_kit.subject import CONFIG_VARIABLE
from assisted_kit.subject import DOSSIER_VARIABLE
from assisted_kit.subject import DRIVER_VARIABLE
from assisted_kit.subject import from_environment
from assisted_kit.subject import REFERENCE_DRIVER
from assisted_kit.survey import is_of_the_suite
from assisted_kit.survey import rule_of
from assisted_kit.survey import Survey

_OPTIONS = {
    "--assisted-driver": DRIVER_VARIABLE,
    "--assisted-config": CONFIG_VARIABLE,
}

_NUMBERS = {
    "--assisted-seed": (exploration.SEED_VARIABLE, 0),
    "--assisted-examples": (exploration.EXAMPLES_VARIABLE, 1),
}
"""Options with the least that each can be."""

_NATIVE = "testtools.testresult.real._StringException"
"""What testtools makes of any exception."""

_STUCK = pytest.StashKey[bool]()
_EXIT_STATUS = pytest.StashKey[int]()
_INTEGRITY = pytest.StashKey[Integrity]()


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
        "--assisted-dossier",
        metavar="DIR",
        help="write all that is known about each failure below this folder",
    )
    group.addoption(
        "--assisted-rule",
        metavar="ID",
        action="append",
        default=[],
        help="verify this rule only; may be repeated",
    )
    group.addoption(
        "--assisted-exhaustive",
        action="store_true",
        help="run every combination of the fault matrix",
    )
    group.addoption(
        "--assisted-seed",
        metavar="N",
        help="where the state machine begins; the same one repeats a run",
    )
    group.addoption(
        "--assisted-examples",
        metavar="N",
        help=f"have the state machine try so many programs of "
        f"{exploration.LONG_STEPS} steps",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Name the driver to the suite, which reads the environment.

    :raises pytest.UsageError: it cannot be put before the suite.
    """
    config.pluginmanager.register(Survey(), "assisted_survey")
    if _recorder(config) is None and not config.option.collectonly:
        kind = WorkerSession if _is_worker(config) else Session
        config.pluginmanager.register(kind(), "assisted_session")
    values = {}
    for option, variable in _OPTIONS.items():
        value = config.getoption(option)
        if value == "":
            raise pytest.UsageError(f"{option} is empty")
        if value is not None:
            values[variable] = value
    if config.getoption("--assisted-exhaustive"):
        # The rows of the matrix are made when its module is imported.
        _set_environment(config, {EXHAUSTIVE_VARIABLE: "1"})
    try:
        numbers = {
            variable: config.getoption(option)
            for option, (variable, least) in _NUMBERS.items()
            if _is_number(option, config.getoption(option), least)
        }
        _set_environment(config, numbers)
        if config.getoption("--assisted-rule"):
            suite.select(config.getoption("--assisted-rule"))
        if _names_the_suite(config):
            preflight.check_packages()
        exhaustive.is_wanted()
        folder = config.getoption("--assisted-dossier")
        if folder is not None:
            if not _is_checked_by_another(config):
                dossiers.prepare("--assisted-dossier", folder)
            _set_environment(
                config, {DOSSIER_VARIABLE: os.path.abspath(folder)}
            )
        if values:
            _set_environment(config, values)
            if not _is_checked_by_another(config):
                preflight.check()
                suite.try_out(from_environment())
    except AssistedKitError as error:
        raise pytest.UsageError(str(error)) from error


def _is_number(option: str, said: str | None, least: int) -> bool:
    """Whether it was given.

    :raises UsageError: it is no number that it can be.
    """
    if said is not None:
        exploration.number(option, said, least)
    return said is not None


def _names_the_suite(config: pytest.Config) -> bool:
    """Whether the suite is what the user wants to have collected."""
    names = [arg.partition("::")[0] for arg in config.args]
    return bool(config.option.pyargs) and any(
        name.partition(".")[0] == suite.SUITE for name in names
    )


def _set_environment(config: pytest.Config, values: dict[str, str]) -> None:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)

    def restore() -> None:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    config.add_cleanup(restore)


def _is_checked_by_another(config: pytest.Config) -> bool:
    """By ``assisted-kit run``, or by whoever started this xdist worker."""
    return (
        _recorder(config) is not None
        or _is_worker(config)
        or bool(config.option.collectonly)
    )


def _recorder(config: pytest.Config) -> Recorder | None:
    plugins = config.pluginmanager.get_plugins()
    # A session of its own is one as well, and no process that watches.
    return next((p for p in plugins if type(p) is Recorder), None)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Keep to the rules that were asked for.

    Where several processes share them, the longest are begun first: none is
    waited for at the end while the other processes have nothing to do.
    """
    if _is_worker(config):
        items[:] = sharing.in_order(items)
    wanted = config.getoption("--assisted-rule")
    if not wanted:
        return
    rules = suite.select(wanted)
    kept = [item for item in items if rule_of(item) in rules]
    left_out = [item for item in items if rule_of(item) not in rules]
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def pytest_report_collectionfinish(
    config: pytest.Config, items: Sequence[pytest.Item]
) -> list[str]:
    """Say which driver is verified, above all when nobody named one."""
    if not (any(map(rule_of, items)) or config.getoption("--assisted-driver")):
        return []
    return [f"assisted-kit: verifying {_driver_name()}"]


def _driver_name() -> str:
    try:
        return from_environment().driver
    except AssistedKitError:
        return os.environ.get(DRIVER_VARIABLE) or REFERENCE_DRIVER


def pytest_collection_finish(session: pytest.Session) -> None:
    """Know the kit as it is before the first test."""
    if any(map(is_of_the_suite, session.items)):
        session.config.stash[_INTEGRITY] = Integrity()
        # Everything that was imported stays until the end: the collector
        # need not look through it again and again during each test.
        gc.collect()
        gc.freeze()


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
    if not is_of_the_suite(item) or call.when == "teardown":
        return report
    rule = rule_of(item)
    found: list[tuple[str, object]] = []
    if call.when == "setup":
        if rule is not None:
            found.append((RULE_PROPERTY, rule.id))
        _represent(report, call)
    else:
        case: Any = getattr(item, "instance", None)
        if getattr(case, "assisted_interrupted", False):
            # An exception of the clean-up would hide it.
            raise KeyboardInterrupt
        found += _findings(case, rule)
        if case.assisted_stuck:
            item.config.stash[_STUCK] = True
            item.session.shouldfail = (
                f"{rule.id if rule else item.name}: a hook of the driver "
                f"does not return, so the run ends here"
            )
        _represent(report, call, case.assisted_message, case.assisted_summary)
        if case.assisted_message:
            report.user_properties.append(
                (MESSAGE_PROPERTY, case.assisted_message)
            )
        if case.assisted_finding:
            report.user_properties.append(
                (FINDING_PROPERTY, dict(case.assisted_finding))
            )
        # Whatever is there while a test runs is there after its call, too.
        replaced = item.config.stash[_INTEGRITY].changes()
        if replaced:
            report.user_properties.append(
                (REPLACED_PROPERTY, "\n".join(replaced))
            )
    # Those of the item are in the reports of its later phases as well.
    item.user_properties += found
    report.user_properties += found
    return report


def _findings(case: Any, rule: Rule | None) -> Iterator[tuple[str, object]]:
    if rule is not None:
        yield EVIDENCE_PROPERTY, case.assisted_evidence
        if case.assisted_crash_points:
            yield CRASH_POINTS_PROPERTY, case.assisted_crash_points
    if case.assisted_skip:
        yield SKIP_PROPERTY, case.assisted_skip
    if case.assisted_works:
        yield WORKS_PROPERTY, case.assisted_works


def _represent(
    report: pytest.TestReport,
    call: pytest.CallInfo[None],
    message: str = "",
    summary: str = "",
) -> None:
    """Have a failure say what the suite says, and nothing of testtools'."""
    if not report.failed or call.excinfo is None:
        return
    error = call.excinfo.value
    if not message and (
        # Of a vendor's own setUp, which the suite did not see fail.
        "Incompatible Exception Repr" in str(error)
        or isinstance(error, AssistedKitError)
    ):
        message = str(error).rpartition("displaying natively:")[2].strip()
        message = message.removeprefix(f"{_NATIVE}: ")
        *_, summary = message.splitlines() or [""]
    if message:
        report.longrepr = _representation(message, summary or message)


def _representation(message: str, summary: str) -> Any:
    """A message as pytest's terminal, summary, JUnit and xdist take it."""
    try:
        raise AssertionError(message)
    except AssertionError as error:
        excinfo = pytest.ExceptionInfo.from_exception(error)
    representation = excinfo.getrepr(style="value")
    if representation.reprcrash is not None:
        # The class before the message would be ours, and of no interest.
        representation.reprcrash.message = summary.splitlines()[0]
    return representation


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember the status for a process that has to be ended."""
    session.config.stash[_EXIT_STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process, when a thread in a hook of the driver never will."""
    if config.stash.get(_STUCK, False) and _recorder(config) is None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash.get(_EXIT_STATUS, 1))
