# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and its relatives: the partial result, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assisted_kit.record import Record
from tests.troublesome_run import Place
from tests.troublesome_run import place as place


@dataclass
class Interrupted:
    """A run that is in a hook when it gets signals."""

    place: Place
    pipe: Path

    def run(self, name: str, *signals: int) -> tuple[int, dict[str, Any]]:
        """The exit status and the JSON result after these signals."""
        result = self.place.directory / "result.json"
        words = [sys.executable, "-m", "assisted_kit", "run"]
        words += ["--driver", f"troublesome:{name}", "--json", str(result)]
        words += ["--config", str(self.place.config_file)]
        process = subprocess.Popen(
            [*words, "--rule", "SIG-001", "--rule", "UPD-003"],
            cwd=self.place.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "IN_A_HOOK": str(self.pipe)},
            text=True,
        )
        for number in signals:
            # Opening it waits for the driver to open it.
            assert self.pipe.read_text() == "!"
            process.send_signal(number)
        output, _ = process.communicate()
        assert output.startswith("interrupted: "), output
        return process.returncode, json.loads(result.read_text())


@pytest.fixture
def interrupted(place: Place, tmp_path: Path) -> Interrupted:
    pipe = tmp_path / "in-a-hook"
    os.mkfifo(pipe)
    return Interrupted(place, pipe)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_cleans_up_and_writes_what_it_has(
    interrupted: Interrupted, number: int
) -> None:
    status, result = interrupted.run("WaitsForInterruption", number)
    assert status == 130
    assert result["verdict"] == "partial"
    assert result["interrupted"] is True
    assert "trouble" not in result
    statuses = {rule["id"]: rule["status"] for rule in result["rules"]}
    assert statuses == {"SIG-001": "passed", "UPD-003": "not exercised"}
    assert interrupted.place.left == []


def test_second_interruption_ends_a_driver_that_does_not(
    interrupted: Interrupted,
) -> None:
    status, result = interrupted.run(
        "IgnoresInterruption", signal.SIGINT, signal.SIGINT
    )
    assert status == 130
    assert result["interrupted"] is True
    assert interrupted.place.left == []


def test_what_fails_of_an_interruption_is_no_trouble() -> None:
    record = Record("vendor:Driver")
    record.was_interrupted = True
    record.trouble("a fixture was set up by half")
    record.refused("the database cannot be used", is_usage=False)
    record.refused("the driver does not import", is_usage=True)
    assert record.is_over
    assert record.troubles == []
