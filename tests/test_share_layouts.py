# SPDX-License-Identifier: Apache-2.0
"""The reference driver on the layouts of shares in the RemoteFS family."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import contextmanager
from contextlib import ExitStack
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assisted_kit import qcow2
from assisted_kit.adapter import DriverConfiguration
from assisted_kit.process import execute
from reference_driver import info_file
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.errors import ForeignImage
from reference_driver.errors import RemoteFSException
from reference_driver.files import Layout
from reference_driver.files import VolumeFiles
from reference_driver.layouts import IgnoresCase
from reference_driver.layouts import LAYOUTS
from reference_driver.layouts import MountedByHash
from reference_driver.layouts import OpenToAll
from reference_driver.layouts import OwnedByRoot
from reference_driver.layouts import WithExtension
from tests.command_line import assisted_kit_run
from tests.mounted_shares import CannotMount
from tests.mounted_shares import fuse
from tests.mounted_shares import glusterfs
from tests.mounted_shares import ntfs
from tests.warm_runs import WarmRuns

SAMPLE = (
    *("CRE-003", "CRE-010", "CON-002", "DEL-005"),
    *("PND-001", "SEC-001", "ABL-002", "CRE-009"),
)
"""Rules by which names, paths and modes of images matter."""

VOLUME: Any = SimpleNamespace(name="volume-1", encryption_key_id=None)


def name_of(driver: type) -> str:
    """What the command line calls a driver."""
    return f"{driver.__module__}:{driver.__name__}"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_reference_driver_passes(
    layout: type, tmp_path: Path, warm_runs: WarmRuns
) -> None:
    done = warm_runs.run(tmp_path, "--driver", name_of(layout), rules=SAMPLE)
    assert set(done.statuses.values()) == {"passed"}, done.output
    assert f"reference_driver.layouts:{layout.__name__}" in done.output


def test_stories_are_of_volumes_that_there_are(
    tmp_path: Path, warm_runs: WarmRuns
) -> None:
    # It has no raw ones, and those in one directory have no names in common.
    done = warm_runs.run(
        tmp_path,
        *("--driver", name_of(WithExtension)),
        rules=("MCH-001", "MCH-002"),
    )
    assert set(done.statuses.values()) == {"passed"}, done.output


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_reference_driver_is_conformant(layout: type, tmp_path: Path) -> None:
    done = assisted_kit_run(
        tmp_path, *("--driver", name_of(layout), "-n", "2")
    )
    assert done.exit_status == 0, done.output
    assert done.output.startswith("conformant")


# -- shares of other file systems


def configured(share: Path, tmp_path: Path, driver: type) -> str:
    """A configuration of the reference driver on a share that is mounted.

    :param driver: itself, or a layout that suits the share.
    """
    able = RemoteFSAssistedDriver.assisted_capabilities
    config = tmp_path / "kit.conf"
    config.write_text(
        f"[assisted_kit]\n"
        f"driver = {name_of(driver)}\n"
        f"share = {share}\n"
        # A raw image has to be read from end to end where there are no holes.
        f"capabilities = {', '.join(sorted(able - {'raw_base'}))}\n"
    )
    return str(config)


@contextmanager
def mounted(
    mount: Callable[[Path], AbstractContextManager[Path]], directory: Path
) -> Iterator[Path]:
    """A share, or a test that is skipped and says why."""
    with ExitStack() as stack:
        try:
            share = stack.enter_context(mount(directory))
        except CannotMount as error:
            pytest.skip(f"left out, {mount.__name__}: {error}")
        yield share


@pytest.mark.parametrize(
    ("mount", "driver"),
    [
        (fuse, RemoteFSAssistedDriver),
        pytest.param(ntfs, IgnoresCase, marks=pytest.mark.slow),
        # Its service is at the one port where clients look for it.
        pytest.param(
            glusterfs, RemoteFSAssistedDriver, marks=pytest.mark.slow
        ),
    ],
)
def test_reference_driver_passes_on_a_mounted_share(
    mount: Callable[[Path], AbstractContextManager[Path]],
    driver: type,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    warm_runs: WarmRuns,
) -> None:
    with mounted(mount, tmp_path_factory.mktemp("share")) as share:
        config = configured(share, tmp_path, driver)
        done = warm_runs.run(tmp_path, "--config", config, rules=SAMPLE)
        assert set(done.statuses.values()) == {"passed"}, done.output
        # What is made for a run is gone after it.
        assert not list(share.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mount", "driver"),
    [
        (fuse, RemoteFSAssistedDriver),
        (ntfs, IgnoresCase),
        (glusterfs, RemoteFSAssistedDriver),
    ],
)
def test_reference_driver_is_conformant_on_a_mounted_share(
    mount: Callable[[Path], AbstractContextManager[Path]],
    driver: type,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with mounted(mount, tmp_path_factory.mktemp("share")) as share:
        config = configured(share, tmp_path, driver)
        done = assisted_kit_run(tmp_path, "--config", config, "-n", "2")
        assert done.exit_status == 0, done.output
        assert done.output.startswith("conformant")


UNPLUGGED = """\
import os
import signal

from reference_driver.driver import RemoteFSAssistedDriver


class Driver(RemoteFSAssistedDriver):
    def create_volume(self, volume):
        os.kill({pid}, signal.SIGKILL)
        return super().create_volume(volume)
"""
"""A driver whose share is gone as soon as it is used."""


def server_of(point: Path) -> int:
    """The process that serves the FUSE file system mounted there."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            words = (process / "cmdline").read_bytes().split(b"\0")
            if words[0] == b"bindfs" and os.fsencode(point) in words:
                return int(process.name)
    raise LookupError(point)


def test_share_that_is_gone_is_named(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with mounted(fuse, tmp_path_factory.mktemp("share")) as share:
        module = UNPLUGGED.format(pid=server_of(share))
        (tmp_path / "unplugged.py").write_text(module)
        config = tmp_path / "kit.conf"
        config.write_text(f"[assisted_kit]\nshare = {share}\n")
        done = assisted_kit_run(
            tmp_path,
            *("--driver", "unplugged:Driver", "--config", str(config)),
            rules=("CRE-003",),
        )
    assert done.exit_status != 0
    assert "the share cannot be read any more" in done.output
    assert str(share) in done.output
    assert "a defect of the kit's" not in done.errors


def test_what_cannot_be_mounted_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(pytest.skip.Exception, match="left out, fuse: "),
        mounted(fuse, tmp_path),
    ):
        pass


# -- how files are named


def test_names_with_an_extension(tmp_path: Path) -> None:
    files = VolumeFiles(tmp_path, VOLUME, Layout(extension=".img"))
    assert files.base == "volume-1.img"
    assert files.info == "volume-1.img.info"
    assert files.overlay("abcd") == "volume-1.abcd.img"
    assert files.temporary_overlay("ef") == "volume-1.tmp-snap-ef.img"
    for foreign in ("volume-1", "volume-1.abcd", "volume-12.img"):
        with pytest.raises(ForeignImage):
            files.own(foreign)


@pytest.mark.parametrize("written", ["VOLUME-1.AbCd", "volume-1.abcd"])
def test_a_share_that_ignores_case(tmp_path: Path, written: str) -> None:
    files = VolumeFiles(tmp_path, VOLUME, Layout(ignores_case=True))
    assert files.own(written) == "volume-1.abcd"
    info = {"active": written, "abcd": written}
    files.path(files.info).write_text(json.dumps(info))
    read = info_file.read(files)
    assert (read.active, read.overlays) == (
        "volume-1.abcd",
        {"abcd": "volume-1.abcd"},
    )
    files.path(written).touch()
    assert files.images() == ["volume-1.abcd"]


def test_any_other_share_does_not(tmp_path: Path) -> None:
    files = VolumeFiles(tmp_path, VOLUME)
    with pytest.raises(ForeignImage):
        files.own("VOLUME-1")


# -- where they are, and who may use them


def driver_with(**options: Any) -> RemoteFSAssistedDriver:
    """A driver that is configured so."""
    return RemoteFSAssistedDriver(DriverConfiguration(options))


def test_a_mount_is_named_after_its_export(tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    adapter = MountedByHash(RemoteFSAssistedDriver)
    driver = driver_with(**adapter.configuration(share, "raw"))
    # As `printf 192.0.2.7:/srv/volumes | md5sum` has it.
    point = tmp_path / "share.mnt" / "954ded9d2a3e0348ad1cd06e487806d9"
    assert adapter.mount_point(driver, share) == point
    volume = SimpleNamespace(**vars(VOLUME), size=1)
    made = driver.create_volume(volume)
    assert made["provider_location"] == "192.0.2.7:/srv/volumes"
    assert (share / "volume-1").samefile(point / "volume-1")


def test_a_mount_needs_an_export() -> None:
    with pytest.raises(RemoteFSException, match="export is not"):
        driver_with(mount_point_base="/mnt")


@pytest.mark.parametrize("base", ["raw", "qcow2"])
@pytest.mark.parametrize(
    ("secure", "mode"),
    [(None, 0o660), ("auto", 0o660), ("true", 0o660), ("false", 0o666)],
)
def test_mode_of_a_new_image(
    tmp_path: Path, base: str, secure: str | None, mode: int
) -> None:
    driver = driver_with(
        share_directory=str(tmp_path),
        qcow2_volumes=str(base == "qcow2"),
        nas_secure_file_permissions=secure,
    )
    volume = SimpleNamespace(**vars(VOLUME), size=1)
    driver.create_volume(volume)
    made = (tmp_path / "volume-1").stat()
    assert stat.S_IMODE(made.st_mode) == mode


def test_what_root_has_made_must_be_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {
        "share_directory": str(tmp_path),
        "nas_secure_file_operations": "false",
    }
    driver_with(**options)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RemoteFSException, match="file_permissions to false"):
        driver_with(**options)
    driver_with(**options, nas_secure_file_permissions="false")


@pytest.mark.parametrize("base", ["raw", "qcow2"])
def test_files_of_root_are_made_by_commands(tmp_path: Path, base: str) -> None:
    started = []

    def run(*words: str, run_as_root: bool = False, **options: Any) -> Any:
        started.append((words[0], run_as_root))
        return execute(*words, **options)

    configuration = OwnedByRoot(RemoteFSAssistedDriver).configuration(
        tmp_path, base
    )
    driver = RemoteFSAssistedDriver(DriverConfiguration(configuration), run)
    driver.create_volume(SimpleNamespace(**vars(VOLUME), size=1))
    assert {as_root for _, as_root in started} == {True}
    assert started[-1] == ("mv", True)
    image = tmp_path / "volume-1"
    assert stat.S_IMODE(image.stat().st_mode) == 0o666
    with qcow2.Layer.open(image, base) as layer:
        assert layer.virtual_size == 1024**3


def test_a_layout_is_an_operators_configuration(tmp_path: Path) -> None:
    options = OpenToAll(RemoteFSAssistedDriver).configuration(tmp_path, "raw")
    assert options["nas_secure_file_permissions"] == "false"
