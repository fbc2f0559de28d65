# SPDX-License-Identifier: Apache-2.0
"""Imports point one way: conformance, fakes, assisted_kit, reference_driver.

The command line loads the suite by its name; of the fakes, only the broken
drivers know the driver that they break.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "assisted_kit": {"assisted_kit"},
    "reference_driver": {"assisted_kit", "reference_driver"},
    "fakes/compute": {"assisted_kit", "fakes"},
    "fakes/good": {"assisted_kit", "fakes"},
    "fakes/broken": {"assisted_kit", "fakes", "reference_driver"},
    "conformance": {"assisted_kit", "conformance", "fakes"},
}

OURS = {"assisted_kit", "conformance", "fakes", "reference_driver", "tests"}


def test_fake_nova_does_not_know_the_broken_drivers() -> None:
    for path in [ROOT / "fakes/__init__.py", *ROOT.glob("fakes/compute/*.py")]:
        text = path.read_text()
        assert "fakes.broken" not in text
        assert "reference_driver" not in text


def imported(path: Path) -> Iterator[str]:
    """The packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        ours = set(imported(path)) & OURS
        assert ours <= MAY_IMPORT[package], path


def test_every_dependency_is_used() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {
        d.partition(">")[0].replace(".", "_").lower()
        for d in project["dependencies"]
    }
    used = {
        module.lower()
        for package in (
            "assisted_kit",
            "conformance",
            "fakes",
            "reference_driver",
        )
        for path in (ROOT / package).rglob("*.py")
        for module in imported(path)
    }
    assert names <= used
