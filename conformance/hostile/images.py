# SPDX-License-Identifier: Apache-2.0
"""Images that are not what they were recorded as, or lie about themselves."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from typing import Any

from conformance.hostile import header
from conformance.hostile.header import Extension
from conformance.hostile.socket_files import bind
from conformance.hostile.surroundings import Images
from conformance.hostile.surroundings import MARKER
from conformance.hostile.surroundings import Put
from conformance.hostile.surroundings import Surroundings

MIB = 1024**2

DATA_FILE_BIT = 1 << 2
RAW_DATA_FILE_BIT = 1 << 1
"""Autoclear: the data file can be read as raw."""


def _header(*extensions: Extension, **changed: Any) -> Put:
    """An image whose header is right but for what is given."""

    def put(around: Surroundings) -> None:
        header.write(
            around.image,
            name=around.below.name.encode(),
            extensions=(
                header.backing_format(around.below_format),
                *extensions,
            ),
            **changed,
        )

    return put


def _data_file(template: str, **changed: Any) -> Put:
    def put(around: Surroundings) -> None:
        name = around.name(template).encode()
        _header((header.DATA_FILE, name), **changed)(around)

    return put


DATA_FILES: Images = {
    "outside": _data_file(
        f"{{outside}}/{MARKER}", incompatible_features=DATA_FILE_BIT
    ),
    "outside, as raw": _data_file(
        f"{{outside}}/{MARKER}",
        incompatible_features=DATA_FILE_BIT,
        autoclear_features=RAW_DATA_FILE_BIT,
    ),
    "outside, without the feature": _data_file(f"{{outside}}/{MARKER}"),
    "outside, as raw, without the feature": _data_file(
        f"{{outside}}/{MARKER}", autoclear_features=RAW_DATA_FILE_BIT
    ),
    "parent directory": _data_file(
        f"{{up}}/{MARKER}", incompatible_features=DATA_FILE_BIT
    ),
    "the image below": _data_file(
        "{below}", incompatible_features=DATA_FILE_BIT
    ),
    "the image itself": _data_file(
        "{own}", incompatible_features=DATA_FILE_BIT
    ),
    "json": _data_file(
        'json:{"driver":"nbd","server":'
        '{"type":"inet","host":"127.0.0.1","port":"{port}"}}',
        incompatible_features=DATA_FILE_BIT,
    ),
    "nbd": _data_file(
        "nbd://127.0.0.1:{port}/disk", incompatible_features=DATA_FILE_BIT
    ),
    "no name": _header(incompatible_features=DATA_FILE_BIT),
    "empty name": _data_file("", incompatible_features=DATA_FILE_BIT),
}
"""SEC-005: images whose data is in another file."""


def _content(content: bytes) -> Put:
    def put(around: Surroundings) -> None:
        named = content.replace(b"{marker}", bytes(around.outside / MARKER))
        around.image.write_bytes(named)

    return put


def _padded(start: bytes, size: int = MIB) -> Put:
    return _content(start.ljust(size, b"\0"))


def _qed(around: Surroundings) -> None:
    """A QED image whose backing file is the marker, which is raw."""
    name = bytes(around.outside / MARKER)
    start = struct.pack(
        "<4sIIIQQQQQII",
        b"QED\0",
        65536,
        4,
        1,
        1 | 4,
        0,
        0,
        65536,
        around.size,
        72,
        len(name),
    )
    around.image.write_bytes((start + name).ljust(8 * 65536, b"\0"))


def _qcow(around: Surroundings) -> None:
    """A qcow image, version 1, whose backing file is the marker."""
    name = bytes(around.outside / MARKER)
    start = struct.pack(
        ">4sIQIIQBBHIQ",
        b"QFI\xfb",
        1,
        48,
        len(name),
        0,
        around.size,
        12,
        9,
        0,
        0,
        4096,
    )
    around.image.write_bytes((start + name).ljust(MIB, b"\0"))


def _vpc(around: Surroundings) -> None:
    """A fixed VHD has its magic number at its end."""
    footer = struct.pack(">8sII", b"conectix", 2, 0x10000).ljust(512, b"\0")
    around.image.write_bytes(bytes(MIB) + footer)


OTHER_FORMATS: Images = {
    "VMDK descriptor": _content(
        b"# Disk DescriptorFile\nversion=1\nCID=fffffffe\n"
        b'parentCID=ffffffff\ncreateType="monolithicFlat"\n'
        b'RW 2 FLAT "{marker}" 0\n'
    ),
    "VMDK descriptor of a host's file": _content(
        b'# Disk DescriptorFile\nversion=1\nRW 2 FLAT "/etc/hostname" 0\n'
    ),
    "VMDK descriptor with a parent": _content(
        b"# Disk DescriptorFile\nversion=1\nCID=fffffffe\n"
        b'parentCID=fffffffe\nparentFileNameHint="{marker}"\n'
        b'createType="monolithicSparse"\nRW 2 SPARSE "{marker}"\n'
    ),
    "VMDK, sparse": _padded(b"KDMV" + struct.pack("<II", 1, 3)),
    "VMDK, COWD": _padded(b"COWD" + struct.pack("<II", 1, 3)),
    "VHDX": _padded(b"vhdxfile" + "QEMU".encode("utf-16-le")),
    "VHD, dynamic": _padded(b"conectix" + struct.pack(">II", 2, 0x10000)),
    "VHD, fixed": _vpc,
    "VDI": _padded(
        b"<<< QEMU VM Virtual Disk Image >>>\n".ljust(64, b"\0")
        + struct.pack("<II", 0xBEDA107F, 0x10001)
    ),
    "QED": _qed,
    "qcow version 1": _qcow,
    "LUKS": _padded(b"LUKS\xba\xbe" + struct.pack(">H", 1)),
    "LUKS 2": _padded(b"LUKS\xba\xbe" + struct.pack(">H", 2)),
    "Parallels": _padded(b"WithoutFreeSpace" + struct.pack("<I", 2)),
    "Parallels, extended": _padded(b"WithouFreSpacExt" + b"\2\0\0\0"),
    "Bochs": _padded(b"Bochs Virtual HD Image".ljust(32, b"\0")),
    "cloop": _padded(b"#!/bin/sh\n#V2.0 Format\n"),
    "DMG": _content(bytes(MIB) + b"koly" + bytes(508)),
    "ISO 9660": _content(bytes(32768) + b"\1CD001\1" + bytes(MIB)),
    "tar": _padded(b"disk.vmdk".ljust(257, b"\0") + b"ustar\x0000"),
    "gzip": _padded(b"\x1f\x8b\x08\0"),
    "shell script": _content(b"#!/bin/sh\ncat {marker}\n"),
    "text": _content(b"nothing of the kind\n"),
    "JSON": _content(b'{"driver": "raw", "file": "{marker}"}\n'),
    "zeros": _content(bytes(MIB)),
    "empty": _content(b""),
    "byte": _content(b"Q"),
    "magic alone": _content(b"QFI\xfb"),
    "magic in the wrong order": _padded(b"\xfbIFQ" + b"\0\0\0\3"),
    "magic behind a byte": _padded(b"\0QFI\xfb\0\0\0\3"),
    "qcow2 version 0": _header(version=0),
    "qcow2 version 4": _header(version=4),
    "qcow2 version beyond all": _header(version=2**32 - 1),
}
"""SEC-008: what was recorded as qcow2 and is something else."""

OPEN_OTHERS: Images = {
    name: OTHER_FORMATS[name]
    for name in (
        "VMDK descriptor",
        "VMDK descriptor with a parent",
        "QED",
        "qcow version 1",
        "shell script",
    )
}
"""Those of them that name a file outside."""

TOO_LARGE: Images = {
    "by a sector": lambda around: _larger(around, 512),
    "by a cluster": lambda around: _larger(around, 65536),
    "twice": lambda around: _larger(around, around.size),
    "a TiB": lambda around: _larger(around, 1024**4),
    "2 to 62": lambda around: _larger(around, 2**62),
}
"""SEC-009: images beyond the size of the volume."""


def _larger(around: Surroundings, by: int) -> None:
    """Its L1 table, at the end of the file, grows with it if it can."""
    size = around.size + by
    entries = min(-(-size >> 29), 2**17)
    offset = -(-around.image.stat().st_size >> 16) << 16
    with around.image.open("r+b") as file:
        file.truncate(offset + (-(-entries * 8 >> 16) << 16))
    _header(size=size, l1_size=entries, l1_table_offset=offset)(around)


UNKNOWN_FEATURES = (5, 6, 8, 15, 31, 32, 48, 62, 63)
"""Bits of the incompatible features that no version of QEMU has."""

FIELDS: Mapping[str, Mapping[str, Any]] = {
    "all features": {"incompatible_features": 2**64 - 1},
    "encrypted with LUKS, of which there is no header": {"crypt_method": 2},
    "encrypted by nobody knows what": {"crypt_method": 3},
    "clusters of 256 bytes": {"cluster_bits": 8},
    "clusters of a byte": {"cluster_bits": 0},
    "clusters of 4 MiB": {"cluster_bits": 22},
    "clusters of 2 to 63 bytes": {"cluster_bits": 63},
    "clusters beyond all": {"cluster_bits": 2**32 - 1},
    "header of no bytes": {"header_length": 0},
    "header too short": {"header_length": 96},
    "header unaligned": {"header_length": 105},
    "header longer than its cluster": {"header_length": 65544},
    "header of 4 GiB": {"header_length": 2**32 - 8},
    "reference counts too wide": {"refcount_order": 7},
    "reference counts beyond all": {"refcount_order": 2**32 - 1},
    "L1 table of nothing": {"l1_size": 0},
    "L1 table of 32 GiB": {"l1_size": 2**32 - 1},
    "L1 table unaligned": {"l1_table_offset": 0x30001},
    "L1 table at the end of all": {"l1_table_offset": 2**64 - 65536},
    "reference counts unaligned": {"refcount_table_offset": 1},
    "reference counts of 2 to 48": {"refcount_table_clusters": 2**32 - 1},
    "no reference counts": {"refcount_table_clusters": 0},
    "internal snapshots beyond all": {"nb_snapshots": 2**32 - 1},
    "name of 1024 bytes": {"backing_file_size": 1024},
    "name of 4 GiB": {"backing_file_size": 2**32 - 1},
    "name behind its cluster": {"backing_file_offset": 65530},
    "name behind the end": {"backing_file_offset": 2**63},
    "name at the end of all": {"backing_file_offset": 2**64 - 1},
    "compression that nobody knows": {
        "incompatible_features": 8,
        "compression_type": 255,
    },
}
"""Fields of a header, and values that make no sense."""


def _lying_extension(around: Surroundings) -> None:
    """Its length goes far beyond the header."""
    _header()(around)
    with around.image.open("r+b") as file:
        file.seek(112)
        file.write(struct.pack(">II", 0x12345678, 2**32 - 1))


def _cut_off(length: int) -> Put:
    def put(around: Surroundings) -> None:
        _header()(around)
        os.truncate(around.image, length)

    return put


LYING: Images = {
    **{
        f"incompatible feature {bit}": _header(incompatible_features=1 << bit)
        for bit in UNKNOWN_FEATURES
    },
    **{name: _header(**fields) for name, fields in FIELDS.items()},
    "second backing format": _header((header.BACKING_FORMAT, b"qcow2")),
    "LUKS header of what is not encrypted": _header(
        (header.LUKS_HEADER, bytes(16))
    ),
    "extension of 4 GiB": _lying_extension,
    "bitmaps of 1 TiB": _header(
        (header.BITMAPS, struct.pack(">IIQQ", 65535, 0, 2**40, 65536)),
        autoclear_features=1,
    ),
    **{
        f"cut off at {length}": _cut_off(length)
        for length in (5, 8, 71, 72, 100)
    },
}
"""SEC-014: headers that contradict themselves, and features of no one."""


SUSPECT: Images = {
    **{
        name: _header(**fields)
        for name, fields in {
            "marked corrupt": {"incompatible_features": 2},
            "encrypted with AES": {"crypt_method": 1},
            "L1 table longer than the file": {"l1_size": 2**21},
            "L1 table at the header": {"l1_table_offset": 0},
            "L1 table behind the end": {"l1_table_offset": 2**40},
            "reference counts behind the end": {
                "refcount_table_offset": 2**40
            },
            "name inside the header": {"backing_file_offset": 8},
            "name of no place": {"backing_file_offset": 0},
            "extended L2 entries": {"incompatible_features": 16},
            "raw data file of no name": {"autoclear_features": 2},
            "internal snapshots behind the end": {
                "nb_snapshots": 1,
                "snapshots_offset": 2**40,
            },
        }.items()
    },
    **{
        f"cut off at {length}": _cut_off(length)
        for length in (104, 111, 120, 4096, 65536)
    },
}
"""What QEMU makes something of and the kit's reader refuses.

No driver is judged by them: the contract does not say so much.
"""


def _link(template: str) -> Put:
    def put(around: Surroundings) -> None:
        around.image.unlink()
        around.image.symlink_to(around.name(template))

    return put


def _directory(around: Surroundings) -> None:
    around.image.unlink()
    around.image.mkdir()


def _socket(around: Surroundings) -> None:
    around.image.unlink()
    with socket.socket(socket.AF_UNIX) as bound:
        bind(bound, around.image)


NO_FILES: Images = {
    "link to a file outside": _link(f"{{outside}}/{MARKER}"),
    "link to a file outside, relative": _link(f"{{up}}/{MARKER}"),
    "link to a copy of the image": _link("{outside}/{own}"),
    "link to the image below": _link("{below}"),
    "link to another volume's image": _link("{another}"),
    "link to itself": _link("{own}"),
    "link to nothing": _link("{outside}/nothing"),
    "link to a directory": _link("{outside}"),
    "link to a device": _link("/dev/zero"),
    "link to a process' memory": _link("/proc/self/mem"),
    "directory": _directory,
    "socket": _socket,
}
"""SEC-004: what is no regular file, and whose opening does not wait."""
