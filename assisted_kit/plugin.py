# SPDX-License-Identifier: Apache-2.0
"""The pytest plugin: the suite under pytest, wherever it is run.

Inert unless one of its options is given or tests of the suite are run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from collections.abc import Sequence
from typing import Any

import pytest

from assisted_kit import preflight
from assisted_kit import suite
from assisted_kit.errors import AssistedKitError
from assisted_kit.recorder import EVIDENCE_PROPERTY
from assisted_kit.recorder import MESSAGE_PROPERTY
from assisted_kit.recorder import Recorder
from assisted_kit.recorder import RULE_PROPERTY
from assisted_kit.rules import Rule
from assisted_kit.subject import CONFIG_VARIABLE
from assisted_kit.subject import DRIVER_VARIABLE
from assisted_kit.subject import from_environment
from assisted_kit.subject import REFERENCE_DRIVER

_OPTIONS = {
    "--assisted-driver": DRIVER_VARIABLE,
    "--assisted-config": CONFIG_VARIABLE,
}

_RULE = pytest.StashKey[Rule]()
_STUCK = pytest.StashKey[bool]()
_EXIT_STATUS = pytest.StashKey[int]()


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
    """Name the driver to the suite, which reads the environment.

    :raises pytest.UsageError: it cannot be put before the suite.
    """
    values = {}
    for option, variable in _OPTIONS.items():
        value = config.getoption(option)
        if value == "":
            raise pytest.UsageError(f"{option} is empty")
        if value is not None:
            values[variable] = value
    try:
        if config.getoption("--assisted-rule"):
            suite.select(config.getoption("--assisted-rule"))
        if values:
            _set_environment(config, values)
            if not _is_checked_by_another(config):
                preflight.check()
                suite.try_out(from_environment())
    except AssistedKitError as error:
        raise pytest.UsageError(str(error)) from error


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
    return next((p for p in plugins if isinstance(p, Recorder)), None)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Recognize the tests of the suite, by their rule."""
    rule = getattr(getattr(item, "obj", None), "assisted_rule", None)
    if isinstance(rule, Rule):
        item.stash[_RULE] = rule


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Keep to the rules that were asked for."""
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


def rule_of(item: pytest.Item) -> Rule | None:
    """The rule that a test verifies; None for a test of somebody else's."""
    return item.stash.get(_RULE, None)


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
    rule = rule_of(item)
    if rule is None or call.when == "teardown":
        return report
    found: list[tuple[str, object]] = []
    if call.when == "setup":
        found.append((RULE_PROPERTY, rule.id))
    else:
        case: Any = getattr(item, "instance", None)
        if getattr(case, "assisted_interrupted", False):
            # An exception of the clean-up would hide it.
            raise KeyboardInterrupt
        found.append((EVIDENCE_PROPERTY, case.assisted_evidence))
        if case.assisted_stuck:
            item.config.stash[_STUCK] = True
            item.session.shouldfail = (
                f"{rule.id}: a hook of the driver does not return, so the "
                f"run ends here"
            )
        if report.failed and case.assisted_message:
            report.longrepr = _representation(case.assisted_message)
            report.user_properties.append(
                (MESSAGE_PROPERTY, case.assisted_message)
            )
    # Those of the item are in the reports of its later phases as well.
    item.user_properties += found
    report.user_properties += found
    return report


def _representation(message: str) -> Any:
    """A message as pytest's terminal, summary, JUnit and xdist take it."""
    try:
        raise AssertionError(message)
    except AssertionError as error:
        excinfo = pytest.ExceptionInfo.from_exception(error)
    representation = excinfo.getrepr(style="value")
    if representation.reprcrash is not None:
        # The class before the message would be ours, and of no interest.
        representation.reprcrash.message = message
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
