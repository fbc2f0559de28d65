# SPDX-License-Identifier: Apache-2.0
"""A share that fills up or becomes read-only, and commands that do not end."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys

import pytest

from conformance.faults import private_mount
from conformance.faults.private_mount import PrivateMount
from conformance.faults.qemu_img import HangingQemuImg
from conformance.faults.qemu_img import KilledQemuImg

needs_mounts = pytest.mark.skipif(
    bool(private_mount.refusal()), reason=private_mount.refusal()
)

CAP_SYS_ADMIN = 21
PR_CAPBSET_DROP = 24


def alone_on(directory, act):
    """What ``act`` makes of a share of its own."""
    found = []
    private_mount.alone(lambda: found.append(act(PrivateMount(directory))))
    return found[0]


def error_of(act):
    with pytest.raises(OSError) as raised:
        act()
    return raised.value.errno


@needs_mounts
def test_a_full_share_takes_names_and_no_data(tmp_path):
    def act(share):
        (tmp_path / "old").write_bytes(b"old")
        share.fill()
        full = error_of(lambda: (tmp_path / "new").write_bytes(b"new"))
        assert (tmp_path / "new").read_bytes() == b""
        share.mend()
        (tmp_path / "new").write_bytes(b"new")
        return full, (tmp_path / "old").read_bytes()

    assert alone_on(tmp_path, act) == (errno.ENOSPC, b"old")


@needs_mounts
def test_a_read_only_share_lets_go_on_what_is_open(tmp_path):
    def act(share):
        with (tmp_path / "image").open("wb", buffering=0) as guest:
            share.make_read_only()
            found = [
                error_of(lambda: (tmp_path / "new").touch()),
                error_of(lambda: (tmp_path / "image").unlink()),
                error_of(lambda: (tmp_path / "image").write_bytes(b"")),
            ]
            guest.write(b"durable")
        share.mend()
        (tmp_path / "new").touch()
        return found, (tmp_path / "image").read_bytes()

    assert alone_on(tmp_path, act) == ([errno.EROFS] * 3, b"durable")


@needs_mounts
def test_nobody_else_sees_it_and_it_is_gone_afterwards(tmp_path):
    def act(share):
        (tmp_path / "hidden").touch()
        seen = subprocess.run(
            ["ls", str(tmp_path)], capture_output=True, text=True, check=True
        )
        return seen.stdout

    assert alone_on(tmp_path, act) == "hidden\n"
    assert list(tmp_path.iterdir()) == []
    tmp_path.rmdir()


def drop_the_right_to_mount():
    libc = ctypes.CDLL(None)
    libc.prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)


def test_a_process_that_may_not_mount_says_so_in_its_result(tmp_path):
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--pyargs"),
            *("conformance.test_fault_matrix", "-k", "share_full"),
        ],
        cwd=tmp_path,
        preexec_fn=drop_the_right_to_mount,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    said = " ".join(done.stdout.split())
    assert (
        "left out: a share that fails: this process may not have a mount "
        "namespace of its own"
    ) in said
    assert "run it as root, or under 'unshare --map-root-user --mount'" in said
    assert " passed" not in said
    # What was asked for did not run, and that is no success.
    assert done.returncode == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize(
    ("fixture", "status"),
    [
        pytest.param(KilledQemuImg, -signal.SIGKILL, id="killed"),
        pytest.param(HangingQemuImg, -signal.SIGTERM, id="hangs"),
    ],
)
def test_one_command_is_ended_and_the_others_run(fixture, status):
    def call():
        return subprocess.run(
            ["qemu-img", "--version"], stdout=subprocess.PIPE, check=False
        )

    with fixture(2):
        done = [call().returncode for _ in range(3)]
    assert done == [0, status, 0]


def test_a_command_that_was_never_started_is_not_waited_for():
    with HangingQemuImg(1):
        assert os.environ["PATH"].startswith("/")
