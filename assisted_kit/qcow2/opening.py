# SPDX-License-Identifier: Apache-2.0
"""Opening a file of a share that somebody else may have put there."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO
from typing import TypeAlias

from assisted_kit.qcow2.errors import NotRegular

StrPath: TypeAlias = str | os.PathLike[str]

# O_NONBLOCK: opening a FIFO that nobody writes to must not wait.
_FLAGS = (
    os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
)
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}
_REFUSED_BY_OPEN = {
    errno.ELOOP: "a symbolic link",
    errno.ENXIO: "a socket or a dead device",
}


def open_descriptor(
    path: StrPath, *, dir_fd: int | None = None
) -> tuple[int, os.stat_result]:
    """Open a regular file for reading, without following a link.

    Only the last component is checked for links: the directory is the
    caller's, who may pass it open as *dir_fd*.

    :returns: its descriptor, for the caller to close, and its status
    :raises NotRegular: it is anything but a regular file
    :raises OSError: it cannot be opened, for example does not exist
    """
    try:
        fd = os.open(path, _FLAGS, dir_fd=dir_fd)
    except OSError as error:
        if error.errno in _REFUSED_BY_OPEN:
            kind = _REFUSED_BY_OPEN[error.errno]
            raise NotRegular(
                os.fspath(path), f"not a regular file: {kind}"
            ) from error
        raise
    try:
        status = os.fstat(fd)
        mode = status.st_mode
        if not stat.S_ISREG(mode):
            kind = _KINDS.get(stat.S_IFMT(mode), f"mode {mode:o}")
            raise NotRegular(os.fspath(path), f"not a regular file: {kind}")
    except BaseException:
        os.close(fd)
        raise
    return fd, status


def open_regular(path: StrPath, *, dir_fd: int | None = None) -> BinaryIO:
    """The same as an unbuffered file object.

    :raises NotRegular: it is anything but a regular file
    :raises OSError: it cannot be opened, for example does not exist
    """
    fd, _ = open_descriptor(path, dir_fd=dir_fd)
    try:
        return os.fdopen(fd, "rb", buffering=0)
    except BaseException:
        os.close(fd)
        raise


def read_up_to(fd: int, length: int, offset: int) -> bytes:
    """Read *length* bytes at *offset*, fewer only where the file ends."""
    data = os.pread(fd, length, offset)
    while len(data) < length:
        more = os.pread(fd, length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def size_of(file: BinaryIO) -> int:
    """The length of an open file in bytes, as it is now."""
    return os.fstat(file.fileno()).st_size
