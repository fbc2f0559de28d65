# SPDX-License-Identifier: Apache-2.0
"""Preallocated images: clusters that are there, and hold nothing yet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assisted_kit.qcow2 import Chain
from assisted_kit.qcow2 import DamagedImage
from assisted_kit.qcow2 import Layer
from assisted_kit.qcow2.extent import Extent
from tests import images

SIZE = 4 * images.MIB
PIECE = 64 * images.KIB


def preallocated(path: Path, size: int = SIZE) -> Path:
    """A base image as Cinder's NFS driver makes it."""
    return images.create(path, size, preallocation="metadata")


def pieces(path: Path) -> dict[int, bytes]:
    with Chain.open(path.parent, path.name, "qcow2") as chain:
        return dict(chain.data())


def place_of_data(path: Path) -> int:
    """Where the first cluster with data is in the file."""
    with Layer.open(path, "qcow2") as layer:
        offset = next(layer.extents()).offset
    assert offset is not None
    return offset


def test_an_empty_one_has_no_data(tmp_path: Path) -> None:
    assert pieces(preallocated(tmp_path / "volume")) == {}


def test_what_was_written_is_found(tmp_path: Path) -> None:
    path = preallocated(tmp_path / "volume")
    images.qemu_io(path, "write -P 7 1M 64k", "write -P 8 3145728 4k")
    assert pieces(path) == {
        images.MIB: bytes([7]) * PIECE,
        3 * images.MIB: (bytes([8]) * 4096).ljust(PIECE, b"\0"),
    }


def test_its_zeros_hide_what_is_below(tmp_path: Path) -> None:
    base = images.create(tmp_path / "volume", SIZE)
    images.qemu_io(base, "write -P 7 0 128k")
    overlay = images.overlay(tmp_path / "volume.1", "volume", "qcow2", SIZE)
    images.qemu_io(overlay, "write -P 9 0 64k")
    size = overlay.stat().st_size
    os.truncate(overlay, place_of_data(overlay))
    os.truncate(overlay, size)
    assert pieces(overlay) == {PIECE: bytes([7]) * PIECE}


def test_holes_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = preallocated(tmp_path / "volume")
    images.qemu_io(path, "write -P 7 1M 64k")
    read = []

    def load(layer: Layer, extent: Extent, target: memoryview) -> None:
        read.append(len(target))

    monkeypatch.setattr(Layer, "load", load)
    pieces(path)
    assert read == [PIECE]


def test_data_that_the_file_has_lost_is_damage(tmp_path: Path) -> None:
    path = preallocated(tmp_path / "volume")
    os.truncate(path, place_of_data(path) + images.MIB)
    with pytest.raises(DamagedImage):
        pieces(path)
