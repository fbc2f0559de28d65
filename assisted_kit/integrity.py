# SPDX-License-Identifier: Apache-2.0
"""Whether the kit that judges is the kit as it was written.

A conftest, a plugin or the driver itself can replace a function of the kit
while it is loaded, and make every claim hold.  What is in memory is
compared with what the modules' own loaders give.
"""

from __future__ import annotations

import ast
import dis
import functools
import gc
import inspect
import operator
import sys
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from types import ModuleType
from typing import Any

from assisted_kit.preflight import PACKAGES

_MAY_WRAP = {"contextlib", "ddt", "functools", "tenacity", *PACKAGES}
"""Modules whose functions stand before one of the kit's, as decorators."""


_NOTHING = object()

_IMPORT_NAME = dis.opmap["IMPORT_NAME"]
_IMPORT_FROM = dis.opmap["IMPORT_FROM"]
_ON_NAMES = frozenset({_IMPORT_NAME, _IMPORT_FROM, dis.opmap["STORE_NAME"]})


class Integrity:
    """What of the kit has been replaced, each place said once."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._others: set[str] = set()
        self._places: list[_Known] = []
        self._groups: list[_Group] | None = None
        self._functions = _Functions(())
        self._heirs: list[_Heir] = []
        self._said: set[str] = set()

    def changes(self) -> list[str]:
        """What has been replaced and not yet been said."""
        self._look_at_new_modules()
        found = [place.where for place in self._suspects() if place.differs()]
        found += (where for heir in self._heirs for where in heir.hides())
        new = [where for where in found if where not in self._said]
        self._said.update(new)
        return [f"{where} was replaced at run time" for where in new]

    def _suspects(self) -> Iterable[_Known]:
        """Places that may not be as they were when they were first seen.

        All are looked at with every test, so it is done quickly: those of
        one module or class at once, and a function once wherever it is.
        """
        if self._groups is None:
            self._groups = _grouped(self._places)
            self._functions = _Functions(self._places)
        if self._functions.differ():
            return self._places
        return (
            place
            for group in self._groups
            if group.differs()
            for place in group.places
        )

    def _look_at_new_modules(self) -> None:
        # There are thousands, and few come between two tests.
        for name in sorted(sys.modules.keys() - self._others - self._known):
            if name.partition(".")[0] in PACKAGES:
                self._look_at(name, sys.modules[name])
            else:
                self._others.add(name)

    def _look_at(self, name: str, module: ModuleType) -> None:
        """Know what a module's functions have to be."""
        file = getattr(module, "__file__", None)
        if not file or not file.endswith(".py"):
            return
        self._known.add(name)
        self._groups = None
        code = SourceFileLoader(name, file).get_code(name)
        expected = _functions(code) if code else {}
        places = list(_members(module, expected))
        if any(_differs(place, expected) for place in places):
            # pytest has put its own code in the place of each assert.
            rewritten = _functions(_rewritten(Path(file)))
            for where, codes in rewritten.items():
                expected.setdefault(where, []).extend(codes)
        for place in places:
            members, attribute, path, value = place
            written = _code(value)
            if _differs(place, expected):
                written = (None,)
            where = f"{name}:{path}"
            self._places.append(_Known(members, attribute, where, written))
        if code:
            self._heirs.extend(_heirs(module, expected))
            for attribute, value in _imports(code, vars(module)):
                where = f"{name}:{attribute}"
                written = _code(value)
                if written is not None:
                    self._places.append(
                        _Known(vars(module), attribute, where, written)
                    )


class _Known:
    """A place in the kit, and the code that belongs there."""

    __slots__ = ("_codes", "attribute", "members", "value", "where")

    def __init__(
        self,
        members: Mapping[str, Any],
        attribute: str,
        where: str,
        codes: Any,
    ) -> None:
        self.where = where
        self.members = members
        self.attribute = attribute
        self._codes = codes
        self.value: Any = members.get(attribute)
        if _code(self.value) != codes:
            self.value = _NOTHING

    def parts(self) -> Iterator[tuple[Any, Any]]:
        """Each function that is there, and the code that is its own."""
        if self.value is not _NOTHING:
            yield from zip(
                _parts(self.value) or (), self._codes or (), strict=False
            )

    def differs(self) -> bool:
        """Whether something else is there now."""
        value = self.members.get(self.attribute)
        return bool(_code(value) != self._codes)


class _Group:
    """The places in one module or class, compared all at once."""

    __slots__ = ("_find", "_members", "_values", "places")

    def __init__(self, places: list[_Known]) -> None:
        self.places = places
        self._members = places[0].members
        # One name more, so that there is a tuple of one place too.
        self._find = operator.itemgetter(
            *(place.attribute for place in places), places[0].attribute
        )
        self._values = (*(place.value for place in places), places[0].value)

    def differs(self) -> bool:
        """Whether something else is in one of them than at first."""
        try:
            found = self._find(self._members)
        except KeyError:
            return True
        return any(map(operator.is_not, found, self._values))


class _Functions:
    """The functions in all places, each once, compared all at once."""

    def __init__(self, places: Iterable[_Known]) -> None:
        known = {
            id(function): (function, code)
            for place in places
            for function, code in place.parts()
        }
        self._functions = [function for function, _ in known.values()]
        self._codes = [code for _, code in known.values()]
        self._found: list[Any] = []

    def differ(self) -> bool:
        """Whether one has other code than at first."""
        # Python tells every audit hook of each function that is asked for
        # its code, and of this once.
        found = gc.get_referents(*self._functions)
        if found == self._found:
            return False
        self._found = found
        return [f for f in found if type(f) is CodeType] != self._codes


def _grouped(places: list[_Known]) -> list[_Group]:
    groups: dict[int, list[_Known]] = {}
    for place in places:
        groups.setdefault(id(place.members), []).append(place)
    return [_Group(group) for group in groups.values()]


class _Heir:
    """A class of the kit, and what it leaves to its bases."""

    __slots__ = ("_left", "_members", "_where")

    def __init__(
        self, members: Mapping[str, Any], where: str, left: frozenset[str]
    ) -> None:
        self._members = members
        self._where = where
        self._left = left

    def hides(self) -> list[str]:
        """Where it has something of its own now, which nobody wrote."""
        if self._left.isdisjoint(self._members):
            return []
        hidden = sorted(self._left & self._members.keys())
        return [f"{self._where}.{name}" for name in hidden]


def _functions(code: CodeType) -> dict[str, list[CodeType]]:
    """The functions of a module and of its classes, by qualified name."""
    found: dict[str, list[CodeType]] = {}
    for constant in code.co_consts:
        if not isinstance(constant, CodeType) or "<" in constant.co_qualname:
            continue
        if constant.co_flags & inspect.CO_OPTIMIZED:
            found.setdefault(constant.co_qualname, []).append(constant)
        else:
            for name, codes in _functions(constant).items():
                found.setdefault(name, []).extend(codes)
    return found


def _rewritten(file: Path) -> CodeType:
    from _pytest.assertion.rewrite import rewrite_asserts

    source = file.read_bytes()
    tree = ast.parse(source)
    rewrite_asserts(tree, source, str(file))
    code: CodeType = compile(tree, str(file), "exec", dont_inherit=True)
    return code


_Place = tuple[Mapping[str, Any], str, str, Any]


def _members(
    module: ModuleType, expected: Mapping[str, object]
) -> Iterator[_Place]:
    """Where the module's functions are, tests that ddt made included."""
    owners = {path.rpartition(".")[0] for path in expected}
    for owner in sorted(owners):
        members: Mapping[str, Any] | None = vars(module)
        for name in filter(None, owner.split(".")):
            found = (members or {}).get(name)
            members = vars(found) if inspect.isclass(found) else None
        for name, value in (members or {}).items():
            path = f"{owner}.{name}" if owner else name
            is_row = owner and name.startswith("test") and callable(value)
            if path in expected or is_row:
                yield members or {}, name, path, value


def _heirs(
    module: ModuleType, expected: Mapping[str, object]
) -> Iterator[_Heir]:
    """The module's classes that inherit functions of the kit's."""
    for cls in vars(module).values():
        if not inspect.isclass(cls) or cls.__module__ != module.__name__:
            continue
        left = {
            name
            for base in cls.__mro__[1:]
            if base.__module__.partition(".")[0] in PACKAGES
            for name, value in vars(base).items()
            # Dataclasses and models get an __init__ that nobody wrote.
            if not name.startswith("__") and _parts(value) is not None
            if f"{cls.__qualname__}.{name}" not in expected
        }
        if left:
            where = f"{module.__name__}:{cls.__qualname__}"
            yield _Heir(vars(cls), where, frozenset(left))


def _differs(place: _Place, expected: Mapping[str, list[CodeType]]) -> bool:
    _, _, path, value = place
    codes = expected.get(path)
    if codes is None:
        # A row's test is named after the one that has the code.
        codes = [
            code
            for name, written in expected.items()
            if path.startswith(f"{name}_")
            for code in written
        ]
    found = _code(value)
    return found is None or any(code not in codes for code in found)


def _code(value: Any) -> tuple[CodeType | None, ...] | None:
    """The code behind a member; None for what has none."""
    parts = _parts(value)
    if parts is None:
        return None
    return tuple(getattr(part, "__code__", None) for part in parts)


def _parts(value: Any) -> tuple[Any, ...] | None:
    """The functions behind a member; None for what has none."""
    if isinstance(value, property):
        parts = (value.fget, value.fset, value.fdel)
        return tuple(f for p in parts if p for f in _parts(p) or (None,))
    if isinstance(value, staticmethod | classmethod):
        return _parts(value.__func__)
    if isinstance(value, functools.cached_property):
        return _parts(value.func)
    # A command of click's.
    value = getattr(value, "callback", value)
    while (inner := getattr(value, "__wrapped__", None)) is not None:
        outer = getattr(value, "__code__", None)
        if outer is not None and not _may_wrap(outer.co_filename):
            return None
        value = inner
    code = getattr(value, "__code__", None)
    return (value,) if isinstance(code, CodeType) else None


@functools.cache
def _may_wrap(file: str) -> bool:
    """Whether a function from there may stand before one of the kit's."""
    path = Path(file)
    return not _MAY_WRAP.isdisjoint({path.stem, *path.parts})


def _imports(
    code: CodeType, members: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    """What a module has of the kit's others, as those have it."""
    module: ModuleType | None = None
    value: Any = None
    for operation, name in _on_names(code):
        if operation == _IMPORT_NAME:
            ours = name.partition(".")[0] in PACKAGES
            module = sys.modules.get(name) if ours else None
            value = None
        elif operation == _IMPORT_FROM:
            value = vars(module).get(name) if module is not None else None
        else:
            if value is not None and name in members:
                yield name, value
            value = None


def _on_names(code: CodeType) -> Iterator[tuple[int, str]]:
    """The instructions that import or store, each with its name.

    As :mod:`dis` has them, which takes ten times as long, in each process.
    """
    extended = 0
    pairs = zip(code.co_code[::2], code.co_code[1::2], strict=True)
    for operation, argument in pairs:
        argument |= extended
        extended = 0
        if operation == dis.EXTENDED_ARG:
            extended = argument << 8
        elif operation in _ON_NAMES:
            yield operation, code.co_names[argument]
