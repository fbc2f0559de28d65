# SPDX-License-Identifier: Apache-2.0
"""Shares of other file systems, mounted where this machine can."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VOLUME = "assisted-kit"
PORT = 24007
"""Where clients of GlusterFS look for its service."""

NTFS_SIZE = 4 * 1024**3
"""Bytes, most of which are never written."""


class CannotMount(Exception):
    """Not here; the message says why, and what would help."""


def _need(*programs: str) -> None:
    if os.geteuid() != 0:
        raise CannotMount("only root may mount a share here")
    if not Path("/dev/fuse").exists():
        raise CannotMount("there is no /dev/fuse")
    for program in programs:
        if shutil.which(program) is None:
            raise CannotMount(f"{program} is not installed (bindep.txt)")


def _run(*words: str) -> None:
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr + done.stdout).strip()
        raise CannotMount(f"{words[0]} failed: {said}")


@contextmanager
def fuse(directory: Path) -> Iterator[Path]:
    """A FUSE file system that shows another directory, without holes.

    :param directory: an empty one.
    :raises CannotMount: this machine cannot.
    """
    _need("bindfs", "umount")
    shown, point = directory / "shown", directory / "mnt"
    shown.mkdir()
    point.mkdir()
    _run("bindfs", str(shown), str(point))
    try:
        yield point
    finally:
        _run("umount", "--lazy", str(point))


@contextmanager
def ntfs(directory: Path) -> Iterator[Path]:
    """An NTFS in a file, by a driver that ignores the case of names.

    :param directory: an empty one.
    :raises CannotMount: this machine cannot.
    """
    _need("mkntfs", "lowntfs-3g", "umount")
    volume, point = directory / "volume", directory / "mnt"
    with volume.open("wb") as file:
        file.truncate(NTFS_SIZE)
    point.mkdir()
    _run("mkntfs", "--force", "--quick", str(volume))
    _run("lowntfs-3g", "-o", "ignore_case", str(volume), str(point))
    try:
        yield point
    finally:
        _run("umount", "--lazy", str(point))


@contextmanager
def glusterfs(directory: Path) -> Iterator[Path]:
    """A volume of GlusterFS with one brick, served by this machine.

    :param directory: an empty one.
    :raises CannotMount: this machine cannot.
    """
    _need("glusterd", "gluster", "mount.glusterfs", "umount")
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", PORT)) == 0:
            raise CannotMount("a GlusterFS service runs here already")
    # It wants a peer's name, and this one to be an address of its own.
    host = socket.gethostname()
    brick, point = directory / "brick", directory / "mnt"
    for each in (brick, point, directory / "state", directory / "run"):
        each.mkdir()
    configuration = directory / "glusterd.vol"
    configuration.write_text(
        f"""\
volume management
    type mgmt/glusterd
    option working-directory {directory / "state"}
    option run-directory {directory / "run"}
    option transport-type socket
    option transport.socket.listen-port {PORT}
    option transport.address-family inet
    option rpc-auth-allow-insecure on
end-volume
"""
    )
    pid_file = directory / "pid"
    _run(
        "glusterd",
        *("-f", str(configuration), "-p", str(pid_file)),
        *("-l", str(directory / "log")),
    )
    gluster = ("gluster", "--mode=script", "volume")
    try:
        _run(*gluster, "create", VOLUME, f"{host}:{brick}", "force")
        # Each wait for a lock that is interrupted keeps a thread of the
        # client; without one left it never answers again (gluster/glusterfs
        # issue 4371). There are two unless more are asked for.
        _run(*gluster, "set", VOLUME, "client.event-threads", "32")
        _run(*gluster, "start", VOLUME)
        _run("mount", "-t", "glusterfs", f"{host}:/{VOLUME}", str(point))
        try:
            yield point
        finally:
            _run("umount", "--lazy", str(point))
            _run(*gluster, "stop", VOLUME, "force")
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
