# SPDX-License-Identifier: Apache-2.0
"""Backing chains: content as QEMU reads it, and names that lead astray."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from assisted_kit.qcow2 import Chain
from assisted_kit.qcow2 import DamagedImage
from assisted_kit.qcow2 import ForeignBackingFile
from assisted_kit.qcow2 import NotRegular
from assisted_kit.qcow2 import UnsupportedImage
from tests import images

SIZE = 4 * images.MIB


def make_chain(directory: Path, *formats: str) -> tuple[str, ...]:
    """Scribbled-on images over each other; names, newest first."""
    names: list[str] = []
    for number, format in enumerate(formats):
        path = directory / f"volume-{number}"
        if names:
            images.overlay(path, names[0], formats[number - 1], SIZE)
        elif format == "raw":
            images.create_raw(path, SIZE)
        else:
            images.create(path, SIZE)
        images.scribble(path, SIZE, seed=number, format=format, count=15)
        names.insert(0, path.name)
    return tuple(names)


def check_content(directory: Path, name: str) -> None:
    """All ways to read a chain agree with QEMU."""
    expected = images.content(directory / name)
    chance = random.Random(name)
    with Chain.open(directory, name, "qcow2") as chain:
        size = chain.virtual_size
        assert chain.read(0, size) == expected
        for _ in range(50):
            offset = chance.randrange(size)
            length = chance.randrange(200_000)
            part = expected[offset : offset + length]
            assert chain.read(offset, length) == part
        by_extents = bytearray(size)
        end = 0
        for extent in chain.extents():
            assert end <= extent.start < extent.end <= size
            end = extent.end
            part = chain.read(extent.start, extent.length)
            by_extents[extent.start : extent.end] = part
        assert by_extents == expected
        by_pieces = bytearray(size)
        for offset, piece in chain.data():
            assert any(piece)
            by_pieces[offset : offset + len(piece)] = piece
        assert by_pieces == expected


@pytest.mark.parametrize("base", ["raw", "qcow2"])
@pytest.mark.parametrize("overlays", [0, 1, 4])
def test_content_is_that_of_qemu_img(
    tmp_path: Path, base: str, overlays: int
) -> None:
    names = make_chain(tmp_path, base, *["qcow2"] * (overlays + 1))
    with Chain.open(tmp_path, names[0], "qcow2") as chain:
        assert chain.names() == names
        assert [layer.name for layer in chain.layers] == list(names)
        assert chain.layers[-1].format == base
    check_content(tmp_path, names[0])


def test_layers_with_different_clusters(tmp_path: Path) -> None:
    images.create(tmp_path / "a", SIZE, cluster_size=512)
    images.overlay(
        tmp_path / "b", "a", "qcow2", SIZE, cluster_size=2 * images.MIB
    )
    images.overlay(tmp_path / "c", "b", "qcow2", SIZE, compat="0.10")
    images.overlay(tmp_path / "d", "c", "qcow2", SIZE, cluster_size=4096)
    for seed, name in enumerate("abcd"):
        images.scribble(tmp_path / name, SIZE, seed=seed, count=8)
    check_content(tmp_path, "d")


def test_a_compressed_backing_file(tmp_path: Path) -> None:
    make_chain(tmp_path, "raw")
    images.run(
        *("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2"),
        *("-o", "cluster_size=1M", tmp_path / "volume-0", tmp_path / "a"),
    )
    images.overlay(tmp_path / "b", "a", "qcow2", SIZE)
    images.scribble(tmp_path / "b", SIZE, seed=3, count=5)
    check_content(tmp_path, "b")


@pytest.mark.parametrize("base", ["raw", "qcow2"])
def test_an_overlay_larger_than_its_backing_file(
    tmp_path: Path, base: str
) -> None:
    (name,) = make_chain(tmp_path, base)
    images.overlay(tmp_path / "o", name, base, SIZE + 1536)
    images.qemu_io(tmp_path / "o", f"write -P 9 {SIZE - 512} 1k")
    check_content(tmp_path, "o")


def test_nothing_shows_through_beyond_a_shorter_image(tmp_path: Path) -> None:
    """The middle one ends early: what is under it is not seen there."""
    images.create(tmp_path / "a", SIZE)
    images.qemu_io(tmp_path / "a", "write -P 1 0 4M")
    images.overlay(tmp_path / "b", "a", "qcow2", images.MIB)
    images.overlay(tmp_path / "c", "b", "qcow2", SIZE)
    check_content(tmp_path, "c")
    with Chain.open(tmp_path, "c", "qcow2") as chain:
        assert list(chain.extents()) == [(0, images.MIB, 2)]


def test_zeros_hide_data_below(tmp_path: Path) -> None:
    images.create(tmp_path / "a", SIZE)
    images.qemu_io(tmp_path / "a", "write -P 1 0 1M")
    images.overlay(tmp_path / "b", "a", "qcow2", SIZE)
    images.qemu_io(tmp_path / "b", "write -z 256k 256k", "write -P 2 128k 64k")
    with Chain.open(tmp_path, "b", "qcow2") as chain:
        assert list(chain.extents()) == [
            (0, 128 * 1024, 1),
            (128 * 1024, 64 * 1024, 0),
            (192 * 1024, 64 * 1024, 1),
            (512 * 1024, 512 * 1024, 1),
        ]


def test_pieces_do_not_tell_how_the_layers_are(tmp_path: Path) -> None:
    names = make_chain(tmp_path, "raw", "qcow2", "qcow2")
    flat = tmp_path / "flat"
    flat.write_bytes(images.content(tmp_path / names[0]))
    with (
        Chain.open(tmp_path, names[0], "qcow2") as chain,
        Chain.open(tmp_path, "flat", "raw") as copy,
    ):
        assert list(chain.data()) == list(copy.data())


def test_reading_ends_with_the_disk(tmp_path: Path) -> None:
    make_chain(tmp_path, "qcow2")
    with Chain.open(tmp_path, "volume-0", "qcow2") as chain:
        assert len(chain.read(SIZE - 10, 100)) == 10
        assert chain.read(SIZE, 1) == b""
        assert chain.read(2**70, 1) == b""
        assert chain.read(0, 0) == b""
        with pytest.raises(ValueError, match="-1"):
            chain.read(-1, 1)


def test_a_deep_chain(tmp_path: Path) -> None:
    """Deeper than Python's own stack would let us go naively."""
    images.create_raw(tmp_path / "v0", SIZE)
    images.put(tmp_path / "v0", 1000, b"base")
    images.overlay(tmp_path / "v1", "v0", "raw", SIZE)
    images.overlay(tmp_path / "v2", "v000", "qcow2", SIZE)
    template = (tmp_path / "v2").read_bytes()
    depth = 300
    for number in range(2, depth):
        name = f"v{number - 1:03}".encode()
        if number == 2:
            (tmp_path / "v001").write_bytes((tmp_path / "v1").read_bytes())
        image = template.replace(b"v000", name)
        (tmp_path / f"v{number:03}").write_bytes(image)
    with Chain.open(tmp_path, f"v{depth - 1:03}", "qcow2") as chain:
        assert len(chain.layers) == depth
        assert chain.read(1000, 4) == b"base"
    with pytest.raises(UnsupportedImage, match="more than 299 images"):
        Chain.open(tmp_path, f"v{depth - 1:03}", "qcow2", max_depth=depth - 1)


FOREIGN = (
    "/etc/passwd",
    "../volume-0",
    "sub/volume-0",
    "./volume-0",
    ".",
    "..",
    "volume-0\n",
    "volume-0 \x7f",
    'json:{"driver":"file","filename":"/etc/passwd"}',
    "nbd://127.0.0.1/x",
    "file:volume-0",
    "v" * 256,
    "/",
    "//volume-0",
)


def _rename_backing(path: Path, name: str) -> None:
    """Header field and name, as qemu-img refuses to write some of them."""
    raw = name.encode()
    offset = images.get_field(path, "backing_file_offset")
    images.put(path, offset, raw)
    images.set_field(path, "backing_file_size", len(raw))


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_backing_file_is_refused(tmp_path: Path, name: str) -> None:
    images.create_raw(tmp_path / "volume-0", SIZE)
    images.overlay(tmp_path / "volume-1", "volume-0", "raw", SIZE)
    _rename_backing(tmp_path / "volume-1", name)
    with pytest.raises(ForeignBackingFile) as refusal:
        Chain.open(tmp_path, "volume-1", "qcow2")
    assert refusal.value.name == "volume-1"
    assert repr(name) in str(refusal.value)


@pytest.mark.parametrize("name", ["", *FOREIGN])
def test_the_active_image_is_named_barely_too(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ForeignBackingFile):
        Chain.open(tmp_path, name, "raw")


def test_an_absolute_name_in_the_directory_is_bare(tmp_path: Path) -> None:
    images.create_raw(tmp_path / "volume-0", SIZE)
    backing = str(tmp_path / "volume-0")
    images.overlay(tmp_path / "volume-1", backing, "raw", SIZE)
    with Chain.open(tmp_path, "volume-1", "qcow2") as chain:
        assert chain.names() == ("volume-1", "volume-0")


def test_a_backing_file_behind_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "volume-0").symlink_to("/etc/passwd")
    images.overlay(tmp_path / "volume-1", "volume-0", "raw", SIZE)
    with pytest.raises(NotRegular, match=r"volume-0.*symbolic link"):
        Chain.open(tmp_path, "volume-1", "qcow2")


def test_a_backing_file_that_is_a_fifo_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "volume-0")
    images.overlay(tmp_path / "volume-1", "volume-0", "raw", SIZE)
    with pytest.raises(NotRegular, match=r"volume-0.*FIFO"):
        Chain.open(tmp_path, "volume-1", "qcow2")


def test_a_missing_backing_file_is_damage(tmp_path: Path) -> None:
    images.overlay(tmp_path / "volume-1", "volume-0", "raw", SIZE)
    with pytest.raises(DamagedImage, match=r"volume-1.*volume-0"):
        Chain.open(tmp_path, "volume-1", "qcow2")


def test_a_missing_active_image_is_the_callers_trouble(
    tmp_path: Path,
) -> None:
    with pytest.raises(FileNotFoundError):
        Chain.open(tmp_path, "volume-1", "qcow2")


@pytest.mark.parametrize("format", ["vmdk", "luks", "file"])
def test_another_backing_format_is_refused(
    tmp_path: Path, format: str
) -> None:
    images.create_raw(tmp_path / "volume-0", SIZE)
    images.overlay(tmp_path / "volume-1", "volume-0", "qcow2", SIZE)
    path = tmp_path / "volume-1"
    bent = path.read_bytes().replace(
        b"\0\0\0\x05qcow2\0\0\0",
        b"\0\0\0" + bytes([len(format)]) + format.encode().ljust(8, b"\0"),
    )
    path.write_bytes(bent)
    with pytest.raises(UnsupportedImage, match=format):
        Chain.open(tmp_path, "volume-1", "qcow2")


def test_a_missing_backing_format_is_refused(tmp_path: Path) -> None:
    images.create_raw(tmp_path / "volume-0", SIZE)
    images.overlay(tmp_path / "volume-1", "volume-0", "raw", SIZE)
    path = tmp_path / "volume-1"
    images.put(path, 112, b"\x12\x34\x56\x78")
    with pytest.raises(UnsupportedImage, match="no format recorded"):
        Chain.open(tmp_path, "volume-1", "qcow2")


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_loop_is_refused(tmp_path: Path, length: int) -> None:
    for number in range(length):
        below = f"v{(number + 1) % length}"
        images.overlay(tmp_path / f"v{number}", below, "qcow2", SIZE)
    with pytest.raises(DamagedImage, match="loop by 'v0'"):
        Chain.open(tmp_path, "v0", "qcow2")


def test_a_loop_through_another_link_of_the_file(tmp_path: Path) -> None:
    images.overlay(tmp_path / "v0", "v1", "qcow2", SIZE)
    (tmp_path / "v1").hardlink_to(tmp_path / "v0")
    with pytest.raises(DamagedImage, match="loop"):
        Chain.open(tmp_path, "v0", "qcow2")


def test_an_image_beyond_the_allowed_size(tmp_path: Path) -> None:
    images.create(tmp_path / "volume-0", SIZE + 512)
    images.overlay(tmp_path / "volume-1", "volume-0", "qcow2", SIZE)
    with pytest.raises(UnsupportedImage, match=r"volume-0.*4194816"):
        Chain.open(tmp_path, "volume-1", "qcow2", max_size=SIZE)
    Chain.open(tmp_path, "volume-0", "qcow2", max_size=SIZE + 512).close()


def test_the_tables_of_a_chain_are_limited_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = make_chain(tmp_path, "raw", "qcow2", "qcow2")
    monkeypatch.setattr("assisted_kit.qcow2.chain.MAX_L1_BYTES", 15)
    with pytest.raises(UnsupportedImage, match="L1 tables of 16 bytes"):
        Chain.open(tmp_path, names[0], "qcow2")


def test_a_raw_image_backs_on_nothing(tmp_path: Path) -> None:
    """A guest may write whatever header it likes."""
    images.overlay(tmp_path / "volume-0", "/etc/passwd", "raw", SIZE)
    with Chain.open(tmp_path, "volume-0", "raw") as chain:
        assert chain.names() == ("volume-0",)
        assert chain.read(0, 4) == b"QFI\xfb"


def test_closing_closes_every_file(tmp_path: Path) -> None:
    names = make_chain(tmp_path, "raw", "qcow2", "qcow2")
    before = os.listdir("/proc/self/fd")
    with Chain.open(tmp_path, names[0], "qcow2"):
        assert len(os.listdir("/proc/self/fd")) == len(before) + 3
    assert os.listdir("/proc/self/fd") == before
