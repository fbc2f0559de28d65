# SPDX-License-Identifier: Apache-2.0
"""The whole suite on the reference driver: wall time, and ``qemu-img``'s.

Over two processes a core.  The median of three runs is the wall time, and the
seconds that its processes had a processor are told beside it: on a host that
lends its processors to others as well, the wall time says less.  For one run
more a script named ``qemu-img`` comes first in ``PATH``, which notes the time
before and after the real one; its own start is not counted.  The sum is that
of processes which may overlap, so it may exceed the wall time.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from assisted_kit.subject import REFERENCE_DRIVER

_RUNS = 3

_WRAPPER = """\
#!/bin/bash
start=$EPOCHREALTIME
{program} "$@"
status=$?
echo "$start $EPOCHREALTIME" >> {log}
exit $status
"""


class SuiteFailed(Exception):
    """The reference driver did not pass, or the suite did not run."""


def measure(rules: tuple[str, ...] = (), runs: int = _RUNS) -> dict[str, Any]:
    """Seconds of a run, its tests, and the seconds within ``qemu-img``.

    :param rules: these only, all of them without.
    :param runs: of which the median is the wall time.
    """
    with tempfile.TemporaryDirectory() as directory:
        times = [_run(rules, os.environ["PATH"]) for _ in range(runs)]
        wall, busy = statistics.median_high(times)
        log = Path(directory, "qemu-img.log")
        path = _with_wrapper(Path(directory), log)
        _run(rules, path)
        within = [_seconds(line) for line in log.read_text().splitlines()]
    return {
        "wall_seconds": round(wall, 1),
        "processor_seconds": round(busy, 1),
        "tests": _count_tests(rules),
        "cores": os.cpu_count(),
        "qemu_img_seconds": round(sum(within), 1),
        "qemu_img_processes": len(within),
    }


def _count_tests(rules: tuple[str, ...]) -> int:
    command = [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        "--collect-only",
        "--quiet",
    ]
    command += ["-p", "no:cacheprovider", "--pyargs", "conformance"]
    command += [f"--assisted-driver={REFERENCE_DRIVER}"]
    command += [f"--assisted-rule={rule}" for rule in rules]
    found = subprocess.run(
        command, check=True, capture_output=True, text=True
    ).stdout
    return sum("::" in line for line in found.splitlines())


def _run(rules: tuple[str, ...], path: str) -> tuple[float, float]:
    """Seconds of wall time and of the processors'."""
    command = [sys.executable, "-P", "-m", "assisted_kit", "run"]
    command += ["-n", "auto", "--json", "-"]
    command += [word for rule in rules for word in ("--rule", rule)]
    start, busy = time.perf_counter(), _busy()
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": path},
    )
    wall = time.perf_counter() - start
    if done.returncode != 0:
        raise SuiteFailed(f"{done.stdout}\n{done.stderr}")
    return wall, _busy() - busy


def _busy() -> float:
    """The processors' seconds for all processes that we have waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _with_wrapper(directory: Path, log: Path) -> str:
    program = shutil.which("qemu-img")
    if program is None:
        raise SuiteFailed("there is no qemu-img in PATH")
    wrapper = directory / "bin" / "qemu-img"
    wrapper.parent.mkdir()
    wrapper.write_text(_WRAPPER.format(program=program, log=log))
    wrapper.chmod(0o755)
    return f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}"


def _seconds(line: str) -> float:
    start, end = map(float, line.split())
    return end - start
