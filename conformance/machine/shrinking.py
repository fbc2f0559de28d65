# SPDX-License-Identifier: Apache-2.0
"""Making a failing program shorter, as long as it fails alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping

from conformance.machine.program import Program
from conformance.machine.program import Step

REPLAYS = 100
"""How many programs are tried at most: it takes seconds, not minutes."""

Fails = Callable[[Program], Program | None]
"""What is left of a program up to where it fails in the same way; None if
it does not.  Steps that make no sense any more are left out."""


def shrunk(program: Program, fails: Fails, replays: int = REPLAYS) -> Program:
    """The shortest program that is found, with names in their order."""
    tries = 0
    is_better = True
    while is_better and tries < replays:
        is_better = False
        for candidate in _candidates(program):
            if tries == replays:
                break
            tries += 1
            found = fails(candidate)
            if found is not None and _weight(found) < _weight(program):
                program, is_better = found, True
                break
    tidy = renamed(program)
    return tidy if fails(tidy) == tidy else program


def _candidates(program: Program) -> Iterator[Program]:
    """Simpler programs, those first from which most is gone."""
    size = len(program.steps)
    count = size // 2
    while count:
        # From the end: what came last is seldom needed, but for the very
        # last step, at which it fails.
        for first in range(size - count - 1, -1, -count):
            yield program.without(first, count)
        count //= 2
    for index, step in enumerate(program.steps):
        for name in ("nova", "killed_at"):
            if name in step.arguments:
                kept = {**step.arguments}
                del kept[name]
                yield program.instead(index, Step(step.operation, kept))
    for base, nova in ((program.base, "dual"), ("raw", program.nova)):
        if (base, nova) != (program.base, program.nova):
            yield Program(base, nova, program.steps)


def _weight(program: Program) -> tuple[int, ...]:
    mishaps = sum(
        name in step.arguments
        for step in program.steps
        for name in ("nova", "killed_at")
    )
    return (
        len(program.steps),
        mishaps,
        int(program.base != "raw") + int(program.nova != "dual"),
    )


def renamed(program: Program) -> Program:
    """The same with volumes V, V2... and snapshots s1, s2... in order."""
    names: dict[str, str] = {}
    counts = {"V": 0, "s": 0}
    for value in _names(program):
        if value not in names:
            kind = value[0]
            counts[kind] += 1
            names[value] = f"{kind}{counts[kind]}"
            if names[value] == "V1":
                names[value] = "V"
    return Program(
        program.base,
        program.nova,
        tuple(
            Step(s.operation, _with_names(s.arguments, names))
            for s in program.steps
        ),
    )


def _names(program: Program) -> Iterator[str]:
    for step in program.steps:
        for value in step.arguments.values():
            if isinstance(value, str) and _NAME.fullmatch(value):
                yield value


def _with_names(
    arguments: Mapping[str, object], names: Mapping[str, str]
) -> dict[str, object]:
    return {
        key: names.get(value, value) if isinstance(value, str) else value
        for key, value in arguments.items()
    }


_NAME = re.compile(r"V\d*|s\d+")
