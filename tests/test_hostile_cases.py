# SPDX-License-Identifier: Apache-2.0
"""The hostile cases: how many, and what the kit's reader makes of images."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assisted_kit.qcow2 import Chain
from assisted_kit.qcow2 import ImageError
from conformance.hostile import backing_files
from conformance.hostile import counts
from conformance.hostile import updates
from conformance.hostile.outside import Outside
from conformance.hostile.surroundings import Put
from conformance.hostile.surroundings import Surroundings
from tests import images


def each_image() -> list[object]:
    """Every hostile image as a parameter, named by what is wrong."""
    return [
        pytest.param(put, id=f"{table}: {name}")
        for table, cases in counts.KINDS["images"].items()
        for name, put in cases.items()
    ]


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An overlay on a raw image, before anything is done to it."""
    path = tmp_path_factory.mktemp("valid") / "volume-1.aa"
    images.overlay(path, "volume-1", "raw", images.GIB)
    return path.read_bytes()


@pytest.fixture
def around(
    valid: bytes, tmp_path: Path
) -> Iterator[tuple[Surroundings, Outside]]:
    """An overlay whose place is to be taken, and what is around it."""
    share = tmp_path / "share"
    share.mkdir()
    base = images.create_raw(share / "volume-1", images.GIB)
    image = share / "volume-1.aa"
    image.write_bytes(valid)
    with Outside() as outside:
        (outside.path / image.name).write_bytes(valid)
        made = Surroundings(
            image=image,
            below=base,
            below_format="raw",
            size=images.GIB,
            # Whose file is whose, the reader does not know; it is not there.
            another=share / "volume-2",
            outside=outside.path,
            port=outside.port,
        )
        yield made, outside


@pytest.mark.parametrize("put", each_image())
def test_reader_refuses(
    put: Put, around: tuple[Surroundings, Outside]
) -> None:
    surroundings, outside = around
    put(surroundings)
    image = surroundings.image
    outside.forget()
    with pytest.raises(ImageError) as refusal:
        Chain.open(image.parent, image.name, "qcow2", max_size=images.GIB)
    assert repr(refusal.value.name) in str(refusal.value)
    assert outside.touches() == []


def test_the_image_is_valid_to_begin_with(
    around: tuple[Surroundings, Outside],
) -> None:
    image = around[0].image
    with Chain.open(image.parent, image.name, "qcow2") as chain:
        assert chain.names() == ("volume-1.aa", "volume-1")


def test_touching_what_is_outside_is_noticed(tmp_path: Path) -> None:
    with Outside() as outside:
        assert outside.touches() == []
        images.run("cat", outside.path / "marker")
        assert outside.touches() == ["marker was opened", "marker was read"]
        with socket.create_connection(("127.0.0.1", outside.port)) as caller:
            assert caller.recv(1) == b""
        assert outside.touches() == [f"port {outside.port} was connected to"]


def test_counts_are_shown() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "conformance.hostile"],
        capture_output=True,
        text=True,
        check=True,
    )
    *_, total = done.stdout.splitlines()
    assert total.split()[1:] == ["in", "all"]
    assert int(total.split()[0]) > 600
    for kind in counts.KINDS:
        assert f" {kind}\n" in done.stdout


def test_names_of_cases_are_their_own() -> None:
    """No table hides a case of another that it takes in."""
    parts = (backing_files.NAMES, backing_files.NAMED_BYTES)
    assert len(backing_files.FOREIGN) == sum(map(len, parts))
    parts = (updates.FORMS, updates.FILE_NAMES)
    assert len(updates.UPDATES) == sum(map(len, parts))
