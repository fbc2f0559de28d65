# SPDX-License-Identifier: Apache-2.0
"""The command line as a user's shell starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
    result_file = directory / "result.json"
    words = [sys.executable, "-m", "assisted_kit", "run", *arguments]
    for rule in rules:
        words += ["--rule", rule]
    done = subprocess.run(
        [*words, "--json", str(result_file)],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    result = None
    if result_file.exists():
        result = json.loads(result_file.read_text())
    return Finished(done.returncode, done.stdout, done.stderr, result)
