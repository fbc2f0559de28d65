# SPDX-License-Identifier: Apache-2.0
"""Back ends of a cinder.conf, verified as they are configured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cinder_database import needs_cinder

from assisted_kit import settings
from tests.command_line import Finished
from tests.warm_runs import WarmRuns

CONF = """\
[DEFAULT]
enabled_backends = good, bad
[database]
connection = mysql+pymysql://cinder:secret@db/cinder
[backend_defaults]
colour = blue
export = filer:/shared
[good]
volume_driver = reference_driver.driver.RemoteFSAssistedDriver
export = filer:/good
[bad]
volume_driver = fakes.broken.creates.OneSectorShort
[nfs1]
volume_driver = cinder.volume.drivers.nfs.NfsDriver
volume_backend_name = gold
nas_host = 198.51.100.9
nas_share_path = /exports/gold
nfs_qcow2_volumes = True
nfs_mount_options = vers=4
image_volume_cache_enabled = True
[lost]
volume_driver = reference_driver.driver.RemoteFSAssistedDriver
export = $nowhere
[unclear]
volume_driver = cinder.volume.drivers.nfs.NfsDriver
nfs_mount_attempts = often
nas_host = filer$$1
[homeless]
colour = red
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """One with a cinder.conf."""
    (tmp_path / "cinder.conf").write_text(CONF)
    return tmp_path


Run = Callable[..., Finished]
"""Verifies an easy rule, with these words of the command line."""


@pytest.fixture
def run(directory: Path, warm_runs: WarmRuns) -> Run:
    """A command line in the directory that has the cinder.conf."""

    def run(*words: str) -> Finished:
        return warm_runs.run(directory, *words, rules=("CRE-001",))

    return run


OF_FILE = ("--config-file", "cinder.conf")


def statuses(done: Finished) -> dict[str, str]:
    """How the rule ended for each back end."""
    assert done.result is not None, done.errors
    found = done.result["backends"].items()
    return {name: result["rules"][0]["status"] for name, result in found}


def test_every_enabled_back_end_is_verified(directory: Path, run: Run) -> None:
    done = run(*OF_FILE, "--junit", "junit.xml")
    assert done.exit_status == 1
    assert statuses(done) == {"good": "passed", "bad": "failed"}
    first, _, second = done.output.partition("[bad]\n")
    assert first.startswith("[good]\n")
    assert "not conformant: fakes.broken.creates:OneSectorShort" in second
    suites = ElementTree.parse(directory / "junit.xml").getroot()
    assert [suite.attrib["name"] for suite in suites] == [
        "good.CRE",
        "bad.CRE",
    ]


def test_only_those_that_are_named_are_verified(run: Run) -> None:
    done = run(*OF_FILE, "--backend", "good", "--backend", "good")
    assert done.exit_status == 0, done.errors
    assert statuses(done) == {"good": "passed"}


def test_failure_says_how_to_repeat_it(run: Run) -> None:
    done = run(*OF_FILE, "--backend", "bad")
    assert "--config 'cinder.conf[bad]' --rule CRE-001" in done.output
    again = run("--config", "cinder.conf[bad]")
    assert again.statuses == {"CRE-001": "failed"}


def test_section_is_the_configuration(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory)
    found = settings.read("cinder.conf[good]")
    assert found.driver == "reference_driver.driver:RemoteFSAssistedDriver"
    assert found.driver_options == {
        "colour": "blue",
        "export": "filer:/good",
    }
    # The service's own are left alone.
    assert (found.database, found.share) == (None, None)


def test_what_options_refer_to_is_the_files(tmp_path: Path) -> None:
    file = tmp_path / "cinder.conf"
    file.write_text(
        "[DEFAULT]\nmy_ip = 198.51.100.4\n"
        "[backend_defaults]\nexport = $my_ip:/srv\n"
        "[b]\nvolume_driver = mine.Driver\ncolour = blue\n"
        "paint = ${colour}ish\nprice = 5$$\n"
    )
    assert settings.read(f"{file}[b]").driver_options == {
        "export": "198.51.100.4:/srv",
        "colour": "blue",
        "paint": "blueish",
        "price": "5$",
    }


def test_file_whose_name_looks_so_is_itself(tmp_path: Path) -> None:
    file = tmp_path / "kit[1]"
    file.write_text("[assisted_kit]\npatience = 7\n")
    assert settings.read(str(file)).patience == 7


@needs_cinder
def test_value_that_an_option_of_cinders_cannot_have(run: Run) -> None:
    done = run(*OF_FILE, "--backend", "unclear")
    assert done.exit_status == 2
    said = "cinder.conf[unclear]: the option nfs_mount_attempts cannot be"
    assert f"{said} 'often'" in done.errors
    assert "Traceback" not in done.errors


@needs_cinder
def test_driver_of_cinders_has_its_section(run: Run) -> None:
    done = run(*OF_FILE, "--backend", "nfs1")
    assert statuses(done) == {"nfs1": "passed"}, done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--config-file", "cinder.conf", "--backend", "none"),
            "has no section [none]; enabled_backends names good, bad",
        ),
        (
            ("--config-file", "cinder.conf", "--backend", "homeless"),
            "volume_driver in [homeless] is missing",
        ),
        (
            ("--config-file", "cinder.conf", "--backend", "lost"),
            "the option export in [lost]: no such option nowhere",
        ),
        (("--backend", "good"), "--config-file"),
        (("--config-file", "none.conf"), "none.conf does not exist"),
        (("--config-file", "empty.conf"), "enabled_backends in [DEFAULT]"),
        (
            ("--config-file", "cinder.conf", "--config", "kit.conf"),
            "exclude each other",
        ),
        (("--config", "cinder.conf[none]"), "has no section [none]"),
    ],
)
def test_wrong_usage(
    words: tuple[str, ...], said: str, directory: Path, run: Run
) -> None:
    (directory / "empty.conf").touch()
    done = run(*words)
    assert done.exit_status == 2
    assert said in done.errors
    assert done.output == ""
