# SPDX-License-Identifier: Apache-2.0
"""Functions of the kit that somebody replaced while it was loaded."""

from __future__ import annotations

import dis
import functools
import importlib
import itertools
import pkgutil
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from types import CodeType
from types import ModuleType

import pytest

import assisted_kit
import conformance
import fakes
from assisted_kit.integrity import _ON_NAMES
from assisted_kit.integrity import _on_names
from assisted_kit.integrity import Integrity
from conformance import case
from conformance import claims
from conformance import explanation
from conformance import oracle
from conformance import test_create as creates
from tests.troublesome_run import Place
from tests.troublesome_run import place as place


def modules(package: ModuleType) -> list[str]:
    return [
        found.name
        for found in pkgutil.walk_packages(
            package.__path__, f"{package.__name__}."
        )
        # Cinder is imported in processes of its own only.
        if not {"__main__", "migrations", "cinder"}.intersection(
            found.name.split(".")
        )
    ]


@pytest.fixture(scope="module")
def integrity() -> Integrity:
    """Knows every module of the kit."""
    for package in (assisted_kit, conformance, fakes):
        for name in modules(package):
            importlib.import_module(name)
    made = Integrity()
    assert made.changes() == []
    return made


def codes() -> Iterator[CodeType]:
    """Every module's, and one of more names than a byte can count."""
    for name in itertools.chain(
        *map(modules, (assisted_kit, conformance, fakes))
    ):
        file = str(importlib.import_module(name).__file__)
        code = SourceFileLoader(name, file).get_code(name)
        assert code is not None
        yield code
    many = "\n".join(f"from os import path as n{n}" for n in range(300))
    yield compile(many, "many", "exec")


def test_imports_are_read_as_dis_reads_them(integrity: Integrity) -> None:
    for code in codes():
        assert list(_on_names(code)) == [
            (instruction.opcode, instruction.argval)
            for instruction in dis.get_instructions(code)
            if instruction.opcode in _ON_NAMES
        ]


def lie(*_arguments: object) -> None:
    return None


ROW = "test_guests_header_changes_no_format_1_detached"


@pytest.mark.parametrize(
    ("owner", "name", "value", "said"),
    [
        (oracle, "compare", lie, "conformance.oracle:compare"),
        (explanation, "describe", lie, "conformance.explanation:describe"),
        (
            claims.ClaimingTest,
            "claim",
            lie,
            "conformance.claims:ClaimingTest.claim",
        ),
        (
            case.ConformanceTest,
            "claim",
            lie,
            "conformance.case:ConformanceTest.claim",
        ),
        (
            case.ConformanceTest,
            "claim_equal",
            functools.wraps(case.ConformanceTest.claim_equal)(lie),
            "conformance.case:ConformanceTest.claim_equal",
        ),
        (
            case.ConformanceTest,
            "assisted_requires",
            property(lie),
            "conformance.case:ConformanceTest.assisted_requires",
        ),
        (
            case.ConformanceTest,
            "assisted_subject",
            None,
            "conformance.case:ConformanceTest.assisted_subject",
        ),
        (
            creates.OverlayTest,
            "claim",
            lie,
            "conformance.test_create:OverlayTest.claim",
        ),
        (
            creates.OverlayTest,
            "claim_equal",
            None,
            "conformance.test_create:OverlayTest.claim_equal",
        ),
        (
            creates.OverlayTest,
            ROW,
            lie,
            f"conformance.test_create:OverlayTest.{ROW}",
        ),
    ],
)
def test_replaced_function_is_said_once(
    integrity: Integrity,
    monkeypatch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    value: object,
    said: str,
) -> None:
    monkeypatch.setattr(owner, name, value)
    assert integrity.changes() == [f"{said} was replaced at run time"]
    assert integrity.changes() == []


def test_function_that_was_replaced_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(case.ConformanceTest, "claim", lie)
    (said,) = Integrity().changes()
    assert said.startswith("conformance.case:ConformanceTest.claim ")


def test_inherited_function_that_was_hidden_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(creates.OverlayTest, "claim", lie)
    (said,) = Integrity().changes()
    assert said.startswith("conformance.test_create:OverlayTest.claim ")


def test_driver_that_replaces_a_claim_is_caught(place: Place) -> None:
    done = place.run("ReplacesClaim", rules=("SIG-001", "SIG-002"))
    assert done.exit_status == 3
    assert done.result is not None
    assert done.result["verdict"] == "partial"
    (said,) = done.result["tampered"]
    assert said.startswith("conformance.case:ConformanceTest.claim was")
    assert said in " ".join(done.output.split())
