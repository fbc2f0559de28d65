# SPDX-License-Identifier: Apache-2.0
"""Running the suite on a driver, and finding its rules.

The suite is loaded by its name: nothing in this package imports it.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

from assisted_kit import preflight
from assisted_kit import settings
from assisted_kit import supervisor
from assisted_kit.errors import AssistedKitError
from assisted_kit.evaluation import evaluate
from assisted_kit.record import Record
from assisted_kit.results import RunResult
from assisted_kit.rules import Rule
from assisted_kit.run_options import NOTHING_ASKED
from assisted_kit.run_options import RunOptions
from assisted_kit.subject import name_of
from assisted_kit.subject import Subject
from assisted_kit.subject import UsageError

SUITE = "conformance"
CATALOGUE = "conformance.catalogue"
TRIAL = "conformance.trial"

_VERIFIES = re.compile(r'^ *@verifies\("([^"]+)"\)$', re.MULTILINE)
"""A test of a rule, in the source of the suite."""


def catalogue() -> Mapping[str, Rule]:
    """Every rule by its id, in the order in which they are reported.

    :raises HiddenPackage: another package has the suite's name.
    """
    preflight.check_packages(SUITE)
    found: Mapping[str, Rule] = importlib.import_module(CATALOGUE).BY_ID
    return found


def select(rule_ids: Sequence[str]) -> list[Rule]:
    """The rules of these ids, in any case, or all when there is none.

    :raises UsageError: there is no such rule.
    """
    rules = catalogue()
    wanted = [rule_id.upper() for rule_id in rule_ids]
    for rule_id in wanted:
        if rule_id not in rules:
            close = difflib.get_close_matches(rule_id, rules, 3)
            meant = f"did you mean {' or '.join(close)}? " if close else ""
            raise UsageError(
                f"unknown rule {rule_id!r}; {meant}'assisted-kit rules' "
                f"lists them"
            )
    return [rule for rule in rules.values() if not wanted or rule.id in wanted]


def modules(rule_ids: Collection[str]) -> list[str]:
    """Names of modules that have every test of these rules.

    All of the suite where there is none: it has tests that are of no rule.
    To collect all of the suite takes longer than most rules do.  A module is
    told by its source, since to import them all takes its time as well; it
    is all of the suite where that has not every rule.
    """
    found = []
    missing = set(rule_ids)
    for file in sorted(directory().glob("test_*.py")):
        verified = set(_VERIFIES.findall(file.read_text(encoding="utf-8")))
        if not verified.isdisjoint(rule_ids):
            found.append(f"{SUITE}.{file.stem}")
            missing -= verified
    return [SUITE] if missing or not found else found


def import_tests(rule_ids: Collection[str]) -> None:
    """Import the modules that have the tests of these rules, or all of them.

    With what they import, and what every run does.
    """
    importlib.import_module(TRIAL)
    names = modules(rule_ids)
    if SUITE in names:
        files = sorted(directory().glob("test_*.py"))
        names = [f"{SUITE}.{file.stem}" for file in files]
    for name in names:
        importlib.import_module(name)


def directory() -> Path:
    """Where the suite is."""
    package = importlib.import_module(SUITE)
    return Path(str(package.__file__)).parent


def try_out(subject: Subject) -> None:
    """Try once what every test needs: share, database, driver.

    :raises SubjectError: saying which cannot be used, and why.
    """
    importlib.import_module(TRIAL).try_out(subject)


def run(
    driver: str | None,
    config_file: str | None,
    rule_ids: Sequence[str],
    progress: Callable[[int, int], None],
    processes: int = 1,
    options: RunOptions = NOTHING_ASKED,
) -> RunResult:
    """Put a driver before the suite, or before some of its rules.

    The driver runs in a process of its own, so that whatever it does there,
    there is a result.

    :param progress: called after each test, with how many are over and how
        many there are.
    :param processes: over how many the tests are spread.
    :raises UsageError: an unknown rule, or a wrong configuration.
    """
    rules = select(rule_ids)
    said = settings.read(config_file)
    name = name_of(driver, said)
    record = Record(name)
    try:
        preflight.check_programs()
        record = supervisor.supervise(
            name,
            said,
            # Of no rule are the attempts at what is not declared.
            [rule.id for rule in rules] if rule_ids else [],
            progress,
            processes,
            options,
        )
    except UsageError:
        raise
    except AssistedKitError as error:
        record.troubles.append(str(error))
    except KeyboardInterrupt:
        record.was_interrupted = True
    return evaluate(record, rules, selected=bool(rule_ids))
