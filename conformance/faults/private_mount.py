# SPDX-License-Identifier: Apache-2.0
"""A share of its own for a test, which fills up or becomes read-only.

A file system in memory, mounted where only one thread sees it, and the
threads and processes that it starts.  When they are gone it is gone, however
they end.
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from collections.abc import Callable
from pathlib import Path

MIB = 1024 * 1024

ROOM = 8 * 1024
"""MiB that a test may write to the share."""

# <sched.h> and <sys/mount.h>
_CLONE_NEWNS = 0x00020000
_MS_RDONLY = 1
_MS_REMOUNT = 32
_MS_BIND = 4096
_MS_REC = 16384
_MS_SLAVE = 1 << 19


@functools.cache
def refusal() -> str:
    """Why this process may not mount anything for itself; empty if it may."""
    try:
        alone(_mount_nothing)
    except OSError as error:
        return (
            f"this process may not have a mount namespace of its own "
            f"({error}): run it as root, or under 'unshare --map-root-user "
            f"--mount'"
        )
    return ""


def alone(call: Callable[[], None]) -> None:
    """Call something where what it mounts is seen by nobody else.

    :raises OSError: this process may not do that.
    :raises BaseException: whatever the call raises.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            _unshare()
            call()
        except BaseException as error:
            raised.append(error)

    # Linux gives it to the thread that asks, and to whom that starts.
    thread = threading.Thread(target=run, name="private mounts")
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


class PrivateMount:
    """A share in memory, in the place of a directory.

    :param path: the directory; what is in it is hidden.
    :raises OSError: nothing may be mounted here.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_read_only = False
        _mount("tmpfs", path, "tmpfs", 0, f"size={ROOM}m")

    def fill(self) -> None:
        """Leave no room for another page of data; names still fit."""
        found = os.statvfs(self._path)
        # A size of 0 would be no limit at all.
        used = max(1, found.f_blocks - found.f_bfree)
        self._resize(used * found.f_frsize)

    def make_read_only(self) -> None:
        """Have everything fail from now on that changes something.

        What is open for writing remains so: a guest's images are.
        """
        self._is_read_only = True
        # A file system is not made read-only while a file is written to;
        # mounted once more, on itself, it is.
        _mount(self._path, self._path, None, _MS_BIND)
        flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY
        _mount("none", self._path, None, flags)

    def mend(self) -> None:
        """Have it room again, and be written to."""
        if self._is_read_only:
            self._is_read_only = False
            _call("umount2", os.fsencode(self._path), 0)
        self._resize(ROOM * MIB)

    def _resize(self, size: int) -> None:
        _mount("tmpfs", self._path, "tmpfs", _MS_REMOUNT, f"size={size}")


def _mount_nothing() -> None:
    """See that ``mount`` itself is allowed as well."""
    _mount("none", Path("/"), None, _MS_REC | _MS_SLAVE)


def _unshare() -> None:
    _call("unshare", _CLONE_NEWNS)
    # What others mount is seen here, and nothing the other way round.
    _mount("none", Path("/"), None, _MS_REC | _MS_SLAVE)


def _mount(
    source: Path | str,
    target: Path,
    kind: str | None,
    flags: int,
    options: str | None = None,
) -> None:
    _call(
        "mount",
        os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None if options is None else options.encode(),
    )


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library's that returns 0 if it succeeds."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
