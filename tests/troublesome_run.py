# SPDX-License-Identifier: Apache-2.0
"""Runs of troublesome drivers, and what they leave behind."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command_line import assisted_kit_run
from tests.command_line import Finished

DRIVERS = Path(__file__).parent / "drivers"
SOURCES = (DRIVERS, Path(__file__).parent.parent)
"""The drivers, and the kit that these tests belong to."""


@dataclass(frozen=True)
class Place:
    """Where a test runs the command line, and what is there to be left."""

    directory: Path
    """The user's own."""
    share: Path
    temporary: Path
    config_file: Path

    @classmethod
    def at(cls, path: Path, patch: pytest.MonkeyPatch) -> Place:
        """A place below ``path``, from which the drivers can be imported."""
        place = cls(
            path / "here", path / "share", path / "tmp", path / "kit.conf"
        )
        for directory in (place.directory, place.share, place.temporary):
            directory.mkdir()
        place.configure()
        patch.setenv("TMPDIR", str(place.temporary))
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, SOURCES)))
        return place

    def configure(self, *lines: str) -> None:
        """Write the configuration file: the share, and these lines."""
        head = ("[assisted_kit]", f"share = {self.share}")
        self.config_file.write_text("\n".join((*head, *lines, "")))

    @property
    def left(self) -> list[str]:
        """What is left on the share and in the temporary directory."""
        return sorted(
            entry.name
            for directory in (self.share, self.temporary)
            for entry in directory.iterdir()
        )

    def run(
        self, name: str, *arguments: str, rules: tuple[str, ...]
    ) -> Finished:
        """``assisted-kit run`` on a driver of ``tests/drivers``."""
        return assisted_kit_run(
            self.directory,
            "--driver",
            f"troublesome:{name}",
            "--config",
            str(self.config_file),
            *arguments,
            rules=rules,
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Directories of its own for each test."""
    return Place.at(tmp_path, monkeypatch)
