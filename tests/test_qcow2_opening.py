# SPDX-License-Identifier: Apache-2.0
"""Only regular files are opened, and nothing that is none can hang us."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from assisted_kit.qcow2 import Chain
from assisted_kit.qcow2 import inspect
from assisted_kit.qcow2 import is_qcow2
from assisted_kit.qcow2 import Layer
from assisted_kit.qcow2 import NotRegular
from assisted_kit.qcow2 import open_regular
from tests import images


def link(path: Path) -> None:
    images.create(path.with_name("target"), images.MIB)
    path.symlink_to("target")


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


NOT_REGULAR: dict[str, Callable[[Path], None]] = {
    "a FIFO": os.mkfifo,
    "a directory": Path.mkdir,
    "a symbolic link": link,
    "a socket": bind,
}
OPENERS = {
    "open_regular": open_regular,
    "inspect": inspect,
    "is_qcow2": is_qcow2,
    "Layer raw": lambda path: Layer.open(path, "raw"),
    "Layer qcow2": lambda path: Layer.open(path, "qcow2"),
    "Chain": lambda path: Chain.open(path.parent, path.name, "qcow2"),
}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("kind", NOT_REGULAR)
def test_what_is_not_a_regular_file_is_refused_by_name(
    tmp_path: Path, kind: str, opener: str
) -> None:
    path = tmp_path / "volume-1"
    NOT_REGULAR[kind](path)
    with pytest.raises(NotRegular, match=f"volume-1.*{kind}"):
        OPENERS[opener](path)


def test_a_device_is_refused() -> None:
    with pytest.raises(NotRegular, match=r"/dev/null.*a character device"):
        open_regular("/dev/null")


def test_a_missing_file_is_the_callers_trouble(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "volume-1")


def test_an_open_file_is_not_inherited_by_commands(tmp_path: Path) -> None:
    path = images.create_raw(tmp_path / "volume-1", 512)
    with open_regular(path) as file:
        assert not os.get_inheritable(file.fileno())


@pytest.mark.parametrize(
    ("begins", "answer"),
    [(b"QFI\xfb", True), (b"QFI", False), (b"", False), (b"KDMV", False)],
)
def test_is_qcow2_looks_at_the_magic_only(
    tmp_path: Path, begins: bytes, answer: bool
) -> None:
    path = tmp_path / "volume-1"
    path.write_bytes(begins)
    assert is_qcow2(path) is answer


def test_a_refused_file_is_closed(tmp_path: Path) -> None:
    (tmp_path / "volume-1").mkdir()
    (tmp_path / "volume-2").write_bytes(b"nothing")
    before = os.listdir("/proc/self/fd")
    for name in ("volume-1", "volume-2"):
        with pytest.raises(Exception, match=name):
            Chain.open(tmp_path, name, "qcow2")
    assert os.listdir("/proc/self/fd") == before
