# SPDX-License-Identifier: Apache-2.0
"""Ways of failing: alike for the same defect, in every run."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import causes
from conformance.catalogue import BY_ID
from conformance.kill_matrix.judging import judge
from conformance.kill_matrix.matrix import Matrix
from conformance.kill_matrix.matrix import Row
from conformance.ways import Likeness
from conformance.ways import likeness
from conformance.ways import MOST
from conformance.ways import normal
from conformance.ways import way_of
from conformance.ways import ways_of

DRIVERS = Path(__file__).parent / "drivers"

TEST = "conformance.test_delete.DeleteTest.test_merge_1_raw"
SAID = {
    "expected": "deleting the snapshot s1 ends in deleted",
    "observed": "it ended in error_deleting",
    "raised": "delete_snapshot_assisted_begin(s1) raised KeyError: 's1'",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "V of 6f8b0c1e-5d0c-4c39-9a3b-7e1a2c9d4f10, s1",
            "V of <id>, s1",
        ),
        (
            "the backing file: '/tmp/assisted-kit-dqclblit/a.dw9uh_or/V.s1'",
            "the backing file: '<path>/V.s1'",
        ),
        (
            "no image in /mnt/assisted-kit.673c7a92.dw9uh0or",
            "no image in <path>/<temporary>",
        ),
        (
            "V.s1:\nat offset 1048584 the 3rd",
            "V.s1:\nat offset <number> the 3rd",
        ),
        ("1073741824 bytes c3060c3941e47151", "<number> bytes <hex>"),
        ("<Thing at 0x7f2c>", "<Thing at <hex>>"),
        ("Nova reported on s1 -> 404", "Nova reported on s1 -> 404"),
        (
            "killed in begin, point 3, at mine/driver.py:9: return\nV is gone",
            "killed in begin, point\nV is gone",
        ),
        (
            "has not returned in 120 s; it is at\nbegin is at a.py:1: x()",
            "has not returned in time",
        ),
        (
            "began sh, at mine/driver.py:9 in _run\n"
            "began sh, at mine/driver.py:7 in _run",
            "began sh,",
        ),
        (
            'json:{"filename":"/proc/self/fd/17"}',
            'json:{"filename":"<path>/<number>"}',
        ),
    ],
)
def test_what_differs_between_runs_is_in_no_way(
    text: str, expected: str
) -> None:
    assert normal(text) == expected


@pytest.mark.parametrize(
    ("test", "said", "expected"),
    [
        (TEST, {}, Likeness.RAISED),
        (TEST, {"raised": ""}, Likeness.OBSERVED),
        (TEST, {"observed": "it ended in deleting"}, Likeness.CLAIM),
        (TEST, {"expected": "the files"}, Likeness.TEST),
        ("a.B.test_merge_2_raw", {}, Likeness.ELSEWHERE),
        ("a.B.test_merge_2_raw", {"observed": "none"}, Likeness.RULE),
    ],
)
def test_ways_are_as_like_as_they_begin_alike(
    test: str, said: dict[str, str], expected: Likeness
) -> None:
    one, other = way_of(TEST, SAID), way_of(test, {**SAID, **said})
    assert likeness(one, [other]) is expected
    far = way_of("a.B.test_other", {})
    assert likeness(one, [far, other]) is expected


def test_what_is_not_known_is_like_nothing() -> None:
    assert likeness(way_of(TEST, SAID), []) is Likeness.RULE
    assert likeness("", [way_of(TEST, SAID)]) is Likeness.RULE


def test_a_way_is_the_same_wherever_the_test_is() -> None:
    # As other runners, and classes of a vendor's, name it.
    for test in ("test_delete.py::DeleteTest", "mine.TestMyDriver"):
        name = f"{test}{'::' if '::' in test else '.'}test_merge_1_raw"
        assert way_of(name, SAID) == way_of(TEST, SAID)


def test_a_handful_of_ways_is_kept() -> None:
    failures = [{"test": f"test_{n}", **SAID} for n in range(MOST + 3)]
    assert ways_of([*failures, *failures]) == ways_of(failures)
    assert len(ways_of(failures)) == MOST


def test_one_driver_fails_in_the_same_way_twice() -> None:
    driver = "fakes.broken.creates:NamesBackingByPath"
    rules = ("CRE-006", "DEL-007", "CAL-005")
    once, again = (judge(driver, rules, "2") for _ in range(2))
    assert all(ended.ways for ended in once.values())
    assert once == again


@pytest.mark.parametrize(
    ("driver", "rule", "kin"),
    [
        pytest.param(
            "SecondOverlayOneSectorShort",
            "CRE-001",
            "creates.OneSectorShort",
            id="one-sector-short",
        ),
        pytest.param(
            "WrongFileAtDepthThree",
            "DAT-002",
            "merges.CommitsIntoBase",
            id="wrong-file",
        ),
    ],
)
def test_first_cause_of_an_unlisted_defect_is_its_kin(
    driver: str,
    rule: str,
    kin: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(DRIVERS), prepend=":")
    ended = judge(f"unlisted:{driver}", [rule], "2")[rule]
    firsts = [causes.likely(BY_ID[rule], way)[0] for way in ended.ways]
    alike = [f for f in firsts if f.likeness >= Likeness.OBSERVED]
    assert any(kin in first.defect for first in alike), firsts


def test_how_alike_causes_are_is_said() -> None:
    rule = BY_ID["CRE-001"]
    way = way_of(TEST, SAID)
    name = "fakes.broken.creates:OneSectorShort"
    matrix = Matrix(rows={name: Row(failed={rule.id}, ways={rule.id: (way,)})})
    first, cause, second, *hints = causes.listed(
        causes.likely(rule, way, matrix)
    )
    assert first == "1 broken driver fails in the same way:"
    assert "creates.OneSectorShort" in cause
    assert second.endswith("the same rule, in other tests: a mere hint:")
    assert hints
