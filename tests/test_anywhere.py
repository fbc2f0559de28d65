# SPDX-License-Identifier: Apache-2.0
"""The suite in a repository of a vendor's, under whatever runs its tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

DRIVERS = """\
from reference_driver.driver import RemoteFSAssistedDriver


class Good(RemoteFSAssistedDriver):
    pass


class Broken(RemoteFSAssistedDriver):
    @property
    def supports_assisted_snapshots(self):
        return "yes"


class Unset(RemoteFSAssistedDriver):
    def __init__(self, **arguments):
        raise RuntimeError("no licence found")
"""

MODULE = """\
from conformance import suite
# Nothing is to run for the base, whatever the module calls it.
from conformance.suite import DriverConformance
import drivers


class TestGood(suite.DriverConformance):
    driver = "drivers:Good"
    rules = ["SIG-001", "SIG-002"]


class TestAnother(DriverConformance):
    driver_class = drivers.{other}
    rules = ["SIG-001", "SIG-002"]
"""

OBSERVED = "observed        supports_assisted_snapshots: 'yes'"

RUNNERS = {
    "pytest": ["pytest", "-p", "no:cacheprovider", "tests"],
    "xdist": ["pytest", "-p", "no:cacheprovider", "-n", "2", "tests"],
    "randomly": [
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "randomly",
        "tests",
    ],
    "unittest": ["unittest", "discover", "tests"],
    "stestr": ["stestr", "run"],
}


class Repository:
    """A vendor's repository: drivers, tests, and how they are run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tests = path / "tests"
        self.tests.mkdir(parents=True)
        (path / ".stestr.conf").write_text(
            "[DEFAULT]\ntest_path=./tests\ntop_dir=./tests\n"
        )
        (path / "drivers.py").write_text(DRIVERS)

    def write(self, name: str, content: str) -> None:
        (self.tests / name).write_text(content)

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """The exit status and the output of a Python program."""
        paths = [str(self.path), *filter(None, sys.path)]
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(paths),
                "COLUMNS": "250",
                **environment,
            },
        )
        return done.returncode, done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "theirs")


@pytest.mark.parametrize("name", RUNNERS)
@pytest.mark.parametrize(("other", "status"), [("Good", 0), ("Broken", 1)])
def test_two_drivers_in_one_module(
    repository: Repository, name: str, other: str, status: int
) -> None:
    repository.write("test_mine.py", MODULE.format(other=other))
    found, output = repository.run(*RUNNERS[name])
    assert found == status, output
    assert (OBSERVED in output) == bool(status)
    assert "Incompatible Exception" not in output
    # The base itself has not run, with a driver that nobody named.
    counts = {
        "unittest": "Ran 4 tests",
        "stestr": f" - Passed: {4 - status}\n",
    }
    passed = f"{4 - status} passed"
    assert counts.get(name, passed) in output
    if status:
        assert "TestAnother.test_support_is_declared_by_a_bool" in output


def test_session_says_the_verdict_of_each_driver(
    repository: Repository,
) -> None:
    repository.write("test_mine.py", MODULE.format(other="Broken"))
    _, output = repository.run(*RUNNERS["pytest"], "--junitxml=junit.xml")
    assert "partial: drivers:Good" in output
    assert "not conformant: drivers:Broken" in output
    assert "not collected: " in output
    (summary,) = [
        line for line in output.splitlines() if line.startswith("FAILED ")
    ]
    said = "SIG-002 MUST: supports_assisted_snapshots: 'yes'"
    assert summary.endswith(f" - {said}")
    junit = ElementTree.parse(repository.path / "junit.xml")
    (failure,) = junit.iter("failure")
    assert failure.attrib["message"] == said
    assert OBSERVED in (failure.text or "")
    assert "python -m unittest test_mine.TestAnother" in (failure.text or "")


@pytest.mark.parametrize("name", ["unittest", "stestr"])
@pytest.mark.parametrize(("driver", "status"), [("Good", 0), ("Broken", 1)])
def test_driver_of_the_environment(
    repository: Repository, name: str, driver: str, status: int
) -> None:
    repository.write(
        "test_suite.py",
        "from assisted_kit.unittests import load_tests as load_tests\n",
    )
    config = repository.path / "kit.conf"
    config.write_text(f"[assisted_kit]\ndriver = drivers:{driver}\n")
    selection = {
        "unittest": ["-k", "InterfaceTest"],
        "stestr": ["InterfaceTest"],
    }
    found, output = repository.run(
        *RUNNERS[name], *selection[name], ASSISTED_CONFIG=str(config)
    )
    assert found == status, output
    assert (OBSERVED in output) == bool(status)
    assert f"--config {config} --rule SIG-002" in output or not status


@pytest.mark.parametrize("name", ["pytest", "unittest", "stestr"])
def test_driver_that_cannot_be_set_up_is_said_with_its_cause(
    repository: Repository, name: str
) -> None:
    repository.write("test_mine.py", MODULE.format(other="Unset"))
    status, output = repository.run(*RUNNERS[name])
    assert status == 1, output
    assert "cannot be constructed and set up" in output
    assert "RuntimeError: no licence found" in output


# -- packages that hide others

SUBCLASS = """\
from conformance import suite

class TestGood(suite.DriverConformance):
    driver = "drivers:Good"
    rules = ["SIG-001"]
"""


@pytest.mark.parametrize("name", ["pytest", "unittest", "stestr", "run"])
def test_package_that_hides_the_kits_is_named_with_it(
    repository: Repository, name: str
) -> None:
    theirs = repository.path / "fakes"
    theirs.mkdir()
    (theirs / "__init__.py").write_text("backend = 1\n")
    repository.write("test_mine.py", SUBCLASS)
    words = ["assisted_kit", "run"] if name == "run" else RUNNERS[name]
    status, output = repository.run(*words)
    assert status != 0, output
    assert f"the package fakes is {theirs}, where the kit needs" in output
    assert f"{Path(__file__).parent.parent / 'fakes'}. Rename the" in output


@pytest.mark.parametrize("name", ["pytest", "unittest", "stestr"])
def test_package_that_hides_the_suite_is_named_with_it(
    repository: Repository, name: str
) -> None:
    theirs = repository.path / "conformance"
    theirs.mkdir()
    (theirs / "__init__.py").touch()
    repository.write(
        "test_suite.py",
        "from assisted_kit.unittests import load_tests as load_tests\n",
    )
    words = RUNNERS[name]
    if name == "pytest":
        words = [*words[:-1], "--pyargs", "conformance"]
    status, output = repository.run(*words)
    assert status != 0, output
    assert f"the package conformance is {theirs}, where" in output
