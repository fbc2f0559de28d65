# SPDX-License-Identifier: Apache-2.0
"""The hypervisor's file effects, and its errors in libvirt's words."""

from __future__ import annotations

import os
import random

import pytest
from images import content
from images import create
from images import create_raw
from images import KIB
from images import MIB
from images import overlay
from images import qemu_io
from images import run
from images import scribble

from assisted_kit.image import Image
from fakes.compute import HypervisorError
from fakes.compute.hypervisor import Hypervisor
from fakes.compute.live_chain import LiveChain

SIZE = 8 * MIB
DEVICE = "vdb"
BACKING_FORMAT = b"\xe2\x79\x2a\xca"


@pytest.fixture
def hypervisor():
    return Hypervisor()


@pytest.fixture
def opened():
    """Opens chains and closes them at the end of the test."""
    chains = []

    def open_chain(path, format="qcow2"):
        chains.append(LiveChain.open(Image(path, format)))
        return chains[-1]

    yield open_chain
    for chain in chains:
        chain.close()


def chain_of(directory, depth, base_format="raw"):
    """Images v (the base), v.1, v.2 ... each on the one before."""
    base = directory / "v"
    if base_format == "raw":
        create_raw(base, SIZE)
    else:
        create(base, SIZE)
    paths, format = [base], base_format
    for number in range(1, depth + 1):
        path = directory / f"v.{number}"
        overlay(path, paths[-1].name, format, SIZE)
        paths.append(path)
        format = "qcow2"
    return paths


def names(chain):
    return [image.path.name for image in chain.listed()]


@pytest.mark.parametrize("base_format", ["raw", "qcow2"])
@pytest.mark.parametrize("seed", range(6))
def test_merging_never_changes_what_is_read(
    hypervisor, opened, tmp_path, seed, base_format
):
    chance = random.Random(f"{seed} {base_format}")
    paths = chain_of(tmp_path, 5, base_format)
    for number, path in enumerate(paths):
        scribble(
            path,
            SIZE,
            chance.randrange(1000),
            base_format if number == 0 else "qcow2",
            count=12,
        )
    chain = opened(paths[-1])
    while len(chain.images) > 1:
        depth = len(chain.images)
        images = chain.listed()
        before = {image.path: content_of(image, tmp_path) for image in images}
        if depth > 2 and chance.random() < 0.5:
            top = chance.randrange(1, depth - 1)
            base = chance.randrange(top + 1, depth)
            hypervisor.commit(
                chain, images[top].path.name, images[base].path.name, DEVICE
            )
            before[images[base].path] = before[images[top].path]
        else:
            base = chance.randrange(2, depth + 1)
            name = None if base == depth else images[base].path.name
            hypervisor.pull(chain, name, DEVICE)
        assert len(chain.images) < depth
        for image in chain.listed():
            assert content_of(image, tmp_path) == before[image.path]
        flat = before[chain.active.image.path]
        assert hypervisor.read(chain, 0, SIZE) == flat


def content_of(image, directory):
    """By qemu-img and the headers."""
    flat = directory / "flat"
    run(
        "qemu-img",
        *("convert", "-U", "-f", image.format, "-O", "raw"),
        image.path,
        flat,
    )
    return flat.read_bytes()


def test_a_pull_keeps_zeros_that_hide_data(hypervisor, opened, tmp_path):
    paths = chain_of(tmp_path, 3)
    qemu_io(paths[0], "write -P 1 0 1M", format="raw")
    qemu_io(paths[2], "write -z 64k 64k")
    chain = opened(paths[3])
    hypervisor.pull(chain, "v", DEVICE)
    assert names(chain) == ["v.3", "v"]
    assert hypervisor.read(chain, 64 * KIB, 64 * KIB) == bytes(64 * KIB)
    assert hypervisor.read(chain, 0, 64 * KIB) == b"\1" * 64 * KIB


def test_a_compressed_base_image_is_pulled(hypervisor, opened, tmp_path):
    paths = chain_of(tmp_path, 1, "qcow2")
    qemu_io(paths[0], "write -c -P 7 64k 64k", "write -P 8 1M 4k")
    chain = opened(paths[1])
    assert hypervisor.read(chain, 64 * KIB + 5, 100) == b"\7" * 100
    hypervisor.pull(chain, None, DEVICE)
    chain.close()
    run("qemu-img", "check", "-q", paths[1])
    flat = content(paths[1])
    assert flat[64 * KIB : 128 * KIB] == b"\7" * 64 * KIB
    assert flat[MIB : MIB + 4 * KIB] == b"\x08" * 4 * KIB


def test_a_pull_onto_the_direct_backing_file_does_nothing(
    hypervisor, opened, tmp_path
):
    paths = chain_of(tmp_path, 2)
    chain = opened(paths[2])
    before = paths[2].read_bytes()
    hypervisor.pull(chain, "v.1", DEVICE)
    assert names(chain) == ["v.2", "v.1", "v"]
    assert paths[2].read_bytes() == before


def test_the_chain_in_memory_outlives_names_and_headers(
    hypervisor, opened, tmp_path
):
    paths = chain_of(tmp_path, 3)
    qemu_io(paths[1], "write -P 1 0 64k")
    chain = opened(paths[3])
    paths[1].rename(tmp_path / "elsewhere")
    paths[2].unlink()
    hypervisor.write(chain, [(KIB, b"guest")])
    found = hypervisor.read(chain, 0, 2 * KIB)
    assert found == b"\1" * KIB + b"guest" + b"\1" * (KIB - 5)
    hypervisor.commit(chain, "v.1", "v", DEVICE)
    assert names(chain) == ["v.3", "v.2", "v"]
    assert hypervisor.read(chain, 0, 2 * KIB) == found


def test_an_overlay_may_name_the_wrong_file(hypervisor, opened, tmp_path):
    paths = chain_of(tmp_path, 1)
    qemu_io(paths[1], "write -P 1 0 64k")
    wrong = overlay(tmp_path / "v.2", "v", "raw", SIZE)
    chain = opened(paths[1])
    hypervisor.switch(chain, wrong, DEVICE)
    # QEMU takes it, and only a cold restart shows what is wrong.
    assert hypervisor.read(chain, 0, 4) == b"\1" * 4
    chain.close()
    assert hypervisor.read(opened(wrong), 0, 4) == bytes(4)


def test_an_overlay_that_is_missing(hypervisor, opened, tmp_path):
    chain = opened(chain_of(tmp_path, 1)[1])
    with pytest.raises(
        HypervisorError,
        match=r"missing existing file for disk vdb: .*/v\.2: "
        r"No such file or directory",
    ):
        hypervisor.switch(chain, tmp_path / "v.2", DEVICE)
    assert names(chain) == ["v.1", "v"]


def test_an_overlay_that_is_raw(hypervisor, opened, tmp_path):
    chain = opened(chain_of(tmp_path, 1)[1])
    with pytest.raises(HypervisorError, match="not in qcow2 format"):
        hypervisor.switch(chain, create_raw(tmp_path / "r", SIZE), DEVICE)
    assert names(chain) == ["v.1", "v"]


@pytest.mark.parametrize(
    ("top", "base", "message"),
    [
        ("x", "v", "could not find image 'x' in chain for 'vdb'"),
        ("v.2", "x", "could not find image 'x' in chain for 'vdb'"),
        ("v.3", "v", "could not find image 'v.3' in chain for 'vdb'"),
        ("v.1", "v.2", "could not find image 'v.2' beneath 'v.1' in chain"),
        ("v.1", "v.1", "could not find image 'v.1' beneath 'v.1' in chain"),
    ],
)
def test_a_commit_of_images_that_are_not_there(
    hypervisor, opened, tmp_path, top, base, message
):
    chain = opened(chain_of(tmp_path, 3)[3])
    with pytest.raises(HypervisorError, match=message):
        hypervisor.commit(chain, top, base, DEVICE)
    assert names(chain) == ["v.3", "v.2", "v.1", "v"]


def test_a_pull_above_an_image_that_is_not_there(hypervisor, opened, tmp_path):
    chain = opened(chain_of(tmp_path, 2)[2])
    for base in ("x", "v.2", str(tmp_path / "v.2")):
        with pytest.raises(HypervisorError, match="could not find image"):
            hypervisor.pull(chain, base, DEVICE)


def test_an_absolute_backing_name_is_not_kept(hypervisor, opened, tmp_path):
    paths = chain_of(tmp_path, 3)
    rename = ["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw", "-b"]
    run(*rename, paths[0], paths[1])
    chain = opened(paths[3])
    message = "can't keep relative backing relationship"
    with pytest.raises(HypervisorError, match=message):
        hypervisor.commit(chain, "v.2", str(paths[0]), DEVICE)
    with pytest.raises(HypervisorError, match=message):
        hypervisor.pull(chain, str(paths[0]), DEVICE)
    hypervisor.commit(chain, "v.2", "v.1", DEVICE)
    assert names(chain) == ["v.3", "v.1", "v"]


def test_a_backing_format_is_never_guessed(opened, tmp_path):
    paths = chain_of(tmp_path, 1)
    # An old qemu-img left the header extension out; make it an unknown one.
    image = paths[1].read_bytes()
    assert image.count(BACKING_FORMAT) == 1
    paths[1].write_bytes(image.replace(BACKING_FORMAT, b"none"))
    with pytest.raises(HypervisorError, match="format of backing image"):
        opened(paths[1])


def test_a_raw_image_with_a_qcow2_header_is_raw(hypervisor, opened, tmp_path):
    base = create_raw(tmp_path / "v", SIZE)
    chain = opened(base, "raw")
    hypervisor.write(chain, [(0, b"QFI\xfb\0\0\0\3")])
    overlay(tmp_path / "v.1", "v", "raw", SIZE)
    hypervisor.switch(chain, tmp_path / "v.1", DEVICE)
    assert hypervisor.read(chain, 0, 8) == b"QFI\xfb\0\0\0\3"
    chain.close()
    assert hypervisor.read(opened(tmp_path / "v.1"), 0, 4) == b"QFI\xfb"


def test_what_is_qcow2_in_name_only_does_not_open(opened, tmp_path):
    with pytest.raises(HypervisorError, match="not in qcow2 format"):
        opened(create_raw(tmp_path / "v", SIZE))
    with pytest.raises(HypervisorError, match="vmdk"):
        opened(tmp_path / "v", "vmdk")


def test_a_chain_that_leads_back_to_itself(opened, tmp_path):
    paths = chain_of(tmp_path, 2)
    rename = ["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "qcow2", "-b"]
    run(*rename, "v.2", paths[1])
    with pytest.raises(HypervisorError, match=r"v\.2 is self-referential"):
        opened(paths[2])


def test_a_backing_file_that_is_missing(opened, tmp_path):
    paths = chain_of(tmp_path, 2)
    paths[1].unlink()
    message = r"Could not open '.*/v\.1': No such file"
    with pytest.raises(HypervisorError, match=message):
        opened(paths[2])


def test_an_image_that_breaks_off(opened, tmp_path):
    paths = chain_of(tmp_path, 1)
    os.truncate(paths[1], 60)
    with pytest.raises(HypervisorError, match=r"Could not open .*/v\.1"):
        opened(paths[1])


def test_a_link_is_followed(hypervisor, opened, tmp_path):
    directory = tmp_path / "share"
    directory.mkdir()
    image = chain_of(directory, 1)[1]
    qemu_io(image, "write -P 7 0 64k")
    (tmp_path / "link").symlink_to(directory)
    (directory / "other").symlink_to("v.1")
    chain = opened(tmp_path / "link" / "other")
    assert hypervisor.read(chain, 0, 4) == b"\7" * 4


def test_beyond_the_end_is_an_error(hypervisor, opened, tmp_path):
    paths = chain_of(tmp_path, 1)
    for path, format in ((paths[1], "qcow2"), (paths[0], "raw")):
        chain = opened(path, format)
        with pytest.raises(HypervisorError, match="Input/output error"):
            hypervisor.write(chain, [(SIZE - 1, b"xx")])
        with pytest.raises(HypervisorError, match="Input/output error"):
            hypervisor.read(chain, SIZE - 1, 2)
        chain.close()


def test_many_and_large_writes(hypervisor, opened, tmp_path):
    paths = chain_of(tmp_path, 1)
    chain = opened(paths[1])
    many = [(at * 16 * KIB, bytes([at % 255 + 1]) * 512) for at in range(450)]
    hypervisor.write(chain, many)
    for at, data in many[::50]:
        assert hypervisor.read(chain, at, 512) == data
    large = random.Random(1).randbytes(5 * MIB + 3)
    hypervisor.write(chain, [(MIB + 1, large)])
    assert hypervisor.read(chain, MIB + 1, len(large)) == large


def test_a_rebase_of_a_stopped_guest_guesses_the_format(hypervisor, tmp_path):
    paths = chain_of(tmp_path, 2)
    create(tmp_path / "inside", MIB)
    with paths[0].open("r+b") as file:
        file.write((tmp_path / "inside").read_bytes())
    qemu_io(paths[1], "write -P 1 2M 64k")
    before = content(paths[2])
    hypervisor.rebase(Image(paths[2], "qcow2"), "v")
    # As Nova does.  What the guest wrote is covered up, but not lost.
    printed = run("qemu-img", "info", "-U", "-f", "qcow2", paths[2])
    assert "backing file format: qcow2" in printed
    assert content(paths[2]) != before
    repair = ["-u", "-f", "qcow2", "-b", "v", "-F", "raw"]
    run("qemu-img", "rebase", *repair, paths[2])
    assert content(paths[2]) == before
