# SPDX-License-Identifier: Apache-2.0
"""The ``qemu-img`` commands of scripts that a driver starts.

Python tells of the processes that it starts itself, and not of those that
they start in their turn.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import fixtures

_SCRIPT = """\
#!/bin/sh
if [ $PPID -ne {kit} ]; then
    {{
        tr '\\0' ' ' < /proc/$PPID/cmdline
        printf '\\0%s' qemu-img "$@"
    }} >> '{log}/'$$
fi
exec '{qemu_img}' "$@"
"""
"""Takes itself down, with what started it, unless that is this process."""


@dataclass(frozen=True, slots=True)
class NestedCommand:
    """A ``qemu-img`` command that another process has started."""

    words: tuple[str, ...]
    starter: str
    """The command line of that process."""


class NestedQemuImg(fixtures.Fixture):
    """Puts a ``qemu-img`` first in PATH that tells what is asked of it.

    A script that names another one by its path is not seen.
    """

    def _setUp(self) -> None:
        found = shutil.which("qemu-img")
        assert found is not None, "there is no qemu-img"
        directory = Path(self.useFixture(fixtures.TempDir()).path)
        self._log = directory / "log"
        self._log.mkdir(mode=0o1777)
        script = directory / "qemu-img"
        script.write_text(
            _SCRIPT.format(kit=os.getpid(), log=self._log, qemu_img=found)
        )
        script.chmod(0o755)
        path = f"{directory}:{os.environ.get('PATH', os.defpath)}"
        self.useFixture(fixtures.EnvironmentVariable("PATH", path))

    def commands(self) -> list[NestedCommand]:
        """What was started so far, in order."""
        told = sorted(self._log.iterdir(), key=lambda f: f.stat().st_mtime_ns)
        return [
            NestedCommand(tuple(words), starter.strip())
            for starter, *words in (
                os.fsdecode(file.read_bytes()).split("\0") for file in told
            )
        ]
