# SPDX-License-Identifier: Apache-2.0
"""What a pytest session is to run, held against what the suite has."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import pytest

from assisted_kit import suite
from assisted_kit.errors import AssistedKitError
from assisted_kit.plan import DriverFacts
from assisted_kit.plan import Plan
from assisted_kit.plan import PlannedTest
from assisted_kit.rules import Rule

_MAY_OVERRIDE = {
    "adapter",
    "config_file",
    "driver",
    "driver_class",
    "rules",
    "setUp",
    "setUpClass",
    "tearDown",
    "tearDownClass",
}
"""What a vendor's class has of its own."""

NAMED = 10
"""Rules that are named; of more it is said how many they are."""

_RULE = pytest.StashKey[Rule | None]()
"""None in a test of the suite's that is of no rule."""


def rule_of(item: pytest.Item) -> Rule | None:
    """The rule that a test verifies; None for any other test."""
    return item.stash.get(_RULE, None)


def is_of_the_suite(item: pytest.Item) -> bool:
    """Whether it is a test of the suite's, also one of no rule."""
    return _RULE in item.stash


class Survey:
    """A plugin that sees what becomes of the suite's tests at collection."""

    def __init__(self) -> None:
        self._seen: dict[str, pytest.Item] = {}
        self._deselected: set[str] = set()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Recognize a test of the suite."""
        test = getattr(item, "obj", None)
        rule = getattr(test, "assisted_rule", None)
        is_probe = getattr(test, "assisted_probe", None) is True
        if is_probe or isinstance(rule, Rule):
            item.stash[_RULE] = None if is_probe else rule
            self._seen[item.nodeid] = item

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Have what is of no rule last, whoever shuffles."""
        items.sort(
            key=lambda item: is_of_the_suite(item) and rule_of(item) is None
        )

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Somebody says that tests are not to run."""
        self._deselected.update(item.nodeid for item in items)

    def plan(self, session: pytest.Session) -> Plan:
        """What is left to run, once everybody has had a say."""
        kept = {item.nodeid for item in session.items}
        wanted = suite.select(session.config.getoption("--assisted-rule"))
        drivers: dict[str, DriverFacts] = {}
        for key, items in self._by_driver().items():
            chosen = [*self._chosen(items, wanted)]
            drivers[key] = _facts(
                items[0],
                selected=bool(chosen) or len(wanted) < len(suite.catalogue()),
                left_out=[*chosen, *self._removed(items, kept)],
                combinations=_combinations(
                    item for item in items if item.nodeid in kept
                ),
            )
        return Plan(
            drivers,
            [
                _planned(item)
                for item in self._seen.values()
                # Who takes tests away and does not say so is no user.
                if item.nodeid not in self._deselected
            ],
            [*_overridden(self._seen.values())],
        )

    def _by_driver(self) -> dict[str, list[pytest.Item]]:
        found: dict[str, list[pytest.Item]] = {}
        for item in self._seen.values():
            found.setdefault(_key(item), []).append(item)
        return found

    def _chosen(
        self, items: list[pytest.Item], wanted: list[Rule]
    ) -> Iterator[str]:
        """What the user did not want, of the rules that were asked for."""
        there = {_name(item) for item in items}
        absent = [
            rule
            for name, home in _suite().tests().items()
            if name not in there
            if (rule := getattr(getattr(home, name), "assisted_rule", None))
        ]
        for what, rules in (
            ("deselected", self._rules(items, self._deselected)),
            ("not collected", absent),
        ):
            left_out = [rule for rule in rules if rule in wanted]
            if left_out:
                yield f"{what}: {_tests_of(left_out)}"

    def _removed(
        self, items: list[pytest.Item], kept: set[str]
    ) -> Iterator[str]:
        """What disappeared between collection and run."""
        gone = {item.nodeid for item in items} - kept - self._deselected
        rules = self._rules(items, gone)
        if rules:
            yield f"removed by a plugin or a conftest: {_tests_of(rules)}"

    def _rules(self, items: list[pytest.Item], names: set[str]) -> list[Rule]:
        concerned = (item for item in items if item.nodeid in names)
        return [rule for item in concerned if (rule := rule_of(item))]


def _suite() -> Any:
    return importlib.import_module(f"{suite.SUITE}.suite")


def _planned(item: pytest.Item) -> PlannedTest:
    rule = rule_of(item)
    if rule is None:
        return PlannedTest(item.nodeid, "", (), _key(item))
    case = _class(item)(_name(item))
    requires = sorted(c.name for c in case.assisted_requires)
    return PlannedTest(item.nodeid, rule.id, requires, _key(item))


def _class(item: pytest.Item) -> Any:
    return item.cls  # type: ignore[attr-defined]


def _name(item: pytest.Item) -> str:
    return str(getattr(item, "originalname", None) or item.name)


def _key(item: pytest.Item) -> str:
    """The class that names the driver; empty if none does."""
    cls = _class(item)
    named = issubclass(cls, _suite().DriverConformance)
    return _dotted(cls) if named else ""


def _facts(
    item: pytest.Item,
    *,
    selected: bool,
    left_out: list[str],
    combinations: Sequence[int],
) -> DriverFacts:
    cls = _class(item)
    try:
        adapter = cls.assisted_subject().adapter
    except AssistedKitError:
        # Each test is going to say why.
        name = getattr(cls, "driver", None) or _key(item) or "the driver"
        return DriverFacts(str(name), None, (), selected, left_out)
    declared = sorted(c.name for c in adapter.capabilities)
    profile = str(adapter.profile)
    return DriverFacts(
        adapter.name, profile, declared, selected, left_out, combinations
    )


def _combinations(items: Iterable[pytest.Item]) -> tuple[int, ...]:
    """How many rows there are of a test that may leave some out.

    Several tests may have the same row.
    """
    rows, of = set(), 0
    for item in items:
        test = getattr(_class(item), _name(item))
        found = getattr(test, "assisted_combination", None)
        if found is not None:
            rows.add(found.row)
            of = found.one_of
    return (len(rows), of) if rows else ()


def _tests_of(rules: Iterable[Rule]) -> str:
    rules = list(rules)
    word = "test" if len(rules) == 1 else "tests"
    ids = sorted({rule.id for rule in rules})
    which = ", ".join(ids) if len(ids) <= NAMED else f"{len(ids)} rules"
    return f"{len(rules)} {word} of {which}"


def _overridden(items: Iterable[pytest.Item]) -> Iterator[str]:
    """What classes of somebody else's have in the place of the suite's."""
    said = {}
    for cls in dict.fromkeys(map(_class, items)):
        ours = [c for c in cls.__mro__ if _is_ours(c)]
        theirs = [c for c in cls.__mro__ if not _is_ours(c)]
        for owner in theirs[: cls.__mro__.index(ours[0])]:
            for name, value in vars(owner).items():
                if name in _MAY_OVERRIDE or name.startswith("_class"):
                    continue
                home = next((c for c in ours if name in vars(c)), None)
                if home and value is not None and not name.startswith("__"):
                    said[f"{_dotted(owner)}.{name}"] = _dotted(home)
    for what, home in said.items():
        yield f"{what} overrides that of {home}"


def _dotted(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _is_ours(cls: type[Any]) -> bool:
    return cls.__module__.partition(".")[0] == suite.SUITE
