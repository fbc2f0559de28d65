# SPDX-License-Identifier: Apache-2.0
"""QEMU's image lock: whether somebody has an image open.

QEMU locks single bytes of an image that it opens, shared: from byte 100 on
for what it does with the image, from byte 200 on for what others must not
do.  A lock that would conflict with any of them can be asked for without
taking it.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

from assisted_kit.qcow2 import open_regular

_FIRST_BYTE = 100
_LENGTH = 200

# struct flock on Linux: type, whence, start, length, pid.
_FLOCK = struct.Struct("hhqqi4x")


def is_open(path: Path) -> bool:
    """Whether any process has the image open with QEMU's lock.

    A guest on another host is seen only where the share has locks, as NFS
    version 4 has; on one without, nobody seems to have anything open.
    """
    with open_regular(path) as file:
        wanted = _FLOCK.pack(
            fcntl.F_WRLCK, os.SEEK_SET, _FIRST_BYTE, _LENGTH, 0
        )
        found = fcntl.fcntl(file.fileno(), fcntl.F_OFD_GETLK, wanted)
    type_: int = _FLOCK.unpack(found)[0]
    return type_ != fcntl.F_UNLCK
