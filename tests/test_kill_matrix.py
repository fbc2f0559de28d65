# SPDX-License-Identifier: Apache-2.0
"""The kill matrix is what the rules and the broken drivers made of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from assisted_kit.outcomes import Outcome
from conformance.catalogue import BY_ID
from conformance.kill_matrix import digests
from conformance.kill_matrix.__main__ import main
from conformance.kill_matrix.judging import judge
from conformance.kill_matrix.matrix import Ended
from conformance.kill_matrix.matrix import Matrix
from conformance.kill_matrix.page import FILE as PAGE
from conformance.kill_matrix.page import page
from fakes.broken import BROKEN

RULES = {"A-1": "one", "B-1": "two", "C-1": "three"}
DRIVERS = {"module:Broken": "four"}


def judged() -> Matrix:
    """A matrix of one driver that fails one rule."""
    matrix = Matrix()
    matrix.update(RULES, DRIVERS)
    row = matrix.rows["module:Broken"]
    row.judged(
        {
            "A-1": Ended(Outcome.FAILED, ("aaaabbbb", "aaaacccc")),
            "B-1": Ended(Outcome.PASSED),
            "C-1": Ended(Outcome.NOT_ARRANGED),
        }
    )
    return matrix


def stale(matrix: Matrix) -> set[str]:
    """What is to be judged anew."""
    return matrix.rows["module:Broken"].stale


def test_what_is_kept_of_the_matrix_is_up_to_date() -> None:
    matrix = Matrix.load()
    matrix.update(digests.of_rules(), digests.of_drivers())
    assert matrix.rows.keys() == {broken.name for broken in BROKEN}
    assert matrix.out_of_date() == {}, "run tox -e kill-matrix"
    assert PAGE.read_text() == page(matrix), "run tox -e kill-matrix"


def test_every_rule_is_failed_by_a_driver_that_names_it() -> None:
    matrix = Matrix.load()
    failed = {
        rule
        for broken in BROKEN
        for rule in matrix.rows[broken.name].failed & {*broken.rules}
    }
    assert failed == BY_ID.keys()


def test_every_broken_driver_can_be_named_by_its_class() -> None:
    names = [broken.driver.__name__ for broken in BROKEN]
    assert sorted(set(names)) == sorted(names)


def test_drivers_fail_the_rules_that_they_name() -> None:
    matrix = Matrix.load()
    passed = {
        broken.driver.__name__: unfailed
        for broken in BROKEN
        if (unfailed := set(broken.rules) - matrix.rows[broken.name].failed)
    }
    assert passed == {}


def test_a_new_matrix_is_stale() -> None:
    matrix = Matrix()
    matrix.update(RULES, DRIVERS)
    assert stale(matrix) == set(RULES)
    assert matrix.out_of_date() == {"module:Broken": 3}


def test_what_was_judged_is_known() -> None:
    matrix = judged()
    row = matrix.rows["module:Broken"]
    assert (row.failed, row.not_arranged) == ({"A-1"}, {"C-1"})
    assert row.ways == {"A-1": ("aaaabbbb", "aaaacccc")}
    assert matrix.out_of_date() == {}
    assert matrix.passed("module:Broken", RULES) == ["B-1"]
    assert matrix.passed("module:Other", RULES) == []


def test_a_changed_rule_is_stale_on_every_driver() -> None:
    matrix = judged()
    matrix.update({**RULES, "A-1": "changed"}, DRIVERS)
    assert stale(matrix) == {"A-1"}
    # Until it is judged anew, what it was is still said of it.
    row = matrix.rows["module:Broken"]
    assert (row.failed, row.ways.keys()) == ({"A-1"}, {"A-1"})
    row.judged({"A-1": Ended(Outcome.PASSED)})
    assert (row.failed, row.ways) == (set(), {})


def test_a_failed_rule_is_stale_until_its_way_is_known() -> None:
    matrix = judged()
    row = matrix.rows["module:Broken"]
    row.ways.clear()
    matrix.update(RULES, DRIVERS)
    assert (stale(matrix), row.failed) == ({"A-1"}, {"A-1"})
    row.judged({"A-1": Ended(Outcome.FAILED, ("aaaadddd",))})
    matrix.update(RULES, DRIVERS)
    assert (stale(matrix), row.ways) == (set(), {"A-1": ("aaaadddd",)})


def test_a_new_rule_is_stale_and_one_that_is_gone_is_forgotten() -> None:
    matrix = judged()
    matrix.update({"B-1": "two", "C-1": "three", "D-1": "five"}, DRIVERS)
    assert stale(matrix) == {"D-1"}
    row = matrix.rows["module:Broken"]
    assert (row.failed, row.ways) == (set(), {})


def test_a_changed_driver_is_stale_altogether() -> None:
    matrix = judged()
    matrix.update(RULES, {"module:Broken": "changed"})
    assert stale(matrix) == set(RULES)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    matrix = judged()
    matrix.update({**RULES, "A-1": "changed"}, DRIVERS)
    file = tmp_path / "matrix.json"
    matrix.save(file)
    assert Matrix.load(file) == matrix
    assert Matrix.load(tmp_path / "missing.json") == Matrix()


def test_a_driver_that_was_never_judged_is_not_kept(tmp_path: Path) -> None:
    matrix = judged()
    matrix.update(RULES, {**DRIVERS, "module:New": "six"})
    file = tmp_path / "matrix.json"
    matrix.save(file)
    assert Matrix.load(file).rows.keys() == {"module:Broken"}


@pytest.mark.parametrize("rules", [("SIG-001", "SIG-002")])
def test_a_driver_is_judged_by_the_rules_asked_for(
    rules: tuple[str, ...],
) -> None:
    broken = next(b for b in BROKEN if "SIG-002" in b.rules)
    endings = judge(broken.name, rules, "1")
    assert endings["SIG-001"] == Ended(Outcome.PASSED)
    assert endings["SIG-002"].status == Outcome.FAILED
    assert endings["SIG-002"].ways


def test_outside_a_checkout_it_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "docs" / "kill-matrix.rst"
    monkeypatch.setattr("conformance.kill_matrix.page.FILE", missing)
    done = CliRunner().invoke(main, [])
    assert done.exit_code == 2
    assert "in a checkout, by tox -e kill-matrix" in done.output


def test_an_unknown_driver_is_wrong_usage() -> None:
    done = CliRunner().invoke(main, ["--driver", "Missing"])
    assert done.exit_code == 2
    assert "there is no broken driver 'Missing'" in done.output
