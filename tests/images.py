# SPDX-License-Identifier: Apache-2.0
"""Images made with the real qemu-img and qemu-io, and bent by hand."""

from __future__ import annotations

import random
import struct
import subprocess
from pathlib import Path

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

# Header fields: offset in the file and struct format.
FIELDS = {
    "magic": (0, ">4s"),
    "version": (4, ">I"),
    "backing_file_offset": (8, ">Q"),
    "backing_file_size": (16, ">I"),
    "cluster_bits": (20, ">I"),
    "size": (24, ">Q"),
    "crypt_method": (32, ">I"),
    "l1_size": (36, ">I"),
    "l1_table_offset": (40, ">Q"),
    "refcount_table_offset": (48, ">Q"),
    "refcount_table_clusters": (56, ">I"),
    "nb_snapshots": (60, ">I"),
    "incompatible_features": (72, ">Q"),
    "autoclear_features": (88, ">Q"),
    "refcount_order": (96, ">I"),
    "header_length": (100, ">I"),
    "compression_type": (104, ">B"),
}


def run(*command: str | Path) -> str:
    return subprocess.run(
        [str(word) for word in command],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def create(path: Path, size: int, **options: object) -> Path:
    """A qcow2 image; options are those of ``qemu-img create -o``."""
    given = ",".join(f"{name}={value}" for name, value in options.items())
    command = ["qemu-img", "create", "-q", "-f", "qcow2"]
    if given:
        command += ["-o", given]
    run(*command, path, str(size))
    return path


def create_raw(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def overlay(
    path: Path, backing: str, format: str, size: int, **options: object
) -> Path:
    """A qcow2 image over a file that need not exist yet."""
    command = ["qemu-img", "create", "-q", "-u", "-f", "qcow2"]
    for name, value in options.items():
        command += ["-o", f"{name}={value}"]
    run(*command, "-b", backing, "-F", format, path, str(size))
    return path


def qemu_io(path: Path, *commands: str, format: str = "qcow2") -> None:
    command = ["qemu-io", "-f", format]
    for text in commands:
        command += ["-c", text]
    run(*command, path)


def content(path: Path, format: str = "qcow2") -> bytes:
    """What qemu-img says the guest reads."""
    flat = path.with_name(path.name + ".flat")
    run("qemu-img", "convert", "-f", format, "-O", "raw", path, flat)
    try:
        return flat.read_bytes()
    finally:
        flat.unlink()


def scribble(
    path: Path, size: int, seed: int, format: str = "qcow2", count: int = 40
) -> None:
    """Write, zero and discard here and there, the same for a seed."""
    chance = random.Random(seed)
    verbs = ["write -P {p}"] * 3 + ["write -z", "write -z -u", "discard"]
    commands = []
    for _ in range(count):
        length = chance.choice([512, 4 * KIB, 64 * KIB, 200 * KIB])
        offset = chance.randrange(0, size - length, 512)
        verb = chance.choice(verbs).format(p=chance.randrange(1, 256))
        commands.append(f"{verb} {offset} {length}")
    qemu_io(path, *commands, format=format)


def put(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def set_field(path: Path, field: str, value: int | bytes) -> None:
    offset, form = FIELDS[field]
    put(path, offset, struct.pack(form, value))


def get_field(path: Path, field: str) -> int:
    offset, form = FIELDS[field]
    (value,) = struct.unpack_from(form, path.read_bytes(), offset)
    return int(value)


def set_entry(path: Path, table: int, index: int, entry: int) -> None:
    put(path, table + index * 8, struct.pack(">Q", entry))


def get_entry(path: Path, table: int, index: int) -> int:
    (entry,) = struct.unpack_from(">Q", path.read_bytes(), table + index * 8)
    return int(entry)


def l2_table(path: Path, index: int = 0) -> int:
    """Where the file has the L2 table of an L1 entry."""
    l1 = get_field(path, "l1_table_offset")
    return get_entry(path, l1, index) & 0x00FF_FFFF_FFFF_FE00
