# SPDX-License-Identifier: Apache-2.0
"""The header of a qcow2 image: read whole, checked before it is believed.

The layout is that of QEMU's docs/interop/qcow2.txt: 72 bytes of version 2,
32 more of version 3, header extensions, then the backing file's name, all
in the first cluster. Every number is big-endian.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO
from typing import Final
from typing import NamedTuple

from assisted_kit.qcow2.errors import DamagedImage
from assisted_kit.qcow2.errors import NotQcow2
from assisted_kit.qcow2.errors import UnsupportedImage
from assisted_kit.qcow2.luks import check_luks
from assisted_kit.qcow2.opening import open_descriptor
from assisted_kit.qcow2.opening import open_regular
from assisted_kit.qcow2.opening import read_up_to
from assisted_kit.qcow2.opening import size_of
from assisted_kit.qcow2.opening import StrPath

MAGIC: Final = b"QFI\xfb"

MIN_CLUSTER_BITS: Final = 9
MAX_CLUSTER_BITS: Final = 21
MAX_HEADER: Final = 64 * 1024
MAX_NAME: Final = 1023
MAX_FORMAT: Final = 15
MAX_L1_BYTES: Final = 32 * 1024 * 1024
MAX_REFCOUNT_TABLE_BYTES: Final = 8 * 1024 * 1024
MAX_SNAPSHOTS: Final = 65536
MAX_BITMAPS: Final = 65535
MAX_BITMAP_DIRECTORY: Final = MAX_BITMAPS * 1024
MAX_REFCOUNT_ORDER: Final = 6
SECTOR: Final = 512

DIRTY: Final = 1 << 0  # only the reference counts may be wrong
CORRUPT: Final = 1 << 1
_UNSUPPORTED_FEATURES: Final = {
    1 << 2: "an external data file",
    1 << 3: "a compression type of its own",
    1 << 4: "extended L2 entries",
}
_LUKS: Final = 2
_ENCRYPTION: Final = {1: "AES", _LUKS: "LUKS"}

_END_OF_EXTENSIONS: Final = 0x00000000
_BACKING_FORMAT: Final = 0xE2792ACA
_DATA_FILE: Final = 0x44415441
_LUKS_HEADER: Final = 0x0537BE77
_BITMAPS: Final = 0x23852875
_BITMAPS_ARE_GOOD: Final = 1 << 0
_DATA_FILE_IS_RAW: Final = 1 << 1

FIRST_READ: Final = 4096  # holds all of nearly every header
BACKING_NAME: Final = "backing file name"
_EXTENSION: Final = struct.Struct(">II")
_BITMAP_DIRECTORY: Final = struct.Struct(">IIQQ")
_CRYPT_METHOD: Final = struct.Struct(">32xI")


class Fields(NamedTuple):
    """The fields in the order of the file.

    Version 3 added the last five, whose defaults are version 2's.
    """

    magic: bytes
    version: int
    backing_file_offset: int
    backing_file_size: int
    cluster_bits: int
    size: int
    crypt_method: int
    l1_size: int
    l1_table_offset: int
    refcount_table_offset: int
    refcount_table_clusters: int
    nb_snapshots: int
    snapshots_offset: int
    incompatible_features: int = 0
    compatible_features: int = 0
    autoclear_features: int = 0
    refcount_order: int = 4
    header_length: int = 72

    @property
    def tables_end(self) -> int:
        """How long the file must be at least to hold the two tables."""
        return max(
            self.l1_table_offset + self.l1_size * 8,
            self.refcount_table_offset
            + (self.refcount_table_clusters << self.cluster_bits),
        )


_VERSION_2: Final = struct.Struct(">4sIQIIQIIQQIIQ")
_VERSION_3: Final = struct.Struct(f"{_VERSION_2.format}QQQII")


class Header(NamedTuple):
    """What a header says that matters to who reads the image.

    An image with a data file or an unknown feature has no Header: it is
    refused. So is one that is encrypted, unless LUKS was asked for.
    Internal snapshots are no obstacle.
    """

    version: int
    virtual_size: int  # bytes
    cluster_bits: int
    backing_file: str | None  # as it is written there, not resolved
    backing_format: str | None
    l1_size: int  # entries
    l1_table_offset: int
    incompatible_features: int
    header_length: int

    @property
    def cluster_size(self) -> int:
        """Bytes of one cluster, and of one L2 table."""
        return 1 << self.cluster_bits

    @property
    def l1_entries_used(self) -> int:
        """How many L1 entries the virtual size takes; the rest is unread."""
        return -(-self.virtual_size >> (2 * self.cluster_bits - 3))


def inspect(
    path: StrPath, *, dir_fd: int | None = None, luks: bool = False
) -> Header:
    """Read the header of a qcow2 file.

    :param dir_fd: the open directory that a relative path is in
    :param luks: it is to be encrypted with LUKS, and refused otherwise
    :raises ImageError: not a regular file, not qcow2, damaged, unsupported
    :raises OSError: the file cannot be opened or read
    """
    fd, status = open_descriptor(path, dir_fd=dir_fd)
    try:
        start = read_up_to(fd, FIRST_READ, 0)
        return parse(fd, start, status.st_size, str(path), luks=luks)[0]
    finally:
        os.close(fd)


def is_qcow2(path: StrPath) -> bool:
    """Whether the file begins as qcow2 does; nothing else is looked at.

    A raw image whose guest wrote a qcow2 header says yes, too: this must
    never decide what format an image has.
    """
    with open_regular(path) as file:
        return read_up_to(file.fileno(), len(MAGIC), 0) == MAGIC


def is_luks(path: StrPath) -> bool:
    """Whether the header of a qcow2 file says LUKS, and nothing more.

    To show what somebody has made. What an image is to be is recorded, and
    :func:`inspect` sees to it.
    """
    with open_regular(path) as file:
        start = read_up_to(file.fileno(), _CRYPT_METHOD.size, 0)
    if len(start) < _CRYPT_METHOD.size or not start.startswith(MAGIC):
        return False
    method: int = _CRYPT_METHOD.unpack(start)[0]
    return method == _LUKS


def read_header(file: BinaryIO, name: str, *, luks: bool = False) -> Header:
    """Read and check the header of an open file, at most 64 KiB of it.

    :param name: what messages call the file
    :param luks: it is to be encrypted with LUKS, and refused otherwise
    :raises NotQcow2: another magic, or a version other than 2 and 3
    :raises DamagedImage: what QEMU would refuse, or read in two ways
    :raises UnsupportedImage: an image that is well-formed but not for us
    """
    start = read_up_to(file.fileno(), FIRST_READ, 0)
    return parse(file.fileno(), start, size_of(file), name, luks=luks)[0]


def parse(
    fd: int, start: bytes, file_size: int, name: str, *, luks: bool = False
) -> tuple[Header, Fields]:
    """Check a header, given what the file begins with.

    :param start: its first :data:`FIRST_READ` bytes, fewer if it has fewer
    :param name: what messages call the file
    :param luks: it is to be encrypted with LUKS, and refused otherwise
    :raises ImageError: as :func:`read_header`
    """
    fields = _fields(start, name)
    _check_features(fields, start, name)
    _check_encryption(fields, name, luks)
    _check_sizes(fields, name)
    _check_tables(fields, file_size, name)
    area = _Area(fd, name, start, 1 << fields.cluster_bits)
    backing_format, luks_place = _extensions(fields, area, file_size)
    _check_luks_header(fields, luks_place, fd, file_size, name)
    header = Header(
        fields.version,
        fields.size,
        fields.cluster_bits,
        _backing_file(fields, area),
        backing_format,
        fields.l1_size,
        fields.l1_table_offset,
        fields.incompatible_features,
        fields.header_length,
    )
    if not fields.refcount_table_clusters:
        raise DamagedImage(name, "no refcount table")
    return header, fields


def _fields(start: bytes, name: str) -> Fields:
    if start[:4] != MAGIC:
        raise NotQcow2(name, f"begins with {start[:4]!r}, not {MAGIC!r}")
    layout = _VERSION_3 if start[4:8] == b"\0\0\0\3" else _VERSION_2
    if len(start) < layout.size:
        raise DamagedImage(name, f"ends inside its header, at {len(start)}")
    fields = Fields(*layout.unpack_from(start))
    if fields.version not in (2, 3):
        raise NotQcow2(name, f"version {fields.version} of qcow2")
    return fields


def _check_features(fields: Fields, start: bytes, name: str) -> None:
    features = fields.incompatible_features
    if features & CORRUPT:
        raise DamagedImage(name, f"marked corrupt, features {features:#x}")
    if features & ~DIRTY:
        for bit, what in _UNSUPPORTED_FEATURES.items():
            if features & bit:
                raise UnsupportedImage(name, f"{what}, features {features:#x}")
        raise UnsupportedImage(
            name, f"unknown incompatible features {features:#x}"
        )
    if fields.autoclear_features & _DATA_FILE_IS_RAW:
        raise UnsupportedImage(name, "data in an external raw file")
    if fields.header_length > 104 and start[104:105] not in (b"", b"\0"):
        raise UnsupportedImage(name, f"compression type {start[104]}")


def _check_encryption(fields: Fields, name: str, luks: bool) -> None:
    found = fields.crypt_method
    if found == (_LUKS if luks else 0):
        return
    if not found:
        raise UnsupportedImage(name, "not encrypted with LUKS")
    method = _ENCRYPTION.get(found, "unknown")
    raise UnsupportedImage(name, f"encrypted, method {found} ({method})")


def _check_sizes(fields: Fields, name: str) -> None:
    bits = fields.cluster_bits
    if not MIN_CLUSTER_BITS <= bits <= MAX_CLUSTER_BITS:
        raise DamagedImage(name, f"cluster_bits is {bits}, not 9 to 21")
    shortest = 72 if fields.version == 2 else 104
    length = fields.header_length
    if not shortest <= length <= 1 << bits or length % 8:
        raise DamagedImage(name, f"header length {length}")
    if fields.refcount_order > MAX_REFCOUNT_ORDER:
        raise DamagedImage(name, f"refcount_order {fields.refcount_order}")
    if fields.size % SECTOR or fields.size >> 63:
        raise DamagedImage(name, f"virtual size {fields.size}")


def _check_tables(fields: Fields, file_size: int, name: str) -> None:
    bits = fields.cluster_bits
    used = -(-fields.size >> (2 * bits - 3))
    if fields.l1_size < used:
        raise DamagedImage(
            name,
            f"l1_size {fields.l1_size} is too small for the virtual size"
            f" {fields.size}, which takes {used} entries",
        )
    tables = (
        ("L1", fields.l1_table_offset, fields.l1_size * 8, MAX_L1_BYTES),
        (
            "refcount",
            fields.refcount_table_offset,
            fields.refcount_table_clusters << bits,
            MAX_REFCOUNT_TABLE_BYTES,
        ),
    )
    for table, offset, length, limit in tables:
        if length > limit:
            raise DamagedImage(
                name, f"{table} table of {length} bytes, limit {limit}"
            )
        if offset % (1 << bits):
            raise DamagedImage(name, f"{table} table unaligned, at {offset}")
        if length and not 0 < offset <= file_size - length:
            raise DamagedImage(
                name,
                f"{table} table of {length} bytes at {offset} is not within"
                f" the {file_size} bytes of the file",
            )
    if fields.nb_snapshots:
        _check_snapshots(fields, file_size, name)


def _check_snapshots(fields: Fields, file_size: int, name: str) -> None:
    number, offset = fields.nb_snapshots, fields.snapshots_offset
    if number > MAX_SNAPSHOTS:
        raise DamagedImage(
            name, f"{number} internal snapshots, limit {MAX_SNAPSHOTS}"
        )
    if offset % (1 << fields.cluster_bits) or not 0 < offset < file_size:
        raise DamagedImage(
            name,
            f"table of internal snapshots at {offset}, in a file of"
            f" {file_size} bytes",
        )


def _check_bitmaps(content: bytes, file_size: int, name: str) -> None:
    """The directory of bitmaps, which QEMU reads when it opens the image."""
    if len(content) != _BITMAP_DIRECTORY.size:
        raise DamagedImage(name, f"bitmaps extension of {len(content)} bytes")
    number, _, size, offset = _BITMAP_DIRECTORY.unpack(content)
    if not 0 < number <= MAX_BITMAPS or size > MAX_BITMAP_DIRECTORY:
        raise DamagedImage(
            name, f"{number} bitmaps in a directory of {size} bytes"
        )
    if not 0 < offset <= file_size - size:
        raise DamagedImage(
            name,
            f"directory of bitmaps of {size} bytes at {offset} is not within"
            f" the {file_size} bytes of the file",
        )


class _Area:
    """The first cluster, as far as it may belong to the header.

    It is read further only if the first read did not hold all of it.
    """

    def __init__(
        self, fd: int, name: str, start: bytes, cluster_size: int
    ) -> None:
        self.name = name
        self.limit = min(cluster_size, MAX_HEADER)
        self._fd = fd
        self._bytes = start

    def cut(self, offset: int, length: int, what: str) -> bytes:
        """The *length* bytes at *offset*, which are *what* to a message."""
        end = offset + length
        if end > self.limit:
            raise DamagedImage(
                self.name,
                f"{what} of {length} bytes at {offset} is beyond the"
                f" header's limit of {self.limit}",
            )
        if end > len(self._bytes) >= FIRST_READ:
            self._bytes = read_up_to(self._fd, self.limit, 0)
        if end > len(self._bytes):
            raise DamagedImage(
                self.name, f"{what} at {offset} is beyond the file's end"
            )
        return self._bytes[offset:end]

    def text(self, offset: int, length: int, what: str) -> str:
        """The same as a name, which must be UTF-8 without a NUL."""
        return decoded(self.cut(offset, length, what), what, self.name)


def decoded(raw: bytes, what: str, image: StrPath) -> str:
    """A name in a header, which must be UTF-8 without a NUL.

    :raises DamagedImage: it is not
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise DamagedImage(os.fspath(image), f"{what} {raw!r}") from error
    if "\0" in text:
        raise DamagedImage(os.fspath(image), f"{what} with a NUL, {text!r}")
    return text


def _backing_file(fields: Fields, area: _Area) -> str | None:
    offset, length = fields.backing_file_offset, fields.backing_file_size
    if not offset and not length:
        return None
    if length > MAX_NAME:
        raise DamagedImage(area.name, f"backing file name of {length} bytes")
    if offset < fields.header_length:
        raise DamagedImage(
            area.name, f"backing file name at {offset}, inside the header"
        )
    return area.text(offset, length, BACKING_NAME) or None


def _extensions(
    fields: Fields, area: _Area, file_size: int
) -> tuple[str | None, bytes | None]:
    """What the header extensions say; they are all looked at.

    That is the backing format, and the place of the LUKS header.
    """
    format = luks = None
    offset = fields.header_length
    end = fields.backing_file_offset or 1 << fields.cluster_bits
    while offset < end:
        kind, length = _EXTENSION.unpack(
            area.cut(offset, _EXTENSION.size, "header extension")
        )
        if kind == _END_OF_EXTENSIONS:
            break
        offset += _EXTENSION.size
        if offset + length > end:
            raise DamagedImage(
                area.name,
                f"header extension {kind:#x} of {length} bytes at {offset}"
                f" goes beyond {end}",
            )
        if kind == _DATA_FILE:
            name = area.cut(offset, length, "data file name")
            raise UnsupportedImage(area.name, f"data file {name!r}")
        if kind == _BACKING_FORMAT:
            if format is not None:
                raise DamagedImage(area.name, "a second backing format")
            if length > MAX_FORMAT:
                raise DamagedImage(
                    area.name, f"backing format of {length} bytes"
                )
            format = area.text(offset, length, "backing format")
        if kind == _LUKS_HEADER:
            if luks is not None:
                raise DamagedImage(area.name, "a second LUKS header")
            luks = area.cut(offset, length, "place of the LUKS header")
        if kind == _BITMAPS and fields.autoclear_features & _BITMAPS_ARE_GOOD:
            bitmaps = area.cut(offset, length, "bitmaps extension")
            _check_bitmaps(bitmaps, file_size, area.name)
        offset += (length + 7) & ~7
    return format or None, luks


def _check_luks_header(
    fields: Fields, place: bytes | None, fd: int, file_size: int, name: str
) -> None:
    if fields.crypt_method == _LUKS:
        if place is None:
            raise DamagedImage(name, "encrypted, and without a LUKS header")
        check_luks(fd, place, file_size, 1 << fields.cluster_bits, name)
    elif place is not None:
        raise DamagedImage(name, "a LUKS header, and not encrypted with LUKS")
