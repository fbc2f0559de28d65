# SPDX-License-Identifier: Apache-2.0
"""A run that is forked is like one that a shell starts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import assisted_kit_run
from tests.command_line import Finished
from tests.warm_runs import WarmRuns

RULE = ("CRE-001",)

TELLING = """
import json
import logging
import os
import random
import signal
import sys
import tempfile
import threading
import warnings
from pathlib import Path

from reference_driver.driver import RemoteFSAssistedDriver


def handler(number):
    found = signal.getsignal(number)
    return getattr(found, "__name__", str(found))


def kind(found):
    return getattr(found, "__name__", type(found).__name__)


def seen():
    # Those of a run alone, and those that readline, which pytest imports,
    # sets where Python does not see it but a new process does.
    apart = {"TMPDIR", "ASSISTED_KIT_RUN", "LINES", "COLUMNS"}
    return {
        "arguments": [sys.argv[0], len(sys.argv)],
        "descriptors": len(os.listdir("/proc/self/fd")),
        "directory": os.getcwd(),
        "environment": {k: v for k, v in os.environ.items() if k not in apart},
        "filters": [str(found) for found in warnings.filters],
        "finders": [kind(found) for found in sys.meta_path],
        "flags": str(sys.flags),
        "group": os.getpgrp() == os.getpid(),
        "input": sys.stdin.read(),
        "loggers": [str(found) for found in logging.root.handlers],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "output": os.path.samestat(os.fstat(1), os.fstat(2)),
        "path": sys.path,
        "session": os.getsid(0),
        "signals": [handler(number) for number in signal.valid_signals()],
        "temporary": tempfile.gettempdir() == os.environ["TMPDIR"],
        "threads": [thread.name for thread in threading.enumerate()],
    }


class Driver(RemoteFSAssistedDriver):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        if not os.path.exists("seen"):
            Path("drawn").write_text(str(random.random()))
            Path("seen").write_text(json.dumps(seen()))
"""

Run = Callable[..., Finished]


def seen(run: Run, directory: Path) -> dict[str, Any]:
    """What the driver sees of the process that it is constructed in."""
    done = run(directory, "--driver", "telling:Driver", rules=RULE)
    assert done.exit_status == 0, done.output + done.errors
    found = json.loads((directory / "seen").read_text())
    (directory / "seen").unlink()
    assert isinstance(found, dict)
    return found


def test_a_driver_sees_no_difference(
    tmp_path: Path, warm_runs: WarmRuns
) -> None:
    (tmp_path / "telling.py").write_text(TELLING)
    as_by_a_shell = seen(assisted_kit_run, tmp_path)
    assert seen(warm_runs.run, tmp_path) == as_by_a_shell


def test_each_run_draws_random_numbers_of_its_own(
    tmp_path: Path, warm_runs: WarmRuns
) -> None:
    (tmp_path / "telling.py").write_text(TELLING)
    drawn = set()
    for _ in range(2):
        seen(warm_runs.run, tmp_path)
        drawn.add((tmp_path / "drawn").read_text())
    assert len(drawn) == 2


@pytest.mark.parametrize("driver", ["EndsProcess", "KillsProcess", "Prints"])
def test_it_ends_alike(
    driver: str, tmp_path: Path, warm_runs: WarmRuns
) -> None:
    source = Path(__file__).parent / "drivers" / "troublesome.py"
    (tmp_path / source.name).write_text(source.read_text())
    words = ("--driver", f"troublesome:{driver}")
    done = warm_runs.run(tmp_path, *words, rules=RULE)
    by_a_shell = assisted_kit_run(tmp_path, *words, rules=RULE)
    assert done.exit_status == by_a_shell.exit_status
    assert done.errors == by_a_shell.errors
    assert done.statuses == by_a_shell.statuses
    assert done.result is not None and by_a_shell.result is not None
    assert done.result.get("trouble") == by_a_shell.result.get("trouble")


def test_wrong_usage_is_said(tmp_path: Path, warm_runs: WarmRuns) -> None:
    done = warm_runs.run(tmp_path, "--backend", "one")
    assert done == assisted_kit_run(tmp_path, "--backend", "one")
    assert done.exit_status == 2
