# SPDX-License-Identifier: Apache-2.0
"""What the kit itself needs: its programs, and its own packages."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from assisted_kit import preflight
from assisted_kit.preflight import HiddenPackage
from assisted_kit.preflight import MissingProgram


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the programs of this machine, alone on the PATH."""
    for program in preflight.PROGRAMS:
        found = shutil.which(program)
        assert found is not None
        (tmp_path / program).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def script(path: Path, content: str) -> None:
    path.unlink()
    path.write_text(f"#!/bin/sh\n{content}\n")
    path.chmod(0o755)


def refused() -> str:
    with pytest.raises(MissingProgram) as caught:
        preflight.check()
    return str(caught.value)


def test_this_machine_has_what_it_takes(programs: Path) -> None:
    preflight.check()


@pytest.mark.parametrize(
    ("program", "package"),
    [
        ("qemu-img", "qemu-utils"),
        ("qemu-io", "qemu-utils"),
    ],
)
def test_missing_program_is_named_with_its_package(
    programs: Path, program: str, package: str
) -> None:
    (programs / program).unlink()
    message = refused()
    assert message.startswith(f"{program} cannot be started")
    assert f"Install the package {package}" in message


@pytest.mark.parametrize("version", ["2.11.1", "4.1.0"])
def test_old_program_is_named_with_both_versions(
    programs: Path, version: str
) -> None:
    script(programs / "qemu-img", f"echo qemu-img version {version}")
    oldest = ".".join(version.split(".")[:2])
    message = refused()
    assert f"qemu-img is version {oldest}; the kit needs 4.2" in message
    assert "Upgrade the package qemu-utils" in message


@pytest.mark.parametrize("version", ["4.2.0", "10.0.2", "4.10"])
def test_new_program_is_fine(programs: Path, version: str) -> None:
    script(programs / "qemu-img", f"echo qemu-img version {version}")
    preflight.check()


def test_program_that_is_something_else(programs: Path) -> None:
    script(programs / "qemu-img", "echo hello")
    assert "says ['hello'], which is no version" in refused()


def test_program_that_fails_says_why(programs: Path) -> None:
    script(programs / "qemu-io", "echo no libfoo >&2; exit 127")
    assert "qemu-io cannot be started: no libfoo" in refused()
    script(programs / "qemu-io", "exit 5")
    assert "qemu-io cannot be started: status 5" in refused()


@pytest.mark.parametrize("package", preflight.PACKAGES)
def test_package_that_hides_the_kits_is_named_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    other = ModuleType(package)
    other.__path__ = [str(tmp_path / package)]
    monkeypatch.setitem(sys.modules, package, other)
    root = Path(preflight.__file__).parent.parent
    with pytest.raises(HiddenPackage) as caught:
        preflight.check_packages()
    assert str(tmp_path / package) in str(caught.value)
    assert str(root / package) in str(caught.value)


def test_package_that_hides_the_kits_and_does_not_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fakes.py").write_text("raise ValueError('theirs')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fakes", raising=False)
    with pytest.raises(HiddenPackage, match=r"theirs") as caught:
        preflight.check_packages("fakes")
    assert str(tmp_path / "fakes.py") in str(caught.value)
