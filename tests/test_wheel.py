# SPDX-License-Identifier: Apache-2.0
"""The wheel, in an environment and a repository that are not the kit's."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.test_anywhere import DRIVERS
from tests.test_anywhere import MODULE
from tests.test_anywhere import OBSERVED

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow

PACKAGES = ("assisted_kit", "conformance", "fakes", "reference_driver")


@dataclass(frozen=True)
class Environment:
    """A fresh environment, and a repository in which it is used."""

    scripts: Path
    repository: Path

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """The exit status and the output of a program of the environment."""
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [str(self.scripts / words[0]), *words[1:]],
            cwd=self.repository,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={**kept, "COLUMNS": "250", **environment},
        )
        return done.returncode, done.stdout


def built(path: Path) -> Path:
    """A wheel of the sources, made where nothing is left in them."""
    sources = path / "sources"
    sources.mkdir()
    for name in ("README.rst", "LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / name, sources)
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            sources / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--wheel-dir", str(path), str(sources)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No matching distribution found for setuptools" in done.stderr:
        pytest.skip(f"no setuptools to build with: {done.stderr}")
    assert done.returncode == 0, done.stderr
    (wheel,) = path.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    path = tmp_path_factory.mktemp("wheel")
    wheel = built(path)
    where = path / "environment"
    venv.create(where, with_pip=False, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(where)}))
    # What the kit depends on, from here; a directory on the path has its
    # .pth files ignored, those of an editable kit above all.
    (packages / "dependencies.pth").write_text(
        "\n".join([*site.getsitepackages(), ""])
    )
    subprocess.run(
        [
            # That environment's Python, for the console script's first line.
            *(str(where / "bin" / "python"), "-m", "pip", "install"),
            *("--quiet", "--no-deps", "--no-index", "--ignore-installed"),
            str(wheel),
        ],
        check=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    repository = path / "theirs"
    (repository / "tests").mkdir(parents=True)
    (repository / "drivers.py").write_text(DRIVERS)
    (repository / ".stestr.conf").write_text(
        "[DEFAULT]\ntest_path=./tests\ntop_dir=./\n"
    )
    (repository / "tests" / "test_mine.py").write_text(
        MODULE.format(other="Broken")
    )
    (repository / "tests" / "__init__.py").touch()
    return Environment(where / "bin", repository)


def test_everything_is_in_it(environment: Environment) -> None:
    code = (
        "import importlib.resources as r, pathlib\n"
        "for p in {packages}:\n"
        "    there = pathlib.Path(str(r.files(p)))\n"
        "    print(*sorted(str(f.relative_to(there.parent))\n"
        "        for f in there.rglob('*') if f.is_file()\n"
        "        and f.suffix != '.pyc'), sep='\\n')\n"
    )
    status, output = environment.run(
        "python", "-P", "-c", code.format(packages=PACKAGES)
    )
    assert status == 0, output
    expected = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and file.suffix != ".pyc"
    }
    assert set(output.splitlines()) == expected


def test_it_is_what_is_imported(environment: Environment) -> None:
    status, output = environment.run(
        "python", "-c", "import conformance; print(conformance.__file__)"
    )
    assert status == 0, output
    assert output.startswith(str(environment.scripts.parent))


@pytest.mark.parametrize(("driver", "status"), [("Good", 0), ("Broken", 1)])
def test_command_line(
    environment: Environment, driver: str, status: int
) -> None:
    found, output = environment.run(
        "assisted-kit", "run", "-n", "2", "--driver", f"drivers:{driver}",
        "--rule", "SIG-001", "--rule", "SIG-002", "--rule", "UPD-003",
    )  # fmt: skip
    assert found == status, output
    assert (OBSERVED in output) == bool(status)


@pytest.mark.parametrize(("driver", "status"), [("Good", 0), ("Broken", 1)])
def test_plugin(environment: Environment, driver: str, status: int) -> None:
    found, output = environment.run(
        "python", "-m", "pytest", "-p", "no:cacheprovider", "--pyargs",
        "conformance", "--assisted-driver", f"drivers:{driver}",
        "--assisted-rule", "SIG-002", "--assisted-rule", "UPD-003",
    )  # fmt: skip
    assert found == status, output
    assert (OBSERVED in output) == bool(status)


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "pytest", "-p", "no:cacheprovider", "tests"),
        ("-m", "unittest", "tests.test_mine"),
        ("-m", "stestr", "run"),
    ],
    ids=lambda words: words[1],
)
def test_subclass(environment: Environment, words: tuple[str, ...]) -> None:
    status, output = environment.run("python", *words)
    assert status == 1, output
    assert OBSERVED in output
    assert "Incompatible Exception" not in output


def test_suite_under_unittest(environment: Environment) -> None:
    status, output = environment.run(
        "python", "-m", "unittest", "assisted_kit.unittests",
        "-k", "InterfaceTest", ASSISTED_DRIVER="drivers:Good",
    )  # fmt: skip
    assert status == 0, output
    assert "Ran 2 tests" in output
