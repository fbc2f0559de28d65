# SPDX-License-Identifier: Apache-2.0
"""The source of a class, with everything that it uses of some modules."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from collections.abc import Iterator
from functools import cache

Statements = dict[str, ast.stmt]


def sources_of(
    classes: list[type], is_looked_into: Callable[[str], bool]
) -> list[str]:
    """The definitions that these classes are made of, in a fixed order.

    Names are followed, through imports of single names too, from one
    definition at the top of a module to the next.

    :param is_looked_into: whether a module's definitions count, by its name.
    """
    found: dict[tuple[str, str], str] = {}
    known: set[tuple[str, str]] = set()
    left = [(each.__module__, each.__name__) for each in classes]
    while left:
        place = left.pop()
        if place in known or not is_looked_into(place[0]):
            continue
        known.add(place)
        module, name = place
        statement = _at_the_top(module).get(name)
        if isinstance(statement, ast.ImportFrom):
            left += [
                (str(statement.module), alias.name)
                for alias in statement.names
                if name == (alias.asname or alias.name)
            ]
        elif statement is not None:
            found[place] = _text(module, statement)
            left += [
                (module, node.id)
                for node in ast.walk(statement)
                if isinstance(node, ast.Name)
            ]
    return [found[place] for place in sorted(found)]


@cache
def _lines(module: str) -> list[str]:
    return inspect.getsource(sys.modules[module]).splitlines()


@cache
def _at_the_top(module: str) -> Statements:
    """What each name at the top of a module comes from."""
    tree = ast.parse("\n".join(_lines(module)))
    return {
        name: statement
        for statement in tree.body
        for name in _names(statement)
    }


def _names(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.ClassDef() | ast.FunctionDef():
            yield statement.name
        case ast.ImportFrom():
            yield from (a.asname or a.name for a in statement.names)
        case ast.Assign() | ast.AnnAssign():
            yield from (
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name)
                and isinstance(node.ctx, ast.Store)
            )


def _text(module: str, statement: ast.stmt) -> str:
    first = statement.lineno
    if isinstance(statement, ast.ClassDef | ast.FunctionDef):
        decorators = [d.lineno for d in statement.decorator_list]
        first = min([first, *decorators])
    return "\n".join(_lines(module)[first - 1 : statement.end_lineno])
