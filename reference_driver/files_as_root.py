# SPDX-License-Identifier: Apache-2.0
"""A volume's files, changed by somebody who may.

A volume service is rarely root.  Where ``nas_secure_file_operations`` is off,
upstream makes, changes and removes files as root, by commands that its
rootwrap filters allow; what it makes so, the service may not even rename.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oslo_concurrency import processutils

from reference_driver.files import Layout
from reference_driver.files import opened
from reference_driver.files import VolumeFiles

_OPEN = Layout(mode=0o666)


class FilesAsRoot(VolumeFiles):
    """The files of a volume of a service that is not root.

    They are root's, and the service may read them if everybody may.

    What fails is an OSError here too, as those who call know it: there is
    what has to go well, and what may be left to another hook.

    :param run: runs a command as root; it raises oslo.concurrency's error,
        or one that is derived from it, when that fails.
    :param layout: without one, everybody may read and write what is new.
    """

    def __init__(
        self,
        directory: Path,
        volume: Any,
        run: Callable[..., Any],
        layout: Layout = _OPEN,
    ) -> None:
        super().__init__(directory, volume, layout)
        self._run = run

    _how_to_create = 0

    def _start(self, temporary: Path) -> None:
        super()._start(temporary)
        # Whoever writes it is the service, or a command as root.
        self._as_root("truncate", "-s0", str(temporary))
        self._as_root("chmod", "ugo+rw", str(temporary))

    def _finish(self, temporary: Path, like: Path | None) -> None:
        # Opened before, since afterwards the service may be shut out.
        with opened(temporary, os.O_RDONLY | os.O_NOFOLLOW) as descriptor:
            if like is None:
                self._as_root(
                    "chmod", f"{self._layout.mode:o}", str(temporary)
                )
            else:
                for command in ("chown", "chmod"):
                    self._as_root(
                        command, f"--reference={like}", str(temporary)
                    )
            os.fsync(descriptor)

    def _replace(self, temporary: Path, path: Path) -> None:
        self._as_root("mv", "-f", "-T", str(temporary), str(path))

    def _unlink(self, path: Path) -> None:
        self._as_root("rm", "-f", str(path))

    def _as_root(self, *words: str) -> None:
        try:
            self._run(*words)
        except processutils.ProcessExecutionError as error:
            raise OSError(str(error)) from error
