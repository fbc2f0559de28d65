# SPDX-License-Identifier: Apache-2.0
"""A driver that tells what its process is like."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.command_line import Finished

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
    of_run = {"TMPDIR", "ASSISTED_KIT_RUN", "ASSISTED_KIT_PART"}
    apart = of_run | {"LINES", "COLUMNS"}
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


def seen(run: Run, directory: Path, *arguments: str) -> dict[str, Any]:
    """What the driver sees of the process that it is constructed in."""
    (directory / "telling.py").write_text(TELLING)
    words = ("--driver", "telling:Driver", *arguments)
    done = run(directory, *words, rules=RULE)
    assert done.exit_status == 0, done.output + done.errors
    found = json.loads((directory / "seen").read_text())
    (directory / "seen").unlink()
    assert isinstance(found, dict)
    return found
