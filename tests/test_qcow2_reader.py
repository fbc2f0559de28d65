# SPDX-License-Identifier: Apache-2.0
"""Headers read one after another say what each says when read alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assisted_kit.qcow2 import Header
from assisted_kit.qcow2 import HeaderReader
from assisted_kit.qcow2 import ImageError
from assisted_kit.qcow2 import inspect
from tests import images


def overlay(directory: Path, number: int, **options: object) -> Path:
    name = f"volume-1.{number:02}"
    backing = f"volume-1.{number + 1:02}"
    return images.overlay(
        directory / name, backing, "qcow2", images.MIB, **options
    )


def reading() -> Callable[[Path], Header]:
    """What reads one header after another."""
    reader = HeaderReader()

    def read(path: Path) -> Header:
        header, backing_file = reader.read(path)
        return header._replace(backing_file=backing_file)

    return read


def says(read: Callable[[Path], object], path: Path) -> object:
    try:
        return read(path)
    except ImageError as error:
        return type(error), str(error)


def test_alike_and_unlike(tmp_path: Path) -> None:
    read = reading()
    paths = [
        overlay(tmp_path, 1),
        overlay(tmp_path, 2),
        overlay(tmp_path, 3, cluster_size=4096),
        images.overlay(tmp_path / "4", "volume-1", "raw", images.MIB),
        images.create(tmp_path / "5", 2 * images.MIB),
        overlay(tmp_path, 6, compat="0.10"),
        overlay(tmp_path, 7),
        overlay(tmp_path, 8),
    ]
    for path in paths:
        assert read(path) == inspect(path)


@pytest.mark.parametrize("at", range(0, 544, 4))
def test_any_damage_is_found_after_a_sound_one(
    tmp_path: Path, at: int
) -> None:
    read = reading()
    read(overlay(tmp_path, 1))
    damaged = overlay(tmp_path, 2)
    images.put(damaged, at, b"\x00\xff\xff\x00")
    assert says(read, damaged) == says(inspect, damaged)


@pytest.mark.parametrize("length", [0, 100, 530, 4096, 65536, 196608])
def test_a_file_that_ends_early_is_found(tmp_path: Path, length: int) -> None:
    read = reading()
    read(overlay(tmp_path, 1))
    cut = overlay(tmp_path, 2)
    os.truncate(cut, length)
    assert says(read, cut) == says(inspect, cut)


def test_alike_is_the_very_same(tmp_path: Path) -> None:
    reader = HeaderReader()
    first, name = reader.read(overlay(tmp_path, 1))
    second, another = reader.read(overlay(tmp_path, 2))
    assert second is first
    assert (name, another) == ("volume-1.02", "volume-1.03")
    third, _ = reader.read(overlay(tmp_path, 3, cluster_size=4096))
    assert third is not first
