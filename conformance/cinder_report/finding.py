# SPDX-License-Identifier: Apache-2.0
"""A defect of Cinder's, with the program that shows it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from typing import NamedTuple

Program = Callable[[Any], str | None]
"""Gets a bench; returns what went wrong, None if nothing did."""


class Place(NamedTuple):
    """A line of Cinder's."""

    file: str
    """Below the package ``cinder``."""
    line: int
    text: str
    """What stands there, without the indentation."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect."""

    name: str
    title: str
    drivers: tuple[str, ...]
    cause: tuple[Place, ...]
    suggestion: str
    rules: tuple[str, ...]
    """Those that one of the drivers fails by it, as far as a rule gets there.
    """
    known: str
    """What the defect is called where it was known before; may be empty."""
    symptom: str
    """What an operator or a user sees."""
    program: Program

    @property
    def source(self) -> str:
        """The program's text, without what is about it."""
        text = inspect.getsource(self.program)
        lines = text.splitlines()
        (function,) = ast.parse(text).body
        assert isinstance(function, ast.FunctionDef)
        # The docstring is the symptom, which is printed before it.
        docstring = function.body[0]
        head = lines[function.lineno - 1 : docstring.lineno - 1]
        return "\n".join([*head, *lines[docstring.end_lineno :]])


ALL: list[Finding] = []
"""All findings, in the order in which they are reported."""


def finding(
    title: str,
    *,
    drivers: tuple[str, ...] = ("nfs",),
    cause: tuple[Place, ...],
    suggestion: str,
    rules: tuple[str, ...] = (),
    known: str = "",
) -> Callable[[Program], Program]:
    """Take a function down as the program of a finding.

    Its docstring is the symptom.
    """

    def take_down(program: Program) -> Program:
        ALL.append(
            Finding(
                program.__name__,
                title,
                drivers,
                cause,
                suggestion,
                rules,
                known,
                inspect.cleandoc(program.__doc__ or ""),
                program,
            )
        )
        return program

    return take_down
