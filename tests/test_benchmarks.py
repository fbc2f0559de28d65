# SPDX-License-Identifier: Apache-2.0
"""Benchmarks yield what they promise; how fast anything is, nobody asserts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as runner
from benchmarks import drivers
from benchmarks import hooks_vs_floor
from benchmarks import in_flight
from benchmarks import manager_share
from benchmarks import report_to_complete
from benchmarks import suite
from benchmarks import tables

OPERATIONS = ["create", "delete newest", "delete oldest"]
DRIVERS = ["NfsDriver", "MigratedNfsDriver", "RemoteFSAssistedDriver"]


def test_hooks_vs_floor() -> None:
    found = hooks_vs_floor.measure(depths=(1, 2), rounds=2)
    assert [
        (entry["base"], entry["depth"], entry["operation"]) for entry in found
    ] == [
        (base, depth, operation)
        for base in ("raw", "qcow2")
        for depth in (1, 2)
        for operation in OPERATIONS
    ]
    assert all(entry["ratio"] > 0 for entry in found)
    # Nothing is merged into an overlay above but the oldest of two.
    assert [entry["processes"] for entry in found] == [1, 1, 1, 1, 1, 2] * 2


def test_manager_share() -> None:
    found = manager_share.measure(depths=(1,), rounds=2)
    assert [entry["operation"] for entry in found] == OPERATIONS
    for entry in found:
        assert entry["manager_ms"] > 0
        assert entry["hooks_ms"] > 0


def test_drivers() -> None:
    found = drivers.measure(depths=(1,), rounds=1)
    assert [
        (entry["attached"], entry["operation"], entry["driver"])
        for entry in found
    ] == [
        (attached, operation, driver)
        for attached in (False, True)
        for operation in OPERATIONS
        for driver in DRIVERS
        if not attached or operation != "delete newest"
    ]
    for entry in found:
        assert entry["vs_reference"] > 0
        assert (entry["vs_floor"] is None) == entry["attached"]
        # Of an attached volume Nova merges, and the hooks only look.
        if entry["driver"] == "NfsDriver" or not entry["attached"]:
            assert entry["processes"] > 0


@pytest.mark.slow
def test_drivers_report_ms() -> None:
    found = drivers.measure_reports(samples=1)
    assert [entry["driver"] for entry in found] == DRIVERS
    assert all(entry["median"] > 0 for entry in found)


@pytest.mark.slow
def test_drivers_waiting() -> None:
    found = drivers.measure_waiting(numbers=(2,), window=1.5)
    assert [entry["driver"] for entry in found] == DRIVERS
    assert [entry["in_flight"] for entry in found] == [2, 2, 2]
    polling, *by_event = found
    assert polling["queries_per_second"] > 0
    assert [entry["queries_per_second"] for entry in by_event] == [0, 0]


def test_without_cinder_there_is_nothing_to_measure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drivers, "is_installed", lambda: False)
    assert drivers.measure() == []
    assert drivers.measure_reports() == []
    assert drivers.measure_waiting() == []
    assert "not measured" in tables.as_text({"drivers": []})


def test_report_to_complete() -> None:
    found = report_to_complete.measure(samples=3)
    assert found["samples"] == 3
    assert 0 < found["median"] <= found["p90"] <= found["p99"]


def test_in_flight() -> None:
    found = in_flight.measure(numbers=(20, 40), sample=5)
    assert [entry["in_flight"] for entry in found] == [20, 40]
    for entry in found:
        assert entry["queries_per_second"] == 0
        assert 0 < entry["threads"] <= 16
        assert entry["bytes_each"] > 0
        assert entry["completion_ms"] > 0


def test_suite() -> None:
    found = suite.measure(rules=("CRE-003",), runs=1)
    assert found["tests"] > 0
    assert found["qemu_img_processes"] > 0
    assert found["wall_seconds"] > 0
    assert found["processor_seconds"] > 0
    assert found["qemu_img_seconds"] > 0


def test_runner(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made: dict[str, Any] = {
        "in_flight": [{"in_flight": 1, "bytes_each": 2}],
        "suite": {"tests": 3},
    }
    monkeypatch.setattr(
        runner,
        "BENCHMARKS",
        {name: lambda name=name: made[name] for name in made},
    )
    written, rst = tmp_path / "written.json", tmp_path / "written.rst"
    runner.main(["--json", str(written), "--rst", str(rst)])
    assert json.loads(written.read_text()) == made
    shown = capsys.readouterr().out
    assert "in flight  bytes each\n1          2" in shown
    assert "=========  ==========\n1          2" in rst.read_text()

    runner.main(["--only", "suite", "--json", str(written)])
    assert json.loads(written.read_text()) == {"suite": {"tests": 3}}
