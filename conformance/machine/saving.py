# SPDX-License-Identifier: Apache-2.0
"""Saving a failing program as a file that pytest runs by itself."""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Mapping
from pathlib import Path

from assisted_kit.errors import AssistedKitError
from assisted_kit.subject import Subject
from conformance.machine.contradiction import Contradiction
from conformance.machine.program import Program
from conformance.watch.secrets import hidden

DIRECTORY = "assisted-kit-failures"
"""Where programs are saved, in the current directory."""


class NotSaved(AssistedKitError):
    """A program cannot be saved."""


def text(
    program: Program,
    subject: Subject,
    rule: str,
    found: Contradiction,
    names: Mapping[str, str],
) -> str:
    """The content of the file."""
    named = {"base": program.base, "nova": program.nova, "rule": rule}
    if subject.config_file is not None:
        named["config"] = str(Path(subject.config_file).absolute())
    given = ", ".join(f"{name}={_quoted(v)}" for name, v in named.items())
    told = "\n".join(
        line
        for step in program.steps
        for line in (f"        # {step}", f"        {step.code()}")
    )
    claim = f"expected: {found.expected}\nobserved: {found.observed}"
    for long, short in names.items():
        claim = claim.replace(long, short)
    claim = textwrap.indent(claim, "# ")
    return f'''"""A program that fails {rule}; found by assisted-kit.

Run it where the kit is installed: pytest {file_name(program, subject, rule)}
It passes as soon as the driver conforms.
"""

{claim}

from conformance.machine import Story

DRIVER = {_quoted(subject.driver)}


def test_program() -> None:
    with Story(DRIVER, {given}) as story:
{told}
'''


def _quoted(value: str) -> str:
    return json.dumps(value)


def file_name(program: Program, subject: Subject, rule: str) -> str:
    """The same for the same program and driver."""
    told = f"{subject.driver}\n{program}"
    digest = hashlib.sha256(told.encode()).hexdigest()[:8]
    return f"test_{rule.lower().replace('-', '_')}_{digest}.py"


def save(
    program: Program,
    subject: Subject,
    rule: str,
    found: Contradiction,
    names: Mapping[str, str],
    directory: Path,
) -> Path:
    """Save a program; returns the file.

    :param found: what should have been, and what was instead.
    :param names: long ones to those of the program.
    :raises NotSaved: it cannot be written, and why.
    """
    file = directory / file_name(program, subject, rule)
    try:
        directory.mkdir(exist_ok=True)
        content = hidden(text(program, subject, rule, found, names))
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise NotSaved(
            f"not saved, since {file} cannot be written: {error.strerror}"
        ) from error
    return file
