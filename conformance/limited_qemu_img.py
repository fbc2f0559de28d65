# SPDX-License-Identifier: Apache-2.0
"""The limits under which a driver has ``qemu-img`` run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance.scripted_qemu_img import ScriptedQemuImg

_SCRIPT = """\
#!/bin/sh
'{qemu_img}' "$@"
status=$?
# Whoever limits a process that has started already has done it by now.
printf '%s\\0' "$(ulimit -v)" "$(ulimit -t)" qemu-img "$@" > '{log}/'$$
exit $status
"""


@dataclass(frozen=True, slots=True)
class LimitedCommand:
    """A ``qemu-img`` command that has ended, and what limited it."""

    words: tuple[str, ...]
    memory: str
    """KiB of address space, or ``unlimited``."""
    cpu_time: str
    """Seconds, or ``unlimited``."""

    @property
    def inspects(self) -> bool:
        """Whether it looks at an image, and changes nothing."""
        return self._subcommand in ("check", "info", "map", "measure")

    @property
    def moves_data(self) -> bool:
        """Whether it takes longer the more an image holds."""
        unsafe = {"-u", "--backing-unsafe"}.intersection(self.words)
        return self._subcommand in ("commit", "convert", "dd") or (
            self._subcommand == "rebase" and not unsafe
        )

    @property
    def _subcommand(self) -> str:
        return self.words[1] if len(self.words) > 1 else ""


class LimitedQemuImg(ScriptedQemuImg):
    """Puts a ``qemu-img`` first in PATH that tells its limits."""

    def script(self, qemu_img: str, directory: Path) -> str:
        return _SCRIPT.format(qemu_img=qemu_img, log=self.log)

    def commands(self) -> list[LimitedCommand]:
        """What has ended so far, in order."""
        return [
            LimitedCommand(tuple(words[:-1]), memory, cpu_time)
            for memory, cpu_time, *words in self.notes()
        ]
