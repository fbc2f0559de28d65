# SPDX-License-Identifier: Apache-2.0
"""Running the suite on a driver, and finding its rules.

The suite is loaded by its name: nothing in this package imports it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager

import pytest

from assisted_kit.plugin import Recorder
from assisted_kit.results import by_rule
from assisted_kit.results import RunResult
from assisted_kit.rules import Rule
from assisted_kit.subject import load
from assisted_kit.subject import UsageError

SUITE = "conformance"
CATALOGUE = "conformance.catalogue"


def catalogue() -> Mapping[str, Rule]:
    """Every rule by its id, in the order in which they are reported."""
    found: Mapping[str, Rule] = importlib.import_module(CATALOGUE).BY_ID
    return found


def select(rule_ids: Sequence[str]) -> list[Rule]:
    """The rules of these ids, or every rule when there is none.

    :raises UsageError: there is no such rule.
    """
    rules = catalogue()
    for rule_id in rule_ids:
        if rule_id not in rules:
            raise UsageError(
                f"unknown rule {rule_id!r}; 'assisted-kit rules' lists them"
            )
    return [
        rule for rule in rules.values() if not rule_ids or rule.id in rule_ids
    ]


def run(
    driver: str | None,
    config_file: str | None,
    rule_ids: Sequence[str],
    progress: Callable[[int, int], None],
) -> RunResult:
    """Put a driver before the suite, or before some of its rules.

    :param progress: called after each test, see :class:`Recorder`.
    :raises UsageError: an unknown rule, or a wrong configuration.
    :raises SubjectError: the driver cannot be put before the suite.
    """
    selected = select(rule_ids)
    subject = load(driver, config_file)
    recorder = Recorder(progress)
    arguments = [
        "--pyargs",
        SUITE,
        "-p",
        "assisted_kit",
        "-p",
        "no:terminal",
        "-p",
        "no:cacheprovider",
        # No file of the directory that the user happens to be in.
        "-c",
        os.devnull,
        f"--rootdir={os.getcwd()}",
        f"--assisted-driver={driver or subject.driver}",
    ]
    if config_file:
        arguments.append(f"--assisted-config={config_file}")
    arguments += [f"--assisted-rule={rule.id}" for rule in selected]
    with _only_our_plugin():
        code = pytest.main(arguments, plugins=[recorder])
    if code in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR):
        recorder.trouble.append(f"pytest ended with {code!r}")
    return RunResult(
        subject.adapter.name,
        by_rule(selected, recorder.tests),
        selected=bool(rule_ids),
        interrupted=recorder.interrupted,
        trouble=tuple(recorder.trouble),
    )


@contextmanager
def _only_our_plugin() -> Iterator[None]:
    """Keep other pytest plugins out: they reorder, repeat and print."""
    name = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
