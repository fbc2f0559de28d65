# SPDX-License-Identifier: Apache-2.0
"""The suite for runners of unittest, which load tests by a protocol::

    python -m unittest assisted_kit.unittests

A module of the vendor's that imports :func:`load_tests` has the whole suite
in it, for ``unittest discover`` and ``stestr``.
"""

from __future__ import annotations

import importlib
import unittest

from assisted_kit import preflight
from assisted_kit import suite
from assisted_kit.subject import from_environment


def load_tests(
    loader: unittest.TestLoader,
    tests: unittest.TestSuite,
    pattern: str | None,
) -> unittest.TestSuite:
    """The tests that the module has, and those of the suite.

    :raises AssistedKitError: they could not tell anything of the driver,
        and why.
    """
    preflight.check()
    suite.try_out(from_environment())
    found = unittest.TestSuite([tests])
    for cls in importlib.import_module(f"{suite.SUITE}.suite").classes():
        found.addTests(loader.loadTestsFromTestCase(cls))
    return found
