# SPDX-License-Identifier: Apache-2.0
"""The LUKS header in a qcow2 image, as far as it matters before a key does.

QEMU's docs/interop/qcow2.txt says where it is, and the LUKS On-Disk Format
Specification 1.2.3 what is in it: 208 bytes and eight key slots of 48.
Every number is big-endian.  Whether a key fits, and that what a slot names
is within the header, is for QEMU to find out.
"""

from __future__ import annotations

import struct
from typing import Final

from assisted_kit.qcow2.errors import DamagedImage
from assisted_kit.qcow2.errors import UnsupportedImage
from assisted_kit.qcow2.opening import read_up_to

MAGIC: Final = b"LUKS\xba\xbe"
VERSION: Final = 1
MAX_ITERATIONS: Final = 100_000_000
"""Of all active key slots and of the digest together.

Every slot is tried with the key, so whoever writes a header decides how
long that takes.  QEMU makes slots that take two seconds, for which no
processor is fast enough to need as many.
"""

_PLACE: Final = struct.Struct(">QQ")
_HEADER: Final = struct.Struct(">6sH156xI40x")
_SLOT: Final = struct.Struct(">II40x")
_SLOTS: Final = 8
_ACTIVE: Final = 0x00AC71F3
_LENGTH: Final = _HEADER.size + _SLOTS * _SLOT.size


def check_luks(
    fd: int, place: bytes, file_size: int, cluster_size: int, name: str
) -> None:
    """Check the LUKS header of an open image.

    :param place: the header extension: its offset and its length in bytes
    :param name: what messages call the file
    :raises DamagedImage: what QEMU would refuse
    :raises UnsupportedImage: another version, or beyond the limit
    """
    if len(place) != _PLACE.size:
        raise DamagedImage(
            name, f"place of the LUKS header in {len(place)} bytes, not 16"
        )
    offset, length = _PLACE.unpack(place)
    if offset % cluster_size or not offset:
        raise DamagedImage(name, f"LUKS header unaligned, at {offset}")
    if length < _LENGTH or offset + length > file_size:
        raise DamagedImage(
            name,
            f"LUKS header of {length} bytes at {offset} is not within the"
            f" {file_size} bytes of the file",
        )
    _check_content(read_up_to(fd, _LENGTH, offset), name)


def _check_content(header: bytes, name: str) -> None:
    magic, version, iterations = _HEADER.unpack_from(header)
    if magic != MAGIC:
        raise DamagedImage(name, f"LUKS header begins with {magic!r}")
    if version != VERSION:
        raise UnsupportedImage(name, f"version {version} of LUKS")
    for active, needed in _SLOT.iter_unpack(header[_HEADER.size :]):
        if active == _ACTIVE:
            iterations += needed
    if iterations > MAX_ITERATIONS:
        raise UnsupportedImage(
            name, f"{iterations} iterations for a key, limit {MAX_ITERATIONS}"
        )
