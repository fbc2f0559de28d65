# SPDX-License-Identifier: Apache-2.0
"""Commands, as drivers written for Cinder start them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from oslo_concurrency import processutils

from assisted_kit.errors import AssistedKitError
from assisted_kit.process import by_root_helper
from assisted_kit.process import execute
from assisted_kit.process import ProcessFailed

GIB = 1024**3
FAILS = ("sh", "-c", "echo out; echo err >&2; exit 3")
LIMITS = """\
import resource
# By then they are set.
input()
print(*resource.getrlimit(resource.RLIMIT_AS))
print(*resource.getrlimit(resource.RLIMIT_CPU))
"""


def test_both_outputs_are_returned() -> None:
    assert execute("sh", "-c", "echo out; echo err >&2") == ("out\n", "err\n")


@pytest.mark.parametrize("expected", [False, 3, [0, 3], (3,)])
def test_expected_status_is_no_failure(expected: object) -> None:
    assert execute(*FAILS, check_exit_code=expected) == ("out\n", "err\n")


@pytest.mark.parametrize("expected", [True, 0, [0, 1], None])
def test_any_other_status_is_one(expected: object) -> None:
    with pytest.raises(ProcessFailed) as caught:
        execute(*FAILS, check_exit_code=expected)
    assert isinstance(caught.value, AssistedKitError)
    assert str(caught.value) == (
        "sh -c 'echo out; echo err >&2; exit 3' ended with status 3: err"
    )


def test_failure_is_caught_as_cinders_drivers_do() -> None:
    with pytest.raises(processutils.ProcessExecutionError) as caught:
        execute(*FAILS)
    error = caught.value
    assert (error.exit_code, error.stdout) == (3, "out\n")
    assert error.stderr == "err\n"


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(ProcessFailed, match="no-such-program could not be"):
        execute("no-such-program")


def test_keywords_of_cinders_drivers(tmp_path: Path) -> None:
    assert execute(
        *("sh", "-c", 'cat; pwd; echo "$COLOUR"; echo $1', "sh", 5),
        process_input="in\n",
        cwd=tmp_path,
        env_variables={"COLOUR": "blue"},
        run_as_root=True,
        root_helper="no-such-helper",
    ) == (f"in\n{tmp_path}\nblue\n5\n", "")


def test_the_rest_is_oslo_concurrencys() -> None:
    assert execute("printf", "x", binary=True, run_as_root=True) == (
        b"x",
        b"",
    )


def test_limits_are_set() -> None:
    limits = processutils.ProcessLimits(address_space=GIB, cpu_time=7)
    out, _ = execute(
        sys.executable, "-c", LIMITS, process_input="go\n", prlimit=limits
    )
    assert out == f"{GIB} {GIB}\n7 7\n"


HELPER = "env BY=helper"
TELLS = ("sh", "-c", "read line; echo $BY; ulimit -v; ulimit -t")


@pytest.mark.parametrize(
    ("options", "by"),
    [
        ({"run_as_root": True}, "helper"),
        ({"run_as_root": True, "root_helper": "no-such-helper"}, "helper"),
        ({"run_as_root": False}, ""),
        ({}, ""),
    ],
)
@pytest.mark.parametrize("is_limited", [False, True])
def test_root_helper_starts_what_is_to_run_as_root(
    options: dict[str, Any], by: str, is_limited: bool
) -> None:
    limits = processutils.ProcessLimits(address_space=GIB, cpu_time=7)
    run = by_root_helper(HELPER)
    if is_limited:
        options = {**options, "prlimit": limits}
    out, _ = run(*TELLS, process_input="go\n", **options)
    limited = f"{GIB // 1024}\n7\n" if is_limited else "unlimited\n" * 2
    assert out == f"{by}\n{limited}"


def test_without_a_root_helper_commands_run_as_they_are() -> None:
    out, _ = by_root_helper("")("printf", "x", run_as_root=True)
    assert out == "x"


HAS_LESS = """\
import resource
from oslo_concurrency.processutils import ProcessLimits
from assisted_kit.process import execute
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
limits = ProcessLimits(number_files=99)
words = ("sh", "-c", "read line; ulimit -Hn")
out, _ = execute(*words, process_input="go\\n", prlimit=limits)
print(out)
"""


def test_no_limit_is_raised() -> None:
    out, _ = execute(sys.executable, "-c", HAS_LESS)
    assert out.strip() == "64"


def test_without_its_limits_nothing_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no limits for you")

    monkeypatch.setattr("resource.prlimit", refuse)
    limits = processutils.ProcessLimits(address_space=GIB)
    with pytest.raises(ProcessFailed, match="no limits for you"):
        execute("sleep", "infinity", prlimit=limits)
