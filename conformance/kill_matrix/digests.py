# SPDX-License-Identifier: Apache-2.0
"""By what a change of a rule or of a broken driver is told.

What rules share is in no digest: the arrangement of a test, the manager or
the reference driver, which all broken drivers are derived from.  Whoever
changes what is judged there judges everything anew (``--all``).
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
import unittest
from collections import defaultdict
from collections.abc import Iterator

import conformance
from conformance.case import ConformanceTest
from conformance.catalogue import RULES
from conformance.kill_matrix.sources import sources_of
from fakes.broken import BROKEN
from fakes.broken.registry import BrokenDriver

_DIGITS = 12


def of_rules() -> dict[str, str]:
    """A digest of each rule's text, and of its tests' classes.

    With what these use of their own module.
    """
    classes: dict[str, set[type]] = defaultdict(set)
    for test in _tests():
        if not test.assisted_probe:
            classes[test.assisted_rule.id].add(type(test))
    return {
        rule.id: _digest(repr(rule), *_of_tests(classes.get(rule.id, set())))
        for rule in RULES
    }


def _of_tests(classes: set[type]) -> list[str]:
    modules = {each.__module__ for each in classes}
    return sources_of(list(classes), modules.__contains__)


def of_drivers() -> dict[str, str]:
    """A digest of each broken driver, and of all that it uses of the fakes.

    Which rules it names is not in it.
    """
    return {broken.name: _of_driver(broken) for broken in BROKEN}


def _of_driver(broken: BrokenDriver) -> str:
    return _digest(
        broken.name,
        *sources_of(
            [broken.driver], lambda module: module.startswith("fakes.")
        ),
    )


def _tests() -> Iterator[ConformanceTest]:
    for module in pkgutil.iter_modules(conformance.__path__):
        if module.name.startswith("test_"):
            found = importlib.import_module(f"conformance.{module.name}")
            yield from _each(
                unittest.defaultTestLoader.loadTestsFromModule(found)
            )


def _each(suite: unittest.TestSuite) -> Iterator[ConformanceTest]:
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from _each(entry)
        elif isinstance(entry, ConformanceTest):
            yield entry


def _digest(*texts: str) -> str:
    whole = hashlib.sha256()
    for text in texts:
        whole.update(text.encode() + b"\0")
    return whole.hexdigest()[:_DIGITS]
