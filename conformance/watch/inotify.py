# SPDX-License-Identifier: Apache-2.0
"""What the kernel tells of files, whichever process it was."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path

from assisted_kit.errors import AssistedKitError

OVERFLOW = 0x4000

_EVENT = struct.Struct("iIII")

_ADVICE = {
    errno.EMFILE: "raise fs.inotify.max_user_instances",
    errno.ENOSPC: "raise fs.inotify.max_user_watches",
}


class CannotWatch(AssistedKitError):
    """The kernel does not let files be watched."""


def watch(directories: Iterable[Path], mask: int) -> int:
    """Watch the files of directories for the events in ``mask``.

    :returns: a descriptor for :func:`events`, for the caller to close.
    :raises CannotWatch: saying what to raise.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        raise _trouble()
    for directory in directories:
        path = os.fsencode(directory)
        if libc.inotify_add_watch(descriptor, path, mask) < 0:
            trouble = _trouble()
            os.close(descriptor)
            raise trouble
    return int(descriptor)


def _trouble() -> CannotWatch:
    number = ctypes.get_errno()
    advice = _ADVICE.get(number, "")
    return CannotWatch(f"inotify: {os.strerror(number)}. {advice}".rstrip())


def events(descriptor: int) -> Iterator[tuple[int, str]]:
    """What has happened since: event bits, and the name of the file."""
    while True:
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return
        while data:
            _, mask, _, length = _EVENT.unpack_from(data)
            end = _EVENT.size + length
            yield mask, os.fsdecode(data[_EVENT.size : end].rstrip(b"\0"))
            data = data[end:]
