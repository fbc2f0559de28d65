# SPDX-License-Identifier: Apache-2.0
"""Sockets in the file system, however long their paths are."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_NAME = ".socket"


def bind(bound: socket.socket, path: Path) -> None:
    """Have a socket at a path that may have more than 107 bytes."""
    directory = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
    try:
        bound.bind(f"/proc/self/fd/{directory}/{_NAME}")
    finally:
        os.close(directory)
    path.with_name(_NAME).rename(path)
