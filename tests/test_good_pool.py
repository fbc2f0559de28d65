# SPDX-License-Identifier: Apache-2.0
"""The pool of extents of the driver that is not file-based."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.good.pool import EXTENT
from fakes.good.pool import Pool

SIZE = 8 * EXTENT


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    with path.open("wb") as file:
        file.truncate(SIZE)
    return path


def write(image: Path, number: int, letter: bytes) -> None:
    with image.open("r+b") as file:
        file.seek(number * EXTENT)
        file.write(letter * EXTENT)


def test_snapshot_keeps_what_is_written_over(
    tmp_path: Path, image: Path
) -> None:
    pool = Pool(tmp_path)
    write(image, 1, b"a")
    before = image.read_bytes()
    pool.freeze("one", image)
    write(image, 1, b"b")
    write(image, 7, b"c")
    pool.freeze("two", image)
    copy = tmp_path / "copy"
    pool.thaw("one", copy, SIZE)
    assert copy.read_bytes() == before
    pool.thaw("two", copy, SIZE)
    assert copy.read_bytes() == image.read_bytes()


def test_extent_that_did_not_change_is_stored_once(
    tmp_path: Path, image: Path
) -> None:
    pool = Pool(tmp_path)
    for number in range(3):
        write(image, number, b"%d" % number)
    pool.freeze("one", image)
    write(image, 0, b"x")
    pool.freeze("two", image)
    assert (tmp_path / "pool").stat().st_size == 4 * EXTENT


def test_room_of_a_forgotten_snapshot_is_used_again(
    tmp_path: Path, image: Path
) -> None:
    pool = Pool(tmp_path)
    write(image, 0, b"a")
    pool.freeze("one", image)
    pool.forget("one")
    pool.forget("one")
    assert not pool.has("one")
    write(image, 0, b"b")
    pool.freeze("two", image)
    assert (tmp_path / "pool").stat().st_size == EXTENT
    copy = tmp_path / "copy"
    pool.thaw("two", copy, SIZE)
    assert copy.read_bytes() == image.read_bytes()


def test_snapshot_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        Pool(tmp_path).thaw("none", tmp_path / "copy", SIZE)
