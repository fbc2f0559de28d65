# SPDX-License-Identifier: Apache-2.0
"""By what a change of a rule or of a broken driver is told.

What rules share is in no digest: the arrangement of a test, the manager or
the reference driver, which all broken drivers are derived from.  Whoever
changes what is judged there judges everything anew (``--all``).
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import pkgutil
import sys
import unittest
from collections import defaultdict
from collections.abc import Iterator

import conformance
from conformance.case import ConformanceTest
from conformance.catalogue import RULES
from fakes.broken import BROKEN
from fakes.broken.registry import BrokenDriver

_DIGITS = 12


def of_rules() -> dict[str, str]:
    """A digest of each rule's text and of the modules with its tests."""
    modules: dict[str, set[str]] = defaultdict(set)
    for test in _tests():
        if not test.assisted_probe:
            modules[test.assisted_rule.id].add(type(test).__module__)
    return {
        rule.id: _digest(
            repr(rule), *map(_source, sorted(modules.get(rule.id, ())))
        )
        for rule in RULES
    }


def of_drivers() -> dict[str, str]:
    """A digest of each broken driver's module, and of its bases' here."""
    return {broken.name: _of_driver(broken) for broken in BROKEN}


def _of_driver(broken: BrokenDriver) -> str:
    modules = {
        base.__module__
        for base in broken.driver.__mro__
        if base.__module__.startswith("fakes.")
    }
    return _digest(broken.name, *map(_source, sorted(modules)))


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


def _source(module: str) -> str:
    return inspect.getsource(sys.modules[module])


def _digest(*texts: str) -> str:
    whole = hashlib.sha256()
    for text in texts:
        whole.update(text.encode() + b"\0")
    return whole.hexdigest()[:_DIGITS]
