# SPDX-License-Identifier: Apache-2.0
"""Ending a process together with everything that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

_PROC = Path("/proc")


def kill(process: subprocess.Popen[Any]) -> None:
    """Kill a process and its descendants, as far as we may.

    A child of a shell's, or of ``sudo``'s, would else keep the pipes open
    that somebody reads to their end.
    """
    if process.poll() is not None:
        return
    family: set[int] = set()
    # Who is stopped starts nobody else.
    while new := {process.pid, *descendants(process.pid)} - family:
        _send(new, signal.SIGSTOP)
        family |= new
    _send(family, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The ids of the processes below one, parents before their children."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            # It may end while we look.
            with suppress(OSError):
                parent = _parent((entry / "stat").read_bytes())
                children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found[1:]


def _parent(stat: bytes) -> int:
    """The parent's id in ``/proc/PID/stat``; a name may have any bytes."""
    return int(stat.rpartition(b")")[2].split()[1])


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        # It has ended by itself, or is root's.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
