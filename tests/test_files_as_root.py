# SPDX-License-Identifier: Apache-2.0
"""Files that a volume service changes by commands, since it may not itself."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from oslo_concurrency.processutils import ProcessExecutionError

from reference_driver import info_file
from reference_driver.files_as_root import FilesAsRoot
from reference_driver.info_file import Info
from tests.hooks_alone import DetachedVolume


class Commands:
    """Runs commands, and remembers which."""

    def __init__(self) -> None:
        self.run: list[str] = []

    def __call__(self, *words: str) -> None:
        self.run.append(words[0])
        subprocess.run(words, check=True)


@pytest.fixture
def commands() -> Commands:
    """What the files are changed by."""
    return Commands()


@pytest.fixture
def files(
    tmp_path: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> FilesAsRoot:
    """Files that this process may not change."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError

    volume = DetachedVolume(tmp_path)
    for name in ("chmod", "fchmod", "chown", "fchown", "rename", "replace"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    return FilesAsRoot(tmp_path, volume.ref(), commands)


def test_file_is_whole_and_like_its_model(
    files: FilesAsRoot, commands: Commands
) -> None:
    base = files.path(files.base)
    subprocess.run(["chmod", "640", base], check=True)
    before = {path.name for path in files.directory.iterdir()}
    info_file.write(files, Info(files.base))
    assert info_file.read(files).active == files.base
    assert files.path(files.info).stat().st_mode == base.stat().st_mode
    after = {path.name for path in files.directory.iterdir()}
    assert after == before | {files.info}
    assert commands.run[-1] == "mv"


def test_new_image_can_be_read_by_the_service(files: FilesAsRoot) -> None:
    # Which is not root, and has made it by commands that are.
    files.make(files.overlay("ab"), lambda path: path.write_text("image"))
    assert files.path(files.overlay("ab")).stat().st_mode & 0o777 == 0o666


def test_nothing_is_left_of_one_that_could_not_be_written(
    files: FilesAsRoot,
) -> None:
    info_file.write(files, Info(files.base))
    before = files.path(files.info).read_bytes()

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        files.make(files.info, fail)
    names = {path.name for path in files.directory.iterdir()}
    assert names == {files.base, files.info}
    assert files.path(files.info).read_bytes() == before


def test_what_a_killed_service_left_is_removed_as_well(
    files: FilesAsRoot,
) -> None:
    info_file.write(files, Info(files.base))
    (files.directory / f"{files.info}.new").touch()
    files.remove(files.info)
    assert [path.name for path in files.directory.iterdir()] == [files.base]


def test_what_fails_as_root_fails_like_a_call_of_the_system(
    tmp_path: Path,
) -> None:
    def fails(*words: str) -> None:
        raise ProcessExecutionError(cmd=shlex.join(words), stderr="read-only")

    files = FilesAsRoot(tmp_path, DetachedVolume(tmp_path).ref(), fails)
    with pytest.raises(OSError, match=r"(?s)rm -f .*read-only"):
        files.remove(files.base)
