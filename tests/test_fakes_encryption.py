# SPDX-License-Identifier: Apache-2.0
"""A guest whose disk is encrypted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assisted_kit.image import Image
from fakes.compute import HypervisorError
from fakes.compute.hypervisor import Hypervisor
from fakes.compute.live_chain import LiveChain
from tests import images
from tests import luks_images
from tests.luks_images import ANOTHER
from tests.luks_images import PASSPHRASE

DEVICE = "vdb"
LENGTH = 64 * images.KIB


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """An encrypted chain of three, the active image first."""
    base = luks_images.create(tmp_path / "v")
    middle = luks_images.overlay(tmp_path / "v.1", "v")
    return [luks_images.overlay(tmp_path / "v.2", "v.1"), middle, base]


def opened(path: Path, passphrase: Callable[[], str | None]) -> LiveChain:
    """The chain below an image, as a guest has it."""
    image = Image(path, "qcow2")
    return Hypervisor().open(image, passphrase=passphrase)


def test_what_the_guest_writes_is_read_with_the_key(
    paths: list[Path],
) -> None:
    hypervisor = Hypervisor()
    chain = opened(paths[1], lambda: PASSPHRASE)
    try:
        hypervisor.write(chain, [(0, b"1" * LENGTH)])
        hypervisor.switch(chain, paths[0], DEVICE)
        hypervisor.write(chain, [(LENGTH, b"2" * LENGTH)])
        assert hypervisor.read(chain, LENGTH - 1, 2) == b"12"
    finally:
        chain.close()
    written = b"1" * LENGTH + b"2" * LENGTH + bytes(512)
    assert luks_images.content(paths, PASSPHRASE).startswith(written)
    assert luks_images.content(paths[1:], PASSPHRASE)[LENGTH] == 0
    for path in paths:
        assert b"1" * 512 not in path.read_bytes()
        assert b"2" * 512 not in path.read_bytes()


@pytest.mark.parametrize("merge", ["commit", "pull", "pull all"])
def test_merging_keeps_what_is_read_and_encrypts_it(
    paths: list[Path], merge: str
) -> None:
    for depth in range(3):
        command = f"write -P {65 + depth} {depth * 64}k 64k"
        luks_images.write(paths[depth:], command, PASSPHRASE)
    before = luks_images.content(paths, PASSPHRASE)
    hypervisor = Hypervisor()
    chain = opened(paths[0], lambda: PASSPHRASE)
    try:
        if merge == "commit":
            hypervisor.commit(chain, "v.1", "v", DEVICE)
        else:
            base = None if merge == "pull all" else "v"
            hypervisor.pull(chain, base, DEVICE)
        left = [image.path for image in chain.listed()]
    finally:
        chain.close()
    assert left == ([paths[0]] if merge == "pull all" else paths[::2])
    assert luks_images.content(left, PASSPHRASE) == before
    for path in paths:
        assert b"A" * 512 not in path.read_bytes()


def test_a_chain_does_not_open_with_another_key(paths: list[Path]) -> None:
    chain = opened(paths[0], lambda: ANOTHER)
    try:
        with pytest.raises(HypervisorError, match="Invalid password"):
            Hypervisor().write(chain, [(0, bytes(512))])
    finally:
        chain.close()


def test_a_chain_does_not_open_without_a_key(paths: list[Path]) -> None:
    chain = opened(paths[0], lambda: None)
    try:
        with pytest.raises(HypervisorError, match="key-secret"):
            Hypervisor().write(chain, [(0, bytes(512))])
    finally:
        chain.close()


def test_nobody_is_asked_for_the_key_of_a_plain_image(tmp_path: Path) -> None:
    path = images.create(tmp_path / "v", images.MIB)

    def ask() -> str:
        raise AssertionError("the image is not encrypted")

    opened(path, ask).close()
