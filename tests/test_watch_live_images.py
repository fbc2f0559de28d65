# SPDX-License-Identifier: Apache-2.0
"""Images that a guest has open, and who touches them."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.watch import Sort
from tests.watched import on_a_thread
from tests.watched import Watched
from tests.watched import watched as watched


@pytest.fixture
def image(watched: Watched, tmp_path: Path) -> Path:
    """An image that the guest has open."""
    path = tmp_path / "volume-1"
    path.write_bytes(b"guest")
    watched.held.append(path)
    return path


def by_open(path: Path) -> None:
    with path.open("r+b"):
        pass


def by_write(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"x")


def by_truncate(path: Path) -> None:
    os.truncate(path, 1)


def by_process(path: Path) -> None:
    subprocess.run(["truncate", "-s", "+1", str(path)], check=True)


def by_thread(path: Path) -> None:
    on_a_thread(lambda: by_open(path))


def by_replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"")
    other.replace(path)


def by_removal(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("touch", "said"),
    [
        (by_open, "opened for writing"),
        (by_write, "wrote to and opened for writing"),
        (by_truncate, "wrote to"),
        (by_process, "wrote to and opened for writing"),
        (by_thread, "opened for writing"),
        (by_replace, "put another file in the place of"),
        (by_removal, "removed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_whoever_touches_it_is_seen(
    watched: Watched, image: Path, touch: Callable[[Path], None], said: str
) -> None:
    watched.in_hook(lambda: touch(image))
    assert watched.seen(Sort.LIVE_IMAGE) == [
        f"{said} volume-1, which the guest has open"
    ]


def test_the_line_or_the_command_is_named(
    watched: Watched, image: Path
) -> None:
    watched.in_hook(lambda: by_open(image))
    watched.in_hook(lambda: by_process(image))
    line, command = watched.watch.sightings(Sort.LIVE_IMAGE)
    assert line.where.endswith("in by_open")
    assert "in by_process (truncate " in command.where


def test_reading_and_making_other_files_is_not(
    watched: Watched, image: Path
) -> None:
    def hook() -> None:
        image.read_bytes()
        image.with_name("volume-1.overlay").write_bytes(b"x")
        os.chmod(image, 0o600)

    watched.in_hook(hook)
    assert watched.seen(Sort.LIVE_IMAGE) == []


def test_nobody_is_blamed_between_hooks(watched: Watched, image: Path) -> None:
    by_write(image)
    watched.in_hook(lambda: None)
    by_write(image)
    watched.in_hook(lambda: by_write(image), "extend_volume")
    assert watched.seen(Sort.LIVE_IMAGE) == []


def test_a_guest_that_keeps_its_image_open_is_not_blamed(
    watched: Watched, image: Path
) -> None:
    opened, closing = threading.Event(), threading.Event()

    def guest() -> None:
        with image.open("r+b"):
            opened.set()
            closing.wait()

    thread = threading.Thread(target=guest)
    thread.start()
    opened.wait()
    watched.in_hook(lambda: None)
    closing.set()
    thread.join()
    assert watched.seen(Sort.LIVE_IMAGE) == []
