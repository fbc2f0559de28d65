# SPDX-License-Identifier: Apache-2.0
"""What a broken driver or a test is made of."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from conformance.kill_matrix.sources import sources_of

ONE = """
    from some_two import help_out as help_them
    from other import Elsewhere

    LIMIT = 3

    def unused():
        return LIMIT

    def decorate(cls):
        return cls

    class Base(Elsewhere):
        pass

    @decorate
    class Thing(Base):
        def work(self):
            return help_them(Unknown)

    class Other:
        limit = LIMIT
"""
TWO = """
    def help_out(what):
        return help_out
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module that uses two others."""
    (tmp_path / "other.py").write_text("class Elsewhere: pass")
    (tmp_path / "some_one.py").write_text(dedent(ONE))
    (tmp_path / "some_two.py").write_text(dedent(TWO))
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("some_one")
    for name in ("other", "some_one", "some_two"):
        del sys.modules[name]


def heads(texts: list[str]) -> set[str]:
    """The first line of each."""
    return {text.splitlines()[0] for text in texts}


def test_a_class_comes_with_all_that_it_uses(module: Any) -> None:
    found = sources_of([module.Thing], lambda m: m.startswith("some_"))
    assert heads(found) == {
        "def decorate(cls):",
        "class Base(Elsewhere):",
        "@decorate",
        "def help_out(what):",
    }


def test_nothing_else_is_looked_into(module: Any) -> None:
    found = sources_of([module.Thing], "some_one".__eq__)
    assert "def help_out(what):" not in heads(found)


def test_values_of_the_module_count(module: Any) -> None:
    found = sources_of([module.Other], "some_one".__eq__)
    assert heads(found) == {"class Other:", "LIMIT = 3"}
