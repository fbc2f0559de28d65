# SPDX-License-Identifier: Apache-2.0
"""The fault matrix: its combinations, and those that a run has."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from assisted_kit.exhaustive import EXHAUSTIVE_VARIABLE
from assisted_kit.exhaustive import is_wanted
from assisted_kit.settings import UsageError
from conformance.faults import matrix
from conformance.faults.expectations import end_of
from conformance.faults.expectations import ENDS
from conformance.faults.expectations import ENDS_OF
from conformance.faults.matrix import Wrong
from conformance.faults.pairing import pairs
from conformance.faults.pairing import pairwise
from conformance.faults.private_mount import refusal
from conformance.faults.selection import rows
from conformance.faults.selection import RULES
from conformance.faults.selection import selected
from tests.command_line import assisted_kit_run


def all_pairs(rows):
    return {pair for row in rows for pair in pairs(row)}


ALL = matrix.combinations()


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([], id="none"),
        pytest.param([("a",)], id="one column"),
        pytest.param(list(itertools.product("abc", "de", "fgh")), id="cross"),
        pytest.param(
            [
                row
                for row in itertools.product("abcd", "abcd", "abcd", "ab")
                if len({*row[:3]}) == 3
            ],
            id="with impossible ones",
        ),
    ],
)
def test_every_pair_that_is_possible_is_chosen(rows):
    chosen = pairwise(rows)
    assert all_pairs(chosen) == all_pairs(rows)
    assert [row for row in rows if row in chosen] == chosen


def test_pairs_of_a_cross_take_a_fraction_of_it():
    assert len(pairwise(list(itertools.product(*["abc"] * 6)))) < 25


def test_every_pair_of_the_matrix_is_chosen():
    chosen = [
        row for its in selected(exhaustive=False).values() for row in its
    ]
    assert len(chosen) == len(set(chosen)) < len(ALL) / 10
    assert all_pairs(chosen) == all_pairs(ALL)


def test_the_same_rows_are_chosen_each_time():
    assert pairwise(ALL) == pairwise(matrix.combinations())


def test_every_rule_sees_everything_that_goes_wrong():
    found = selected(exhaustive=False)
    assert tuple(found) == RULES
    for its in found.values():
        assert {row.wrong for row in its} == set(Wrong)
        assert {row.position for row in its} == set(matrix.Position)


def test_exhaustive_is_everything_for_every_rule():
    assert selected(exhaustive=True) == dict.fromkeys(RULES, ALL)


@pytest.mark.parametrize("why", matrix.IMPOSSIBLE)
def test_nothing_is_excluded_twice(why):
    never = matrix.IMPOSSIBLE[why]
    others = [n for name, n in matrix.IMPOSSIBLE.items() if name != why]
    columns = (
        matrix.Operation,
        matrix.Position,
        matrix.BASES,
        matrix.Generation,
        matrix.Attachment,
        Wrong,
        range(matrix.WRITES + 1),
    )
    cross = itertools.starmap(matrix.Combination, itertools.product(*columns))
    assert any(never(row) and not any(o(row) for o in others) for row in cross)


def test_every_combination_has_one_end_and_a_name():
    assert ENDS.keys() | ENDS_OF.keys() == set(Wrong)
    assert not ENDS.keys() & ENDS_OF.keys()
    assert all(end_of(row) for row in ALL)
    assert len({str(row) for row in ALL}) == len(ALL)


# -- asking for all of it


def test_the_environment_asks_for_everything():
    assert is_wanted({EXHAUSTIVE_VARIABLE: "1"})
    for said in ({}, {EXHAUSTIVE_VARIABLE: ""}, {EXHAUSTIVE_VARIABLE: "0"}):
        assert not is_wanted(said)
    with pytest.raises(UsageError, match="'yes': set it to 1"):
        is_wanted({EXHAUSTIVE_VARIABLE: "yes"})


def test_unittest_runs_everything_when_asked(monkeypatch):
    monkeypatch.setenv(EXHAUSTIVE_VARIABLE, "1")
    assert len(rows("FLT-001")) == len(ALL)
    monkeypatch.setenv(EXHAUSTIVE_VARIABLE, "0")
    assert len(rows("FLT-001")) < len(ALL) / 10


def test_pytest_refuses_what_is_neither_yes_nor_no(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only"],
        cwd=tmp_path,
        env={**os.environ, EXHAUSTIVE_VARIABLE: "yes"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ASSISTED_EXHAUSTIVE is 'yes'" in done.stderr


ASKED = """
import os

from reference_driver.driver import RemoteFSAssistedDriver

class Driver(RemoteFSAssistedDriver):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        with open("asked", "w") as asked:
            asked.write(os.environ.get("ASSISTED_EXHAUSTIVE", "no"))
"""


@pytest.mark.parametrize(
    ("options", "asked"), [((), "no"), (("--exhaustive",), "1")]
)
def test_the_command_line_is_what_decides(
    options, asked, tmp_path, monkeypatch
):
    monkeypatch.setenv(EXHAUSTIVE_VARIABLE, "0" if options else "1")
    (tmp_path / "asking.py").write_text(ASKED)
    done = assisted_kit_run(
        tmp_path, "--driver", "asking:Driver", *options, rules=("SIG-001",)
    )
    assert done.exit_status == 0, done.errors
    assert (tmp_path / "asked").read_text() == asked
    # None of its rows was to run.
    assert "fault matrix" not in done.output
    assert "fault_matrix" not in done.result


def test_both_counts_are_in_the_result(tmp_path: Path):
    rule = max(RULES, key=lambda rule: -len(selected(exhaustive=False)[rule]))
    done = assisted_kit_run(tmp_path, "-n", "2", rules=(rule,))
    assert done.exit_status == 0, done.output
    count = len(selected(exhaustive=False)[rule])
    assert done.result["fault_matrix"] == {"selected": count, "of": len(ALL)}
    assert (
        f"fault matrix: {count} of {len(ALL):,} combinations (pairwise; "
        f"--exhaustive runs all)"
    ) in done.output


# -- writes that come after those of the matrix


@pytest.mark.slow
@pytest.mark.skipif(bool(refusal()), reason=refusal())
def test_a_failure_at_a_later_write_says_at_which(tmp_path: Path):
    done = assisted_kit_run(
        tmp_path,
        *("--driver", "fakes.broken.faults:RestoresTooLate"),
        rules=("FLT-005",),
    )
    assert done.statuses == {"FLT-005": "failed"}, done.output
    found = re.search(r"^ +share full from write (\d+) on$", done.output, re.M)
    assert found is not None, done.output
    assert int(found[1]) > matrix.WRITES
