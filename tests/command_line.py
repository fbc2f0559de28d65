# SPDX-License-Identifier: Apache-2.0
"""The command line as a user's shell starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULT = "result.json"
"""The file in the directory of a run that has its JSON result."""


@dataclass(frozen=True)
class Finished:
    """A run that is over."""

    exit_status: int
    output: str
    errors: str
    result: dict[str, Any] | None
    """The JSON result, where one was written."""

    @property
    def statuses(self) -> dict[str, str]:
        """The status of every rule, by its id."""
        assert self.result is not None, self.errors
        return {rule["id"]: rule["status"] for rule in self.result["rules"]}


def assisted_kit_run(
    directory: Path, *arguments: str, rules: tuple[str, ...] = ()
) -> Finished:
    """``assisted-kit run`` in a directory, its JSON result read."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "assisted_kit"),
            *run_words(directory, arguments, rules),
        ],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return finished(directory, done.returncode, done.stdout, done.stderr)


def run_words(
    directory: Path, arguments: tuple[str, ...], rules: tuple[str, ...]
) -> list[str]:
    """What follows ``assisted-kit``, the file for the result included."""
    of_rules = [word for rule in rules for word in ("--rule", rule)]
    return ["run", *arguments, *of_rules, "--json", str(directory / RESULT)]


def finished(
    directory: Path, exit_status: int, output: str, errors: str
) -> Finished:
    """A run with these words that has ended, its JSON result read."""
    file = directory / RESULT
    result = json.loads(file.read_text()) if file.exists() else None
    return Finished(exit_status, output, errors, result)
