# SPDX-License-Identifier: Apache-2.0
"""The ``qemu-img`` commands of scripts that a driver starts.

Python tells of the processes that it starts itself, and not of those that
they start in their turn.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from conformance.scripted_qemu_img import ScriptedQemuImg

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


class NestedQemuImg(ScriptedQemuImg):
    """Puts a ``qemu-img`` first in PATH that tells what is asked of it.

    A script that names another one by its path is not seen.
    """

    def script(self, qemu_img: str, directory: Path) -> str:
        return _SCRIPT.format(kit=os.getpid(), log=self.log, qemu_img=qemu_img)

    def commands(self) -> list[NestedCommand]:
        """What was started so far, in order."""
        return [
            NestedCommand(tuple(words), starter.strip())
            for starter, *words in self.notes()
        ]
