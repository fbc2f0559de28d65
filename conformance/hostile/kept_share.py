# SPDX-License-Identifier: Apache-2.0
"""A share that is put back as it was after each hostile case."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

LARGEST = 4 * 1024**2
"""Bytes; a raw base image is larger, and no case writes to it."""


class KeptShare:
    """Everything below a directory, kept to be restored."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._entries = {path: path.lstat() for path in self._walk()}
        self._contents = {
            path: path.read_bytes()
            for path, status in self._entries.items()
            if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST
        }

    def _walk(self) -> list[Path]:
        return sorted(self._directory.rglob("*"))

    def restore(self) -> None:
        """Put back what was changed, and remove what came to it."""
        for path in reversed(self._walk()):
            if path not in self._entries:
                _remove(path)
        for path, content in self._contents.items():
            status = self._entries[path]
            if path.is_symlink() or not path.is_file():
                if path.is_symlink() or path.exists():
                    _remove(path)
            elif path.read_bytes() == content:
                continue
            path.write_bytes(content)
            mode = stat.S_IMODE(status.st_mode)
            # What is still somebody else's has the one that it had, and only
            # its owner may set it.
            if stat.S_IMODE(path.stat().st_mode) != mode:
                path.chmod(mode)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
