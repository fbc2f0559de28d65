# SPDX-License-Identifier: Apache-2.0
"""The guest's image locks, as the real qemu-img runs into them."""

from __future__ import annotations

import subprocess

import pytest
from toy_cloud import Cloud

from fakes.compute import HypervisorError
from fakes.compute.image_lock import ImageLock

WRITE_LOCK = 'Failed to get "write" lock'
SHARED_WRITE_LOCK = 'Failed to get shared "write" lock'
GIB = str(1 << 30)


@pytest.fixture(scope="module", params=["raw", "qcow2"])
def cloud(request, tmp_path_factory):
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), request.param)
    cloud.oldest = cloud.overlay(cloud.snapshot())
    cloud.middle = cloud.overlay(cloud.snapshot())
    cloud.active = cloud.overlay(cloud.snapshot())
    yield cloud
    cloud.close()


def complaint(cloud, *words):
    """What qemu-img says when it fails; empty when it works."""
    done = subprocess.run(
        ["qemu-img", *words],
        cwd=cloud.share,
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stderr if done.returncode else ""


def test_the_active_image_cannot_be_changed(cloud):
    active = cloud.active
    for words in (
        ["commit", "-q", "-d", "-f", "qcow2", active],
        ["rebase", "-u", "-f", "qcow2", "-b", cloud.base, "-F", "raw", active],
        ["rebase", "-f", "qcow2", "-b", "", active],
        ["resize", "-q", "-f", "qcow2", active, "2G"],
    ):
        assert WRITE_LOCK in complaint(cloud, *words)


def test_a_backing_file_cannot_be_changed(cloud):
    middle = cloud.middle
    for words in (
        ["commit", "-q", "-d", "-f", "qcow2", middle],
        ["rebase", "-u", "-f", "qcow2", "-b", cloud.base, "-F", "raw", middle],
        ["resize", "-q", "-f", "qcow2", middle, "2G"],
        ["resize", "-q", "-f", cloud.driver.base_format, cloud.base, "2G"],
    ):
        assert WRITE_LOCK in complaint(cloud, *words)


def test_the_active_image_is_read_with_force_share_only(cloud, tmp_path):
    active = cloud.active
    flat = str(tmp_path / "flat")
    convert = ["-f", "qcow2", "-O", "raw", active, flat]
    assert SHARED_WRITE_LOCK in complaint(cloud, "info", active)
    assert SHARED_WRITE_LOCK in complaint(cloud, "convert", *convert)
    assert complaint(cloud, "info", "-U", active) == ""
    assert complaint(cloud, "convert", "-U", *convert) == ""
    assert complaint(cloud, "check", "-q", "-U", active) == ""


def test_a_backing_file_is_read_freely(cloud, tmp_path):
    flat = str(tmp_path / "flat")
    for name in (cloud.middle, cloud.base):
        format = cloud.driver.formats[name]
        assert complaint(cloud, "info", name) == ""
        convert = ["-f", format, "-O", "raw", name, flat]
        assert complaint(cloud, "convert", *convert) == ""


def test_a_new_overlay_can_be_made(cloud):
    words = ["create", "-q", "-f", "qcow2", "-b", cloud.active, "-F", "qcow2"]
    assert complaint(cloud, *words, "new") == ""
    assert complaint(cloud, *words, "-u", "newer", GIB) == ""


def test_an_active_raw_image_is_locked_as_well(tmp_path):
    cloud = Cloud(tmp_path)
    base = cloud.base
    convert = ["-f", "raw", "-O", "qcow2", base, "copy"]
    assert SHARED_WRITE_LOCK in complaint(cloud, "convert", *convert)
    assert complaint(cloud, "convert", "-U", *convert) == ""
    resize = ["resize", "-q", "-f", "raw", base, "2G"]
    assert WRITE_LOCK in complaint(cloud, *resize)
    cloud.instance.stop()
    assert complaint(cloud, *resize) == ""
    cloud.close()


def test_locks_come_and_go_with_the_guest(tmp_path):
    cloud = Cloud(tmp_path)
    active = cloud.overlay(cloud.snapshot())
    resize = ["resize", "-q", "-f", "qcow2", active, "1G"]
    assert WRITE_LOCK in complaint(cloud, *resize)
    cloud.instance.stop()
    assert complaint(cloud, *resize) == ""
    cloud.instance.start()
    assert WRITE_LOCK in complaint(cloud, *resize)
    cloud.instance.detach(cloud.volume.id)
    assert complaint(cloud, *resize) == ""
    cloud.close()


def test_a_second_guest_does_not_get_the_image(tmp_path):
    cloud = Cloud(tmp_path)
    other = cloud.nova.boot()
    with pytest.raises(HypervisorError, match='"write" lock'):
        other.attach(cloud.manager.volumes, cloud.volume.id)
    assert other.disks == ()
    cloud.close()


def test_a_guest_does_not_start_while_qemu_io_writes(tmp_path):
    cloud = Cloud(tmp_path)
    cloud.instance.stop()
    writer = subprocess.Popen(
        ["qemu-io", "-f", "raw", str(cloud.share / cloud.base)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    writer.stdin.write("length\n")
    writer.stdin.flush()
    assert "1 GiB" in writer.stdout.readline()
    with pytest.raises(HypervisorError, match='"write" lock'):
        cloud.instance.start()
    writer.communicate("quit\n")
    cloud.instance.start()
    cloud.close()


def test_what_is_above_the_target_of_a_commit_reads_inconsistently(
    cloud, tmp_path
):
    path = cloud.share / cloud.middle
    chain = cloud.disk._chain
    chain.lock(commit_target=2)
    try:
        flat = str(tmp_path / "flat")
        convert = ["-f", "qcow2", "-O", "raw", str(path), flat]
        said = complaint(cloud, "convert", "-U", *convert)
        assert 'Failed to get "consistent read" lock' in said
        assert complaint(cloud, "info", "-U", str(path)) == ""
        assert SHARED_WRITE_LOCK in complaint(cloud, "info", cloud.oldest)
    finally:
        chain.lock()
    assert complaint(cloud, "convert", "-U", *convert) == ""


def test_locks_are_qemus_bytes(cloud):
    bytes_of = [open_image.lock for open_image in cloud.disk._chain.images]
    assert all(isinstance(lock, ImageLock) for lock in bytes_of)
    active, *backing = (sorted(lock._held) for lock in bytes_of)
    assert active == [100, 101, 103, 201, 203]
    assert backing == [[100, 201, 203]] * 3
