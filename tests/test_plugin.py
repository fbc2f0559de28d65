# SPDX-License-Identifier: Apache-2.0
"""The suite under pytest and unittest, in somebody else's repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from tests.troublesome_run import Place
from tests.troublesome_run import place as place

BROKEN = "fakes.broken.interface:SaysYes"
MESSAGE = "SIG-002 MUST"


def python(place: Place, *words: str, **environment: str) -> tuple[int, str]:
    """The exit status and all output of a Python program."""
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=place.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "200", **environment},
    )
    return done.returncode, done.stdout


def conformance(place: Place, *words: str) -> tuple[int, str]:
    return python(
        place, "pytest", "-p", "no:cacheprovider", "--pyargs",
        "conformance", *words,
    )  # fmt: skip


THEIRS = """\
import atexit
import unittest
from unittest import mock

made = []
atexit.register(lambda: print(len(made), "made"))

class Theirs(unittest.TestCase):
    def __init__(self, name):
        super().__init__(name)
        made.append(self)
    def test_theirs(self): pass
    test_theirs.assisted_rule = mock.Mock()
"""


def test_nothing_changes_for_others(place: Place) -> None:
    """Not even how often pytest makes an instance of a class of theirs."""
    (place.directory / "test_theirs.py").write_text(THEIRS)
    words = ["pytest", "-p", "no:cacheprovider", "--junitxml=junit.xml"]
    status, output = python(place, *words)
    assert status == 0, output
    assert "assisted-kit: verifying" not in output
    assert "<properties>" not in (place.directory / "junit.xml").read_text()
    _, without = python(place, *words, "-p", "no:assisted_kit")
    assert output.splitlines()[-1] == without.splitlines()[-1]


def test_message_of_the_rule_is_what_fails(place: Place) -> None:
    status, output = conformance(
        place, "--assisted-driver", BROKEN, "--junitxml=junit.xml",
        "--assisted-rule", "sig-002", "--assisted-rule", "SIG-001",
    )  # fmt: skip
    assert status == 1, output
    assert f"assisted-kit: verifying {BROKEN}" in output
    assert f"\n{MESSAGE}" in output
    assert "Incompatible Exception Representation" not in output
    assert "1 failed, 1 passed" in output
    (summary,) = [
        line for line in output.splitlines() if line.startswith("FAILED ")
    ]
    assert f" - {MESSAGE}" in summary
    report = ElementTree.parse(place.directory / "junit.xml")
    (failure,) = report.iter("failure")
    assert failure.attrib["message"].startswith(MESSAGE)
    failed = next(
        case
        for case in report.iter("testcase")
        if case.find("failure") is not None
    )
    properties = dict(p.attrib.values() for p in failed.iter("property"))
    assert properties == {"assisted_rule": "SIG-002", "assisted_evidence": "1"}
    assert place.left == []


def test_message_of_the_rule_comes_from_workers(place: Place) -> None:
    pytest.importorskip("xdist")
    status, output = conformance(
        place, "--assisted-driver", BROKEN, "-n", "1",
        "--assisted-rule", "SIG-001", "--assisted-rule", "SIG-002",
    )  # fmt: skip
    assert status == 1, output
    assert f"\n{MESSAGE}" in output
    assert "Incompatible Exception Representation" not in output
    assert "1 failed, 1 passed" in output


def test_reference_driver_is_said_when_nobody_named_one(place: Place) -> None:
    status, output = conformance(place, "--collect-only", "-q")
    assert status == 0, output
    assert "assisted-kit: verifying reference_driver.driver:" in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--assisted-driver="], "--assisted-driver is empty"),
        (["--assisted-rule=NOPE"], "unknown rule 'NOPE'"),
        (["--assisted-config=absent.conf"], "absent.conf does not exist"),
        (
            ["--assisted-driver=troublesome:ConstructorRaises"],
            "RuntimeError: no licence found",
        ),
    ],
)
def test_driver_that_cannot_be_verified_is_one_error(
    place: Place, words: list[str], said: str
) -> None:
    status, output = conformance(place, *words)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert output.startswith("ERROR: ")
    assert output.count(said) == 1
    assert "collected" not in output
    assert place.left == []


def test_hook_that_hangs_ends_pytest(place: Place) -> None:
    place.configure("patience = 0.5")
    status, output = conformance(
        place, "--assisted-driver", "troublesome:Hangs",
        f"--assisted-config={place.config_file}",
        "--assisted-rule", "UPD-003",
    )  # fmt: skip
    assert status == 1, output
    assert "a hook that has not returned in 0.5 s" in output
    assert "a hook of the driver does not return" in output
    assert place.left == []


def test_unittest_takes_the_driver_from_the_environment(place: Place) -> None:
    status, output = python(
        place, "unittest", "conformance.test_interface",
        ASSISTED_DRIVER=BROKEN,
    )  # fmt: skip
    assert status == 1, output
    assert MESSAGE in output
    assert re.search(r"Ran \d+ tests", output)
    assert "failures=1" in output


def test_unittest_says_why_a_fixture_failed(place: Place) -> None:
    status, output = python(
        place, "unittest", "conformance.test_interface",
        ASSISTED_DRIVER="troublesome:ConstructorRaises",
    )  # fmt: skip
    assert status == 1
    assert "RuntimeError: no licence found" in output
    assert "closed file" not in output


def test_options_are_for_the_run_alone(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ASSISTED_DRIVER", raising=False)
    pytest.main(
        [
            "-p",
            "no:terminal",
            "--co",
            "--assisted-driver",
            "a:B",
            "--noconftest",
            "-c",
            os.devnull,
            str(place.directory),
        ]
    )
    assert "ASSISTED_DRIVER" not in os.environ
