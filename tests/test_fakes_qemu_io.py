# SPDX-License-Identifier: Apache-2.0
"""One qemu-io writes for one guest after another, and stays usable."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from images import content
from images import create
from images import MIB
from images import overlay
from images import run

from conformance.watch.processes import descendants
from fakes.compute import HypervisorError
from fakes.compute import qemu_io

OTHERS: set[int] = set()
"""Those that are not this test's."""


@pytest.fixture(autouse=True)
def none_at_first() -> Iterator[None]:
    """Other tests of this process have left one or more.

    One that is still at work, or of a process that such a test has started,
    stays, and is not counted.
    """
    qemu_io._close_idle()
    OTHERS.update(processes())
    yield
    OTHERS.clear()
    qemu_io._close_idle()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return create(tmp_path / "v", MIB)


def write(image: Path | str, pattern: int) -> None:
    with qemu_io.opened(str(image)) as running:
        running.run(f"write -q -P {pattern} 0 512")


def processes() -> set[int]:
    """The ids of this test's qemu-io processes that have not ended."""
    found = set()
    for pid in descendants(os.getpid()):
        with suppress(FileNotFoundError):
            status = Path(f"/proc/{pid}/status").read_text()
            if "Name:\tqemu-io\n" in status and "State:\tZ" not in status:
                found.add(pid)
    return found - OTHERS


def test_one_process_writes_for_all(tmp_path: Path) -> None:
    images = [create(tmp_path / name, MIB) for name in "ab"]
    write(images[0], 1)
    first = processes()
    write(images[1], 2)
    assert len(first) == 1
    assert processes() == first
    assert [content(image)[:512] for image in images] == [
        bytes([1]) * 512,
        bytes([2]) * 512,
    ]


def test_those_that_write_at_once_have_one_each(tmp_path: Path) -> None:
    images = [create(tmp_path / name, MIB) for name in "ab"]
    with qemu_io.opened(str(images[0])) as first:
        with qemu_io.opened(str(images[1])) as second:
            first.run("write -q -P 1 0 512")
            second.run("write -q -P 2 0 512")
        assert len(processes()) == 2
    assert [content(image)[0] for image in images] == [1, 2]


def test_failed_command_closes_what_was_written(image: Path) -> None:
    with (
        pytest.raises(HypervisorError, match="qemu-io failed: write failed"),
        qemu_io.opened(str(image)) as running,
    ):
        running.run("write -q -P 3 0 512")
        running.run(f"write -q {MIB} 512")
    assert content(image)[:512] == bytes([3]) * 512
    run("qemu-img", "check", "-q", image)
    assert not processes()


def test_image_that_does_not_open_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(HypervisorError, match=f"{missing}.*No such file"):
        write(missing, 1)
    assert not processes()


def test_command_that_is_longer_than_a_line(tmp_path: Path) -> None:
    """``qemu-io`` reads 1,023 bytes of a command and no more."""
    paths = [create(tmp_path / "v", MIB)]
    for number in range(20):
        path = tmp_path / f"v.{number}"
        paths.append(overlay(path, paths[-1].name, "qcow2", MIB))
    described: str = "null"
    for path in paths:
        described = (
            f'{{"driver":"qcow2","backing":{described},'
            f'"file":{{"driver":"file","filename":"{path}"}}}}'
        )
    assert len(described) > 1023
    write(f"json:{described}", 4)
    assert content(paths[-1])[:512] == bytes([4]) * 512
    assert not processes()


def test_longest_command_that_fits(tmp_path: Path) -> None:
    for length in range(1015, 1028):
        directory = tmp_path / str(length)
        while True:
            left = length - len(f"open {directory}/")
            if left <= 250:
                break
            directory /= "d" * min(200, left - 2)
        directory.mkdir(parents=True)
        image = create(directory / ("v" * left), MIB)
        assert len(f"open {image}") == length
        write(image, 5)
        assert content(image)[:512] == bytes([5]) * 512


def test_one_that_was_killed_is_replaced(image: Path) -> None:
    write(image, 6)
    (pid,) = processes()
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    write(image, 7)
    assert content(image)[:512] == bytes([7]) * 512
    assert processes() != {pid}


def test_one_that_dies_at_work_is_an_error(image: Path) -> None:
    with (
        pytest.raises(HypervisorError, match="ended with exit status -9"),
        qemu_io.opened(str(image)) as running,
    ):
        (pid,) = processes()
        os.kill(pid, signal.SIGKILL)
        running.run("write -q 0 512")
    assert not processes()


def test_interrupted_one_is_not_used_again(image: Path) -> None:
    with pytest.raises(KeyboardInterrupt), qemu_io.opened(str(image)):
        raise KeyboardInterrupt
    assert not processes()


def test_forked_process_leaves_it_alone(image: Path) -> None:
    """Two processes on one pipe would read each other's answers."""
    write(image, 8)
    before = processes()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if not qemu_io._idle else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    write(image, 9)
    assert processes() == before
