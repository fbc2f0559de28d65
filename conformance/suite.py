# SPDX-License-Identifier: Apache-2.0
"""The whole suite as one class, for a test module of a vendor's::

    from conformance import suite

    class TestMyDriver(suite.DriverConformance):
        driver = "mydriver:MyDriver"

Every test of the suite is a test of that class, under any runner.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import conformance
from assisted_kit import preflight
from assisted_kit import subject as subjects
from assisted_kit import suite as rules
from assisted_kit.adapter import DriverAdapter
from assisted_kit.errors import AssistedKitError
from assisted_kit.settings import UsageError
from assisted_kit.subject import Subject
from conformance.case import ConformanceTest
from conformance.rows import REQUIRES

_OF_UNITTEST = ("_classSetupFailed", "_class_cleanups")
"""What it sets on each class."""


class NameCollision(AssistedKitError):
    """Two classes of the suite's tests have a member of the same name."""


@functools.cache
def classes() -> tuple[type[ConformanceTest], ...]:
    """Every class of tests that the suite has, by the names of modules."""
    modules = [
        importlib.import_module(f"{conformance.__name__}.{found.name}")
        for found in pkgutil.iter_modules(conformance.__path__)
        if found.name.startswith("test_")
    ]
    return tuple(
        member
        for module in modules
        for member in vars(module).values()
        if isinstance(member, type)
        and issubclass(member, ConformanceTest)
        and member.__module__ == module.__name__
    )


def tests_of(cls: type[Any]) -> dict[str, Any]:
    """The tests that a class itself has, by their names."""
    return {
        name: test
        for name, test in vars(cls).items()
        if name.startswith("test") and callable(test)
    }


@functools.cache
def tests() -> Mapping[str, type[ConformanceTest]]:
    """The name of every test, with the class of the suite that has it.

    :raises NameCollision: two classes could not be the bases of one.
    """
    homes: dict[str, type[ConformanceTest]] = {}
    for cls in classes():
        for name in vars(cls):
            if name.startswith("__") or name in (REQUIRES, *_OF_UNITTEST):
                continue
            other = homes.setdefault(name, cls)
            if other is not cls:
                raise NameCollision(
                    f"{other.__module__}.{other.__name__} and "
                    f"{cls.__module__}.{cls.__name__} both have {name}"
                )
    return {name: cls for name, cls in homes.items() if name in tests_of(cls)}


def _leaves(bases: tuple[type, ...]) -> list[type]:
    """The suite's classes that neither each other nor ``bases`` have."""
    there = {cls for base in bases for cls in base.__mro__}
    there.update(parent for cls in classes() for parent in cls.__mro__[1:])
    return [cls for cls in classes() if cls not in there]


class _WithTests(type):
    """Gives the tests to each subclass, and none to the base itself.

    Whatever collects a module that imports the base finds nothing to run
    with a driver that nobody named.
    """

    def __new__(
        mcs, name: str, bases: tuple[type, ...], members: dict[str, Any]
    ) -> Any:
        if any(type(base) is mcs for base in bases) and tests():
            bases = (*bases, *_leaves(bases))
        return super().__new__(mcs, name, bases, members)


class DriverConformance(ConformanceTest, metaclass=_WithTests):
    """The suite on one driver, which the subclass names.

    Several subclasses may be in one module, each with its own driver.
    """

    driver: str | None = None
    """``module:Class`` of the driver, or of its adapter."""
    driver_class: type[Any] | None = None
    """The class itself, instead of its name."""
    adapter: type[DriverAdapter] | None = None
    """What constructs the driver instead of the default."""
    config_file: str | None = None
    """A configuration file; what the environment names is not read."""
    rules: Sequence[str] = ()
    """The ids of the rules to keep to; all of them when there is none."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if isinstance(cls.rules, str):
            raise UsageError(f"{cls.__name__}.rules is a string, not a list")
        if cls.rules:
            wanted = rules.select(cls.rules)
            for name in tests():
                test = getattr(cls, name, None)
                if getattr(test, "assisted_rule", None) not in wanted:
                    # No runner takes None for a test.
                    setattr(cls, name, None)

    @classmethod
    def setUpClass(cls) -> None:
        """Say once what would fail every test alike."""
        super().setUpClass()
        preflight.check()
        rules.try_out(cls.assisted_subject())

    @classmethod
    def assisted_subject(cls) -> Subject:
        """The driver that the class names.

        :raises UsageError: it names none, or two.
        """
        found = cls.driver_class
        if found is None and cls.driver is None:
            found = getattr(cls.adapter, "driver_class", None)
        if (found is None) == (cls.driver is None):
            raise UsageError(
                f"{cls.__module__}.{cls.__qualname__} names "
                f"{'two drivers' if found else 'no driver'}: set either "
                f"driver or driver_class"
            )
        if found is None:
            return subjects.load(cls.driver, cls.config_file, cls.adapter)
        return subjects.of_class(found, cls.adapter, cls.config_file)

    def _repeat(self) -> list[str]:
        return ["python", "-m", "unittest", self.id()]
