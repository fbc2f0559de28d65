# SPDX-License-Identifier: Apache-2.0
"""Configuration files: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from assisted_kit import settings
from assisted_kit.capabilities import Capability
from assisted_kit.settings import UsageError

WHOLE = """\
[assisted_kit]
driver = vendor:Driver
share = /mnt/share
work_directory = kit
capabilities = raw_base, clone
patience = 30
[driver]
vendor_option = {share}/%x$y
[database]
connection = mysql+pymysql://localhost/cinder
"""


def write(path: Path, content: str | bytes) -> str:
    file = path / "kit.conf"
    if isinstance(content, str):
        content = content.encode()
    file.write_bytes(content)
    return str(file)


def test_everything_that_a_file_can_say(tmp_path: Path) -> None:
    read = settings.read(write(tmp_path, WHOLE))
    assert read.driver == "vendor:Driver"
    assert read.share == Path("/mnt/share")
    assert read.work_directory == "kit"
    assert read.capabilities == {Capability.raw_base, Capability.clone}
    assert read.patience == 30
    assert read.driver_options == {"vendor_option": "{share}/%x$y"}
    assert read.database == "mysql+pymysql://localhost/cinder"


def test_empty_file_and_no_file_are_the_defaults(tmp_path: Path) -> None:
    file = write(tmp_path, "")
    assert settings.read(None) == settings.Settings()
    assert settings.read(file) == settings.Settings(config_file=file)


def test_relative_share_is_of_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read = settings.read(write(tmp_path, "[assisted_kit]\nshare = here\n"))
    assert read.share == tmp_path / "here"


def test_empty_list_of_capabilities_is_none_of_them(tmp_path: Path) -> None:
    read = settings.read(write(tmp_path, "[assisted_kit]\ncapabilities =\n"))
    assert read.capabilities == frozenset()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[assisted-kit]\n", "unknown section [assisted-kit]"),
        ("[assisted_kit]\nshre = /x\n", "unknown option 'shre'"),
        ("[driver2]\nx = y\n", "unknown section [driver2]"),
        ("[DEFAULT]\nshare = /x\n", "unknown section [DEFAULT]"),
        ("[database]\nbackend = x\n", "unknown option 'backend'"),
        ("[assisted_kit]\ncapabilities = fly\n", "unknown capability 'fly'"),
        ("[assisted_kit]\npatience = soon\n", "patience in [assisted_kit]"),
        ("[assisted_kit]\npatience = 0\n", "patience in [assisted_kit]"),
        ("[assisted_kit]\nshare =\n", "share in [assisted_kit] is empty"),
        ("[assisted_kit]\ndriver =\n", "driver in [assisted_kit] is empty"),
        ("[assisted_kit]\nshare = /$x\n", "A dollar sign is written $$"),
        ("[assisted_kit]\nwork_directory = x\n", "needs a share"),
        ("share = /x\n", "Section must be started"),
        ("[assisted_kit\n", "Invalid section"),
        (b"[assisted_kit]\nshare = \xff\n", "can't decode"),
    ],
)
def test_wrong_content_is_named(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    file = write(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        settings.read(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["../x", "/x", "x/y", ".", ".."])
def test_work_directory_cannot_be_elsewhere(tmp_path: Path, name: str) -> None:
    content = f"[assisted_kit]\nshare = /x\nwork_directory = {name}\n"
    with pytest.raises(UsageError, match="name of a directory on the share"):
        settings.read(write(tmp_path, content))


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"kit.conf does not exist"):
        settings.read(str(tmp_path / "kit.conf"))
    with pytest.raises(UsageError, match="is not a file"):
        settings.read(str(tmp_path))
    with pytest.raises(UsageError, match="is empty"):
        settings.read("")
