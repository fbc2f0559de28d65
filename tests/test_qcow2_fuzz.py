# SPDX-License-Identifier: Apache-2.0
"""Whatever is done to an image, reading it ends in content or ImageError."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from assisted_kit.qcow2 import Chain
from assisted_kit.qcow2 import ImageError
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


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_nothing_but_an_image_error_comes_out(
    share: Path, data: st.DataObject
) -> None:
    valid = (share / "volume-1.aa").read_bytes()
    l1 = images.get_field(share / "volume-1.aa", "l1_table_offset")
    l2 = images.l2_table(share / "volume-1.aa")
    place = st.one_of(
        st.integers(0, 600),
        st.integers(l1, l1 + 16),
        st.integers(l2, l2 + 100),
        st.integers(0, len(valid) - 1),
    )
    image = bytearray(valid)
    for offset, patch in data.draw(
        st.lists(st.tuples(place, interesting), max_size=4)
    ):
        image[offset : offset + len(patch)] = patch
    length = data.draw(
        st.one_of(st.just(len(image)), st.integers(0, len(image)))
    )
    path = share / "bent"
    path.write_bytes(image[:length])
    read_all(path)


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
