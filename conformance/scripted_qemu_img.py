# SPDX-License-Identifier: Apache-2.0
"""A script in the place of ``qemu-img``, and what it notes down."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import fixtures


class ScriptedQemuImg(fixtures.Fixture):
    """Puts a script named ``qemu-img`` first in PATH.

    Only PATH leads to it, whether the driver starts commands through
    execute or by itself.
    """

    def _setUp(self) -> None:
        found = shutil.which("qemu-img")
        assert found is not None, "there is no qemu-img"
        directory = Path(self.useFixture(fixtures.TempDir()).path)
        self.log = directory / "log"
        # A driver's commands may run as another user.
        self.log.mkdir(mode=0o1777)
        script = directory / "qemu-img"
        script.write_text(self.script(found, directory))
        script.chmod(0o755)
        path = f"{directory}:{os.environ.get('PATH', os.defpath)}"
        self.useFixture(fixtures.EnvironmentVariable("PATH", path))

    def script(self, qemu_img: str, directory: Path) -> str:
        """The script.

        :param qemu_img: the path of the real one.
        :param directory: for what it needs; ``log`` is there.
        """
        raise NotImplementedError

    def notes(self) -> list[list[str]]:
        """What it has written to files in ``log``, between NULs, in order."""
        files = sorted(self.log.iterdir(), key=lambda f: f.stat().st_mtime_ns)
        return [os.fsdecode(f.read_bytes()).split("\0") for f in files]
