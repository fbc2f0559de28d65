# SPDX-License-Identifier: Apache-2.0
"""One image's tables: the extents QEMU sees, and hostile entries."""

from __future__ import annotations

import json
import struct
import tracemalloc
from itertools import islice
from pathlib import Path

import pytest

from assisted_kit.qcow2 import Chain
from assisted_kit.qcow2 import DamagedImage
from assisted_kit.qcow2 import Extent
from assisted_kit.qcow2 import Kind
from assisted_kit.qcow2 import Layer
from assisted_kit.qcow2 import UnsupportedImage
from tests import images

CLUSTER = 65536
SIZE = 8 * images.MIB


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Data in clusters 0 and 1, zeros in 4, compressed data in 8."""
    path = images.create(tmp_path / "volume-1", SIZE)
    images.qemu_io(
        path,
        "write -P 1 0 128k",
        "write -z 256k 64k",
        "write -c -P 2 512k 64k",
    )
    return path


def extents(path: Path, format: str = "qcow2") -> list[Extent]:
    with Layer.open(path, format) as layer:
        return list(layer.extents())


def content(path: Path) -> bytes:
    with Chain.open(path.parent, path.name, "qcow2") as chain:
        return chain.read(0, chain.virtual_size)


def is_empty(path: Path, format: str = "qcow2") -> bool:
    with Layer.open(path, format) as layer:
        return layer.is_empty()


def test_extents_by_kind(image: Path) -> None:
    data, zero, packed = extents(image)
    assert data[:3] == (0, 2 * CLUSTER, Kind.DATA)
    assert data.offset is not None
    assert zero == (4 * CLUSTER, CLUSTER, Kind.ZERO, None, None)
    assert packed[:4] == (8 * CLUSTER, CLUSTER, Kind.DATA, None)
    assert packed.packed is not None


def test_extents_of_a_range_are_cut_to_it(image: Path) -> None:
    whole = extents(image)[0]
    assert whole.offset is not None
    with Layer.open(image, "qcow2") as layer:
        (part,) = layer.extents(1000, CLUSTER + 5)
        assert list(layer.extents(SIZE, SIZE + 1)) == []
        with pytest.raises(ValueError, match="-1"):
            layer.extents(-1)
    assert part.start == 1000
    assert part.end == CLUSTER + 5
    assert part.offset == whole.offset + 1000


def test_data_scattered_in_the_file_is_not_merged(tmp_path: Path) -> None:
    path = images.create(tmp_path / "volume-1", SIZE)
    images.qemu_io(path, "write 64k 64k", "write 0 64k")
    assert [extent.start for extent in extents(path)] == [0, CLUSTER]


@pytest.mark.parametrize("bits", [9, 12, 16, 21])
def test_extents_are_those_of_qemu_img_map(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "volume-1"
    images.create(path, SIZE, cluster_size=1 << bits)
    images.scribble(path, SIZE, seed=bits)
    listed = images.run(
        "qemu-img", "map", "-f", "qcow2", "--output=json", path
    )
    expected = [
        (row["start"], row["length"], row["data"], row.get("offset"))
        for row in json.loads(listed)
        if row["present"]
    ]
    found = [
        (extent.start, extent.length, extent.kind is Kind.DATA, extent.offset)
        for extent in extents(path)
    ]
    assert _joined(found) == _joined(expected)


def _joined(rows: list[tuple[int, int, bool, int | None]]) -> list[object]:
    """Rows cut into sectors, as offsets of zeros differ between the two."""
    return [
        (start + at, data, offset + at if data and offset is not None else 0)
        for start, length, data, offset in rows
        for at in range(0, length, 512)
    ]


LAYOUTS: dict[str, dict[str, object]] = {
    "version 3": {},
    "version 2": {"compat": "0.10"},
    "clusters of 512 bytes": {"cluster_size": 512},
    "clusters of 4 KiB": {"cluster_size": 4096},
    "clusters of 2 MiB": {"cluster_size": 2 * images.MIB},
    "metadata preallocated": {"preallocation": "metadata"},
    "lazy refcounts": {"lazy_refcounts": "on"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_content_is_that_of_qemu_img(tmp_path: Path, layout: str) -> None:
    path = images.create(tmp_path / "volume-1", SIZE, **LAYOUTS[layout])
    images.scribble(path, SIZE, seed=len(layout))
    assert content(path) == images.content(path)


@pytest.mark.parametrize("bits", [9, 12, 16, 21])
@pytest.mark.parametrize("compat", ["0.10", "1.1"])
def test_compressed_content(tmp_path: Path, bits: int, compat: str) -> None:
    source = images.create_raw(tmp_path / "source", SIZE)
    images.scribble(source, SIZE, seed=bits, format="raw")
    options = f"cluster_size={1 << bits},compat={compat}"
    path = tmp_path / "volume-1"
    images.run(
        *("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2"),
        *("-o", options, source, path),
    )
    assert any(extent.packed for extent in extents(path))
    assert content(path) == source.read_bytes()


def test_compressed_clusters_written_over(image: Path) -> None:
    images.scribble(image, SIZE, seed=7)
    assert content(image) == images.content(image)


def test_a_last_cluster_that_is_not_whole(tmp_path: Path) -> None:
    size = CLUSTER + 1536
    path = images.create(tmp_path / "volume-1", size)
    images.qemu_io(path, f"write -P 3 0 {size}")
    assert extents(path)[-1].end == size
    assert content(path) == b"\x03" * size


def test_a_cluster_that_the_file_holds_in_part(tmp_path: Path) -> None:
    path = images.create(tmp_path / "volume-1", CLUSTER)
    images.qemu_io(path, "write -P 3 0 64k")
    (data,) = extents(path)
    assert data.offset is not None
    with path.open("r+b") as file:
        file.truncate(data.offset + 100)
    assert content(path) == b"\x03" * 100 + bytes(CLUSTER - 100)
    with Chain.open(tmp_path, "volume-1", "qcow2") as chain:
        assert chain.read(4096, 512) == bytes(512)


def test_internal_snapshots_are_not_in_the_way(image: Path) -> None:
    images.run("qemu-img", "snapshot", "-c", "one", image)
    images.scribble(image, SIZE, seed=8)
    assert content(image) == images.content(image)


def test_a_shrunk_image(tmp_path: Path) -> None:
    path = images.create(tmp_path / "volume-1", 2 * images.GIB)
    images.qemu_io(path, "write -P 1 0 1M", "write -P 2 1G 1M")
    images.run("qemu-img", "resize", "-q", "--shrink", path, str(images.MIB))
    assert content(path) == b"\x01" * images.MIB


def test_is_empty(tmp_path: Path) -> None:
    path = images.create(tmp_path / "volume-1", images.GIB)
    assert is_empty(path)
    images.qemu_io(path, "write 1023M 512")
    assert not is_empty(path)
    images.qemu_io(path, "discard 0 1G")
    assert not is_empty(path)  # zeros that hide a backing file


def test_an_image_whose_tables_are_empty_is_empty(tmp_path: Path) -> None:
    path = images.create(tmp_path / "volume-1", images.GIB)
    images.qemu_io(path, "write 0 64k")
    images.set_entry(path, images.l2_table(path), 0, 0)
    assert is_empty(path)
    assert extents(path) == []


def test_a_bare_copied_bit_allocates_nothing(tmp_path: Path) -> None:
    path = images.create(tmp_path / "volume-1", SIZE)
    images.qemu_io(path, "write -P 1 0 64k")
    images.set_entry(path, images.l2_table(path), 0, 1 << 63)
    assert is_empty(path)
    assert content(path) == images.content(path) == bytes(SIZE)


@pytest.mark.parametrize("format", ["raw", "qcow2"])
def test_a_file_cut_off_while_open(image: Path, format: str) -> None:
    with Chain.open(image.parent, "volume-1", format) as chain:
        list(chain.extents())
        with image.open("r+b") as file:
            file.truncate(CLUSTER)
        with pytest.raises(DamagedImage, match=r"volume-1.*ends before"):
            chain.layers[0].load(
                Extent(0, 512, Kind.DATA, CLUSTER), memoryview(bytearray(512))
            )


def test_an_image_of_no_size(tmp_path: Path) -> None:
    path = images.create(tmp_path / "volume-1", 0)
    assert is_empty(path)
    assert content(path) == b""


def test_a_raw_file_holds_what_is_not_a_hole(tmp_path: Path) -> None:
    path = images.create_raw(tmp_path / "volume-1", images.GIB)
    assert is_empty(path, "raw")
    images.put(path, images.MIB, b"\x01" * CLUSTER)
    images.put(path, images.GIB - 4096, b"\x01" * 4096)
    assert extents(path, "raw") == [
        (images.MIB, CLUSTER, Kind.DATA, images.MIB, None),
        (images.GIB - 4096, 4096, Kind.DATA, images.GIB - 4096, None),
    ]
    with Layer.open(path, "raw") as layer:
        (part,) = layer.extents(images.MIB + 10, images.MIB + 20)
        assert part[:4] == (images.MIB + 10, 10, Kind.DATA, images.MIB + 10)


def test_a_qcow2_header_in_a_raw_volume_is_data(image: Path) -> None:
    with Layer.open(image, "raw") as layer:
        assert layer.header is None
        assert layer.virtual_size == image.stat().st_size


@pytest.mark.parametrize("format", ["vmdk", "", "QCOW2", "luks"])
def test_other_formats_are_refused(image: Path, format: str) -> None:
    with pytest.raises(UnsupportedImage, match=r"volume-1.*format"):
        Layer.open(image, format)


COPIED = 1 << 63
COMPRESSED = 1 << 62
BENT_L2 = {
    "unaligned": COPIED | 0x50200,
    "behind the file": COPIED | 1 << 40,
    "a reserved bit": COPIED | 0x50000 | 1 << 56,
    "a low reserved bit": COPIED | 0x50000 | 1 << 1,
    "zeros with an unaligned place": 0x50200 | 1,
    "compressed and copied": COPIED | COMPRESSED | 0x50000,
    "compressed behind the file": COMPRESSED | 1 << 40,
}


@pytest.mark.parametrize("case", BENT_L2)
def test_a_bent_l2_entry_is_refused(image: Path, case: str) -> None:
    images.set_entry(image, images.l2_table(image), 0, BENT_L2[case])
    message = f"volume-1.*{BENT_L2[case]:#018x} for guest byte 0"
    with pytest.raises(DamagedImage, match=message):
        extents(image)
    with pytest.raises(DamagedImage, match=message):
        content(image)


def test_version_2_has_no_zero_bit(tmp_path: Path) -> None:
    path = images.create(tmp_path / "volume-1", SIZE, compat="0.10")
    images.qemu_io(path, "write 0 64k")
    images.set_entry(path, images.l2_table(path), 0, 1)
    with pytest.raises(DamagedImage, match="0x0000000000000001"):
        extents(path)


BENT_L1 = {
    "unaligned": COPIED | 0x40200,
    "behind the file": COPIED | 1 << 40,
    "in part behind the file": COPIED | 0x70000,
    "a reserved bit": COPIED | 0x40000 | 1 << 62,
    "a low reserved bit": COPIED | 0x40000 | 1,
}


@pytest.mark.parametrize("case", BENT_L1)
def test_a_bent_l1_entry_is_refused(image: Path, case: str) -> None:
    table = images.get_field(image, "l1_table_offset")
    images.set_entry(image, table, 0, BENT_L1[case])
    with image.open("r+b") as file:
        file.truncate(0x78000)
    with pytest.raises(DamagedImage, match=r"volume-1.*L1 entry 0 is"):
        extents(image)


BENT_STREAMS = {
    "not deflate": b"\xff" * 64,
    "too short a content": b"\x03\x00",
    "endless without content": b"\x00\x00\x00\xff\xff" * 12,
}


@pytest.mark.parametrize("case", BENT_STREAMS)
def test_a_bent_compressed_cluster_is_refused(image: Path, case: str) -> None:
    packed = extents(image)[-1].packed
    assert packed is not None
    images.put(image, packed.offset, BENT_STREAMS[case])
    with pytest.raises(DamagedImage, match="compressed cluster"):
        content(image)


def test_tables_used_twice_are_refused(tmp_path: Path) -> None:
    """A file of 33 MiB that would claim 2 PiB of data."""
    path = images.create(tmp_path / "volume-1", SIZE)
    images.qemu_io(path, "write 0 64k")
    table = images.l2_table(path)
    with path.open("r+b") as file:
        file.seek(images.MIB)
        file.write(struct.pack(">Q", COPIED | table) * 2**22)
    images.set_field(path, "l1_table_offset", images.MIB)
    images.set_field(path, "l1_size", 2**22)
    images.set_field(path, "size", 2**51)
    with pytest.raises(DamagedImage, match="L1 entry 1 is"):
        extents(path)


def test_a_small_file_that_claims_much_takes_little(tmp_path: Path) -> None:
    """A file of 2 MiB that claims 8 GiB, all in the same cluster."""
    cluster = 256 * images.KIB
    size = 8 * images.GIB
    path = images.create(tmp_path / "volume-1", size, cluster_size=cluster)
    images.qemu_io(path, "write -P 1 0 256k")
    table = images.l2_table(path)
    entry = images.get_entry(path, table, 0)
    images.put(path, table, struct.pack(">Q", entry) * 2**15)
    tracemalloc.start()
    try:
        with Chain.open(tmp_path, "volume-1", "qcow2") as chain:
            assert sum(len(piece) for _, piece in islice(chain.data(), 100))
            assert chain.read(size - 512, 1024) == b"\x01" * 512
        assert tracemalloc.get_traced_memory()[1] < 2 * images.MIB
    finally:
        tracemalloc.stop()
