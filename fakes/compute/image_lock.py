# SPDX-License-Identifier: Apache-2.0
"""The locks that QEMU takes on the images of a running guest.

QEMU locks bytes of the file itself with open file description locks, one
byte for each permission that it uses and one for each that it does not
grant to others; two users conflict where one uses what the other does not
grant.  With the same bytes locked a stray ``qemu-img commit`` fails as it
would against a real guest: ``Failed to get "write" lock``.
"""

from __future__ import annotations

import enum
import fcntl
import os
import struct
from dataclasses import dataclass

from fakes.compute.errors import HypervisorError

PERMISSION_BASE = 100
"""Byte of the first permission in use: RAW_LOCK_PERM_BASE."""

UNSHARED_BASE = 200
"""Byte of the first permission not granted: RAW_LOCK_SHARED_BASE."""


class Permission(enum.IntFlag):
    """QEMU's permissions on a block device; a bit is a byte's number."""

    NOTHING = 0
    CONSISTENT_READ = 1
    WRITE = 2
    WRITE_UNCHANGED = 4
    RESIZE = 8

    @property
    def label(self) -> str:
        """The permission as QEMU spells it in a message."""
        return (self.name or str(self)).lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class Use:
    """How an image is used, and what nobody else may do meanwhile."""

    uses: Permission
    denies: Permission


_READ = Permission.CONSISTENT_READ
_WRITE = Permission.WRITE
_RESIZE = Permission.RESIZE

UNUSED = Use(Permission.NOTHING, Permission.NOTHING)
ACTIVE_QCOW2 = Use(_READ | _WRITE | _RESIZE, _WRITE | _RESIZE)
# A virtio disk without share-rw lets others grow a raw file, not write it.
ACTIVE_RAW = Use(_READ | _WRITE, _WRITE)
ACTIVE_SHAREABLE = Use(_READ | _WRITE, Permission.NOTHING)
BACKING = Use(_READ, _WRITE | _RESIZE)
COMMIT_TARGET = ACTIVE_QCOW2
# While a commit runs, what is read through its target makes no sense.
ABOVE_COMMIT_TARGET = Use(_READ, _READ | _WRITE | _RESIZE)
ACTIVE_ABOVE_COMMIT_TARGET = Use(
    ACTIVE_QCOW2.uses, _READ | ACTIVE_QCOW2.denies
)

# struct flock: l_type, l_whence, l_start, l_len, l_pid.
_FLOCK = struct.Struct("hhqqi4x")


class ImageLock:
    """The locked bytes of one open image; they vanish when it is closed.

    :param descriptor: the file's, open for reading at least.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held: frozenset[int] = frozenset()

    def hold(self, use: Use) -> None:
        """Lock the bytes of ``use``, and no others any more.

        As in QEMU it is a reader's lock on each byte, which two users may
        hold: the conflict is found by :meth:`check`, or by the other one.
        """
        wanted = _bytes_of(use)
        for byte in wanted - self._held:
            self._set(fcntl.F_RDLCK, byte)
        for byte in self._held - wanted:
            self._set(fcntl.F_UNLCK, byte)
        self._held = wanted

    def check(self, use: Use) -> None:
        """Look whether others' locks admit ``use``.

        :raises HypervisorError: they don't, with QEMU's message.
        """
        for permission in Permission:
            if permission in use.uses and self._is_locked(
                UNSHARED_BASE, permission
            ):
                raise HypervisorError(
                    f'Failed to get "{permission.label}" lock'
                )
            if permission in use.denies and self._is_locked(
                PERMISSION_BASE, permission
            ):
                raise HypervisorError(
                    f'Failed to get shared "{permission.label}" lock'
                )

    def _is_locked(self, base: int, permission: Permission) -> bool:
        byte = base + permission.bit_length() - 1
        answer = fcntl.fcntl(
            self._descriptor,
            fcntl.F_OFD_GETLK,
            _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0),
        )
        kind: int = _FLOCK.unpack(answer)[0]
        return kind != fcntl.F_UNLCK

    def _set(self, kind: int, byte: int) -> None:
        fcntl.fcntl(
            self._descriptor,
            fcntl.F_OFD_SETLK,
            _FLOCK.pack(kind, os.SEEK_SET, byte, 1, 0),
        )


def _bytes_of(use: Use) -> frozenset[int]:
    return frozenset(
        base + permission.bit_length() - 1
        for base, permissions in (
            (PERMISSION_BASE, use.uses),
            (UNSHARED_BASE, use.denies),
        )
        for permission in Permission
        if permission in permissions
    )
