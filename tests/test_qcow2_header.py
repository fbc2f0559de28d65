# SPDX-License-Identifier: Apache-2.0
"""Headers as QEMU writes them, and as an attacker would."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from assisted_kit.qcow2 import DamagedImage
from assisted_kit.qcow2 import ImageError
from assisted_kit.qcow2 import inspect
from assisted_kit.qcow2 import NotQcow2
from assisted_kit.qcow2 import UnsupportedImage
from tests import images

BACKING = "volume-1"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An overlay of 1 MiB over a raw file that does not exist."""
    path = tmp_path / "volume-1.aa"
    return images.overlay(path, BACKING, "raw", images.MIB)


def test_the_header_of_an_overlay(image: Path) -> None:
    header = inspect(image)
    assert header.version == 3
    assert header.virtual_size == images.MIB
    assert header.cluster_size == 65536
    assert header.backing_file == BACKING
    assert header.backing_format == "raw"
    assert header.incompatible_features == 0
    assert header.header_length == 112


def test_the_header_of_an_image_without_backing_file(tmp_path: Path) -> None:
    header = inspect(images.create(tmp_path / "volume-1", 0))
    assert header.virtual_size == 0
    assert header.backing_file is None
    assert header.backing_format is None


def test_version_2(tmp_path: Path) -> None:
    path = tmp_path / "volume-1.aa"
    images.overlay(path, BACKING, "qcow2", images.MIB, compat="0.10")
    header = inspect(path)
    assert (header.version, header.header_length) == (2, 72)
    assert (header.backing_file, header.backing_format) == (BACKING, "qcow2")


@pytest.mark.parametrize("bits", range(9, 22))
def test_every_cluster_size(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "volume-1"
    images.create(path, images.GIB, cluster_size=1 << bits)
    header = inspect(path)
    assert header.cluster_bits == bits
    assert header.l1_entries_used == header.l1_size


def test_the_longest_backing_file_name(tmp_path: Path) -> None:
    name = "v" * 1023
    path = images.overlay(tmp_path / "o", name, "raw", images.MIB)
    assert inspect(path).backing_file == name


def test_a_name_behind_the_first_read(image: Path) -> None:
    images.put(image, 112, struct.pack(">II", 0x12345678, 8000))
    images.put(image, 112 + 8008, bytes(8) + b"volume-2")
    images.set_field(image, "backing_file_offset", 112 + 8016)
    assert inspect(image).backing_file == "volume-2"


def test_an_image_not_closed_properly_is_read(tmp_path: Path) -> None:
    path = images.create(tmp_path / "volume-1", images.MIB)
    images.set_field(path, "incompatible_features", 1)
    assert inspect(path).incompatible_features == 1


def test_internal_snapshots_are_harmless(tmp_path: Path) -> None:
    path = images.create(tmp_path / "volume-1", images.MIB)
    images.run("qemu-img", "snapshot", "-c", "one", path)
    assert inspect(path).virtual_size == images.MIB


def test_a_backing_format_after_rebasing_to_nothing(image: Path) -> None:
    images.run("qemu-img", "rebase", "-u", "-b", "", image)
    assert inspect(image).backing_file is None


BENT: dict[str, tuple[str, int | bytes, type[ImageError], str]] = {
    "another magic": ("magic", b"QED\0", NotQcow2, "QED"),
    "qcow version 1": ("version", 1, NotQcow2, "version 1"),
    "version 4": ("version", 4, NotQcow2, "version 4"),
    "clusters too small": ("cluster_bits", 8, DamagedImage, "8"),
    "clusters too large": ("cluster_bits", 22, DamagedImage, "22"),
    "cluster bits absurd": ("cluster_bits", 2**32 - 1, DamagedImage, "4294"),
    "corrupt": ("incompatible_features", 2, DamagedImage, "corrupt"),
    "data file": ("incompatible_features", 4, UnsupportedImage, "data file"),
    "compression": ("incompatible_features", 8, UnsupportedImage, "compress"),
    "extended L2": ("incompatible_features", 16, UnsupportedImage, "extended"),
    "unknown": ("incompatible_features", 1 << 63, UnsupportedImage, "0x8000"),
    "compression type": ("compression_type", 1, UnsupportedImage, "type 1"),
    "AES": ("crypt_method", 1, UnsupportedImage, "AES"),
    "LUKS": ("crypt_method", 2, UnsupportedImage, "LUKS"),
    "unknown encryption": ("crypt_method", 3, UnsupportedImage, "method 3"),
    "header too short": ("header_length", 96, DamagedImage, "length 96"),
    "header unaligned": ("header_length", 113, DamagedImage, "length 113"),
    "header too long": ("header_length", 2**31, DamagedImage, "2147483648"),
    "refcounts too wide": ("refcount_order", 7, DamagedImage, "order 7"),
    "size not in sectors": ("size", 1000, DamagedImage, "size 1000"),
    "size negative": ("size", 2**64 - 512, DamagedImage, "size 184467"),
    "size beyond L1": ("size", 2**40, DamagedImage, "takes 2048 entries"),
    "L1 too small": ("l1_size", 0, DamagedImage, "l1_size 0"),
    "L1 beyond 32 MiB": ("l1_size", 2**22 + 1, DamagedImage, "limit 33554432"),
    "L1 longer than file": ("l1_size", 2**20, DamagedImage, "not within"),
    "L1 unaligned": ("l1_table_offset", 0x30008, DamagedImage, "unaligned"),
    "L1 over the header": ("l1_table_offset", 0, DamagedImage, "at 0"),
    "L1 behind the file": ("l1_table_offset", 2**32, DamagedImage, "within"),
    "L1 at the end of all": (
        "l1_table_offset",
        2**64 - 2**16,
        DamagedImage,
        "within",
    ),
    "refcounts elsewhere": (
        "refcount_table_offset",
        2**40,
        DamagedImage,
        "refcount",
    ),
    "refcounts endless": (
        "refcount_table_clusters",
        2**31,
        DamagedImage,
        "refcount",
    ),
    "no refcounts": (
        "refcount_table_clusters",
        0,
        DamagedImage,
        "no refcount table",
    ),
    "snapshots endless": ("nb_snapshots", 65537, DamagedImage, "limit 65536"),
    "snapshots nowhere": ("nb_snapshots", 1, DamagedImage, "snapshots at 0"),
    "raw data file": ("autoclear_features", 2, UnsupportedImage, "external"),
    "name too long": ("backing_file_size", 1024, DamagedImage, "1024"),
    "name endless": (
        "backing_file_size",
        2**32 - 1,
        DamagedImage,
        "4294967295",
    ),
    "name in the header": ("backing_file_offset", 100, DamagedImage, "inside"),
    "name without place": ("backing_file_offset", 0, DamagedImage, "inside"),
    "name behind the cluster": (
        "backing_file_offset",
        65530,
        DamagedImage,
        "beyond",
    ),
    "name behind everything": (
        "backing_file_offset",
        2**63,
        DamagedImage,
        "beyond",
    ),
}


@pytest.mark.parametrize("case", BENT)
def test_a_bent_field_is_refused(image: Path, case: str) -> None:
    field, value, error, message = BENT[case]
    images.set_field(image, field, value)
    with pytest.raises(error, match=message) as refusal:
        inspect(image)
    assert str(image) in str(refusal.value)


NAMES = {
    "with a NUL": b"volume\0\x31",
    "not UTF-8": b"volume\xff1",
}


@pytest.mark.parametrize("case", NAMES)
def test_a_bent_name_is_refused(image: Path, case: str) -> None:
    offset = images.get_field(image, "backing_file_offset")
    images.put(image, offset, NAMES[case])
    with pytest.raises(DamagedImage, match="backing file name"):
        inspect(image)


BACKING_FORMAT = 0xE2792ACA
EXTENSIONS: dict[str, tuple[bytes, type[ImageError], str]] = {
    "longer than the area": (
        struct.pack(">II", 0x12345678, 2**32 - 1),
        DamagedImage,
        "0x12345678 of 4294967295 bytes",
    ),
    "into the backing file's name": (
        struct.pack(">II", BACKING_FORMAT, 600),
        DamagedImage,
        "goes beyond",
    ),
    "a second backing format": (
        struct.pack(">II8s", BACKING_FORMAT, 3, b"raw") * 2,
        DamagedImage,
        "second",
    ),
    "a backing format too long": (
        struct.pack(">II16s", BACKING_FORMAT, 16, b"r" * 16),
        DamagedImage,
        "16 bytes",
    ),
    "an undecodable backing format": (
        struct.pack(">II8s", BACKING_FORMAT, 3, b"\xff\xfe\xfd"),
        DamagedImage,
        "backing format",
    ),
    "a data file without its feature bit": (
        struct.pack(">II16s", 0x44415441, 11, b"/etc/passwd"),
        UnsupportedImage,
        "/etc/passwd",
    ),
}


@pytest.mark.parametrize("case", EXTENSIONS)
def test_a_bent_extension_is_refused(image: Path, case: str) -> None:
    extension, error, message = EXTENSIONS[case]
    images.put(image, 112, extension)
    with pytest.raises(error, match=message):
        inspect(image)


@pytest.mark.parametrize("length", [4, 71, 72, 103, 104, 120, 300, 65536])
def test_a_truncated_header_is_refused(image: Path, length: int) -> None:
    image.write_bytes(image.read_bytes()[:length])
    with pytest.raises(DamagedImage):
        inspect(image)


def test_a_name_behind_the_end_of_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "volume-1"
    images.create(path, images.MIB, cluster_size=512)
    images.set_field(path, "size", 0)
    images.set_field(path, "l1_size", 0)
    images.set_field(path, "refcount_table_clusters", 0)
    images.set_field(path, "backing_file_offset", 500)
    images.set_field(path, "backing_file_size", 8)
    path.write_bytes(path.read_bytes()[:504])
    with pytest.raises(DamagedImage, match="at 500 is beyond the file's end"):
        inspect(path)


def test_an_external_data_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "volume-1"
    images.create(path, images.MIB, data_file=tmp_path / "secret")
    with pytest.raises(UnsupportedImage, match=r"volume-1.*data file"):
        inspect(path)


def test_zstd_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "volume-1"
    images.create(path, images.MIB, compression_type="zstd")
    with pytest.raises(UnsupportedImage, match="compression"):
        inspect(path)


def test_extended_l2_entries_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "volume-1"
    images.create(path, images.MIB, extended_l2="on")
    with pytest.raises(UnsupportedImage, match="extended L2"):
        inspect(path)
