# SPDX-License-Identifier: Apache-2.0
"""Whatever is done to an image, reading it ends in content or ImageError."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from assisted_kit.qcow2 import Chain
from assisted_kit.qcow2 import Header
from assisted_kit.qcow2 import HeaderReader
from assisted_kit.qcow2 import ImageError
from assisted_kit.qcow2 import inspect
from assisted_kit.qcow2 import Layer
from tests import images

CLUSTER = 4096
SIZE = images.MIB


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An overlay with an entry of every kind, over a small raw image."""
    directory = tmp_path_factory.mktemp("share")
    base = images.create_raw(directory / "volume-1", SIZE)
    images.put(base, 0, b"base" * 1024)
    path = directory / "volume-1.aa"
    images.overlay(path, "volume-1", "raw", SIZE, cluster_size=CLUSTER)
    images.qemu_io(
        path,
        "write -P 1 0 8k",
        "write -c -P 2 16k 4k",
        "write -z 32k 8k",
        "write -P 3 600k 4k",
    )
    return directory


interesting = st.one_of(
    st.binary(min_size=1, max_size=16),
    st.sampled_from([0, 1, 2**9, 2**31, 2**62, 2**63, 2**64 - 1]).map(
        lambda number: number.to_bytes(8, "big")
    ),
)
places = st.one_of(
    st.tuples(st.just("header"), st.integers(0, 600)),
    st.tuples(st.just("L1"), st.integers(0, 16)),
    st.tuples(st.just("L2"), st.integers(0, 100)),
    st.tuples(st.just("header"), st.integers(0, 2**20)),
)
Patch = tuple[tuple[str, int], bytes]
ONES = b"\xff" * 8

CORPUS: dict[str, tuple[list[Patch], int | None]] = {
    "as it is": ([], None),
    "empty": ([], 0),
    "magic alone": ([], 4),
    "cut off in the header": ([], 103),
    "cut off behind the header": ([], CLUSTER),
    "clusters beyond all": ([(("header", 20), ONES[:4])], None),
    "size beyond all": ([(("header", 24), ONES)], None),
    "L1 table beyond all": ([(("header", 36), ONES[:4])], None),
    "L1 table at the header": ([(("header", 40), bytes(8))], None),
    "L1 entry of ones": ([(("L1", 0), ONES)], None),
    "L1 entry at the L1 table": ([(("L1", 0), b"\x80" + bytes(7))], None),
    "L1 entry unaligned": ([(("L1", 6), b"\2")], None),
    "L2 entry of ones": ([(("L2", 0), ONES)], None),
    "L2 entry beyond the end": ([(("L2", 0), b"\x80\xff")], None),
    "compressed beyond the end": ([(("L2", 32), b"\x7f" + ONES[1:])], None),
    "compressed rubbish": ([(("L2", 0), b"\x40" + bytes(7))], None),
    "zeros with an offset": ([(("L2", 7), b"\1")], None),
    "header extension beyond all": ([(("header", 116), ONES[:4])], None),
}
"""Damage that was thought of; what is found goes here."""


@settings(max_examples=400, deadline=None)
@given(
    patches=st.lists(st.tuples(places, interesting), max_size=4),
    length=st.one_of(st.none(), st.integers(0, 2**18)),
)
def test_nothing_but_an_image_error_comes_out(
    share: Path, patches: list[Patch], length: int | None
) -> None:
    read_all(bent(share, patches, length))


@pytest.mark.parametrize("case", CORPUS)
def test_the_same_of_what_was_thought_of(share: Path, case: str) -> None:
    read_all(bent(share, *CORPUS[case]))


@settings(max_examples=200, deadline=None)
@given(
    patches=st.lists(st.tuples(places, interesting), max_size=2),
    length=st.one_of(st.none(), st.integers(0, 2**13)),
)
def test_a_header_says_the_same_when_read_after_a_sound_one(
    share: Path, patches: list[Patch], length: int | None
) -> None:
    path = bent(share, patches, length)
    reader = HeaderReader()
    reader.read(share / "volume-1.aa")

    def read_on(image: Path) -> Header:
        header, backing_file = reader.read(image)
        return header._replace(backing_file=backing_file or None)

    assert said(read_on, path) == said(inspect, path)


def said(read: Callable[[Path], Header], path: Path) -> object:
    try:
        return read(path)
    except ImageError as error:
        return type(error)


def bent(share: Path, patches: list[Patch], length: int | None) -> Path:
    """A damaged copy of the overlay.

    :param length: at which it is cut off.
    """
    valid = share / "volume-1.aa"
    starts = {
        "header": 0,
        "L1": images.get_field(valid, "l1_table_offset"),
        "L2": images.l2_table(valid),
    }
    image = bytearray(valid.read_bytes())
    for (area, offset), patch in patches:
        start = (starts[area] + offset) % len(image)
        image[start : start + len(patch)] = patch
    path = share / "bent"
    path.write_bytes(image[:length])
    return path


def read_all(path: Path) -> None:
    try:
        with Layer.open(path, "qcow2") as layer:
            layer.is_empty()
            for _ in islice(layer.extents(), 1000):
                pass
        with Chain.open(path.parent, path.name, "qcow2") as chain:
            for offset, piece in islice(chain.data(), 100):
                assert chain.read(offset, len(piece)) == piece
            chain.read(max(0, chain.virtual_size - 512), 1024)
    except ImageError as error:
        assert repr(error.name) in str(error)


def test_the_image_is_valid_to_begin_with(share: Path) -> None:
    expected = images.content(share / "volume-1.aa")
    with Chain.open(share, "volume-1.aa", "qcow2") as chain:
        assert chain.read(0, SIZE) == expected
