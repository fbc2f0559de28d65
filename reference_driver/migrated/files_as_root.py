# SPDX-License-Identifier: Apache-2.0
"""A volume's files, changed by somebody who may.

A volume service is rarely root.  Where ``nas_secure_file_operations`` is off,
upstream makes, changes and removes files as root, by commands that its
rootwrap filters allow; what it makes so, the service may not even rename.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from reference_driver.files import UNFINISHED
from reference_driver.files import VolumeFiles


class FilesAsRoot(VolumeFiles):
    """The files of a volume of a service that is not root.

    :param run: runs a command as root and raises when it fails.
    """

    def __init__(
        self, directory: Path, volume: Any, run: Callable[..., Any]
    ) -> None:
        super().__init__(directory, volume)
        self._run = run

    def make(
        self,
        name: str,
        write: Callable[[Path], object],
        *,
        like: Path | None = None,
        sync_directory: bool = True,
    ) -> None:
        temporary = self.path(f"{name}{UNFINISHED}")
        self._run("rm", "-f", str(temporary))
        try:
            # Whoever writes it is the service, or a command as root.
            self._run("truncate", "-s0", str(temporary))
            self._run("chmod", "ugo+rw", str(temporary))
            write(temporary)
            if like is not None:
                for command in ("chown", "chmod"):
                    self._run(command, f"--reference={like}", str(temporary))
            self._run("mv", "-f", "-T", str(temporary), str(self.path(name)))
        except BaseException:
            self._run("rm", "-f", str(temporary))
            raise
        if sync_directory:
            self.sync_directory()

    def remove(self, name: str) -> None:
        for left in (name, f"{name}{UNFINISHED}"):
            self._run("rm", "-f", str(self.path(left)))
        self.sync_directory()
