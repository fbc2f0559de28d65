# SPDX-License-Identifier: Apache-2.0
"""Encrypted images: read where they are asked for, refused anywhere else."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from assisted_kit.qcow2 import Chain
from assisted_kit.qcow2 import DamagedImage
from assisted_kit.qcow2 import HeaderReader
from assisted_kit.qcow2 import ImageError
from assisted_kit.qcow2 import inspect
from assisted_kit.qcow2 import is_luks
from assisted_kit.qcow2 import Layer
from assisted_kit.qcow2 import UnsupportedImage
from tests import images
from tests import luks_images


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An encrypted overlay."""
    return luks_images.overlay(tmp_path / "volume-1.aa", "volume-1")


def test_an_encrypted_image_is_read_where_one_is_to_be(image: Path) -> None:
    header = inspect(image, luks=True)
    assert header.virtual_size == images.GIB
    assert header.backing_file == "volume-1"
    assert header.backing_format == "qcow2"
    assert is_luks(image)


READERS: dict[str, Callable[[Path], object]] = {
    "inspect": inspect,
    "HeaderReader": HeaderReader().read,
    "Layer": lambda path: Layer.open(path, "qcow2"),
    "Chain": lambda path: Chain.open(path.parent, path.name, "qcow2"),
}


@pytest.mark.parametrize("reader", READERS)
def test_it_is_refused_anywhere_else(image: Path, reader: str) -> None:
    with pytest.raises(UnsupportedImage, match="encrypted, method 2"):
        READERS[reader](image)


def test_a_plain_image_is_refused_where_it_is_to_be_encrypted(
    tmp_path: Path,
) -> None:
    path = images.create(tmp_path / "volume-1", images.MIB)
    assert not is_luks(path)
    with pytest.raises(UnsupportedImage, match="not encrypted with LUKS"):
        inspect(path, luks=True)
    with pytest.raises(UnsupportedImage, match="not encrypted with LUKS"):
        Layer.open(path, "qcow2", luks=True)
    with pytest.raises(UnsupportedImage, match="not LUKS"):
        Layer.open(path, "raw", luks=True)


@pytest.mark.parametrize("method", [1, 3])
def test_another_encryption_is_refused(image: Path, method: int) -> None:
    images.set_field(image, "crypt_method", method)
    assert not is_luks(image)
    with pytest.raises(UnsupportedImage, match=f"method {method}"):
        inspect(image, luks=True)


def test_a_luks_header_without_encryption_is_refused(image: Path) -> None:
    images.set_field(image, "crypt_method", 0)
    with pytest.raises(DamagedImage, match="and not encrypted with LUKS"):
        inspect(image)


def at_luks(offset: int, data: bytes) -> Callable[[Path], None]:
    """Changes the LUKS header."""
    return lambda path: images.put(
        path, luks_images.luks_header(path) + offset, data
    )


def extension(data: bytes) -> Callable[[Path], None]:
    """Changes the header extension that says where it is."""
    return lambda path: images.put(path, luks_images.extension(path), data)


BENT: dict[str, tuple[Callable[[Path], None], type[ImageError], str]] = {
    "no extension": (
        extension(struct.pack(">I", 0x12345678)),
        DamagedImage,
        "without a LUKS header",
    ),
    "an extension too short": (
        extension(struct.pack(">II8sII", 0x0537BE77, 8, b"", 0, 0)),
        DamagedImage,
        "8 bytes, not 16",
    ),
    "unaligned": (
        lambda path: luks_images.put_place(path, 0x40200, 4096),
        DamagedImage,
        "unaligned",
    ),
    "over the header": (
        lambda path: luks_images.put_place(path, 0, 4096),
        DamagedImage,
        "at 0",
    ),
    "too short": (
        lambda path: luks_images.put_place(path, 0x40000, 591),
        DamagedImage,
        "591 bytes",
    ),
    "behind the file": (
        lambda path: luks_images.put_place(path, 2**40, 4096),
        DamagedImage,
        "not within",
    ),
    "at the end of all": (
        lambda path: luks_images.put_place(path, 2**64 - 2**16, 2**16),
        DamagedImage,
        "not within",
    ),
    "another magic": (at_luks(0, b"SKUL"), DamagedImage, "begins with"),
    "LUKS2": (at_luks(6, b"\0\2"), UnsupportedImage, "version 2"),
    "a slot that takes hours": (
        at_luks(208 + 4, b"\xff" * 4),
        UnsupportedImage,
        "iterations",
    ),
    "a digest that takes hours": (
        at_luks(164, b"\xff" * 4),
        UnsupportedImage,
        "iterations",
    ),
    "a second slot that takes hours": (
        at_luks(208 + 48, struct.pack(">II", 0x00AC71F3, 2**32 - 1)),
        UnsupportedImage,
        "iterations",
    ),
}


@pytest.mark.parametrize("case", BENT)
def test_a_bent_luks_header_is_refused(image: Path, case: str) -> None:
    bend, error, message = BENT[case]
    bend(image)
    with pytest.raises(error, match=message) as refusal:
        inspect(image, luks=True)
    assert str(image) in str(refusal.value)


def test_a_second_luks_header_is_refused(tmp_path: Path) -> None:
    path = luks_images.create(tmp_path / "volume-1")
    at = luks_images.extension(path)
    images.put(path, at + 24, path.read_bytes()[at : at + 24])
    with pytest.raises(DamagedImage, match="a second LUKS header"):
        inspect(path, luks=True)


def test_slots_that_are_not_in_use_do_not_count(image: Path) -> None:
    at_luks(208 + 48 + 4, b"\xff" * 4)(image)
    assert inspect(image, luks=True).virtual_size == images.GIB


def test_what_is_allocated_is_told_and_no_content(tmp_path: Path) -> None:
    path = luks_images.create(tmp_path / "volume-1")
    with Layer.open(path, "qcow2", luks=True) as layer:
        assert layer.is_empty()
    luks_images.write([path], "write -P 7 1M 64k", luks_images.PASSPHRASE)
    with Layer.open(path, "qcow2", luks=True) as layer:
        (extent,) = layer.extents()
        assert (extent.start, extent.length) == (images.MIB, 64 * images.KIB)
        with pytest.raises(UnsupportedImage, match="not decrypted"):
            layer.load(extent, memoryview(bytearray(512)))
