# SPDX-License-Identifier: Apache-2.0
"""Defects of starting commands."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver.driver import RemoteFSAssistedDriver


class Inspects(RemoteFSAssistedDriver):
    """Asks qemu-img what the active image is, without saying its format."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files, _, chain = self._chain(snapshot_ref.volume)
        self._inspect(str(files.path(chain.active.name)))
        return super().create_snapshot_assisted_begin(snapshot_ref)

    def _inspect(self, path: str) -> None:
        words = ("qemu-img", "info", "-U", "--output=json", path)
        self._qemu_img._execute("env", "LC_ALL=C", *words)


class InspectsBySpawn(Inspects):
    """Probes a format, in a process that it starts by ``posix_spawn``."""

    def _inspect(self, path: str) -> None:
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        words = ["qemu-img", "info", "-U", path]
        quiet = [(os.POSIX_SPAWN_DUP2, null, 1)]
        pid = os.posix_spawnp(words[0], words, os.environ, file_actions=quiet)
        os.waitpid(pid, 0)
        os.close(null)


class InspectsInShell(Inspects):
    """Probes a format, in a line for the shell."""

    def _inspect(self, path: str) -> None:
        os.system(f"cd / && qemu-img check -U '{path}' >/dev/null 2>&1")  # noqa: S605


class InspectsInChild(Inspects):
    """Probes a format, in a process that it forks."""

    def _inspect(self, path: str) -> None:
        words = ["env", "qemu-img", "compare", "-q", "-U", path, path]
        os.spawnvp(os.P_WAIT, words[0], words)  # noqa: S606


class InspectsInScript(Inspects):
    """Probes a format, in a script that it keeps on the share."""

    def _inspect(self, path: str) -> None:
        script = self._directory / "inspect.sh"
        script.write_text('qemu-img info -U "$1" > /dev/null')
        subprocess.run(["sh", str(script), path], check=False)
        script.unlink()


class PassesNamesOn(RemoteFSAssistedDriver):
    """Looks at the images that the info file names, whatever it says."""

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._look(snapshot_ref, "active")
        return super().create_snapshot_assisted_begin(snapshot_ref)

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        self._look(snapshot_ref, snapshot_ref.id)
        return super().delete_snapshot_assisted_begin(snapshot_ref)

    def _look(self, snapshot_ref: Any, key: str) -> None:
        files = self._files(snapshot_ref.volume)
        if files.exists(files.info):
            name = json.loads(files.path(files.info).read_text())[key]
            subprocess.run(
                ["qemu-img", "info", "-U", "-f", "qcow2", name],
                cwd=self._directory,
                capture_output=True,
                check=False,
            )


BROKEN = (
    BrokenDriver(Inspects, ("HKS-007",), ("CVE-2015-7548", "LIVE-7")),
    BrokenDriver(InspectsBySpawn, ("HKS-007",)),
    BrokenDriver(InspectsInShell, ("HKS-007",)),
    BrokenDriver(InspectsInChild, ("HKS-007",)),
    BrokenDriver(InspectsInScript, ("HKS-007",)),
    BrokenDriver(PassesNamesOn, ("HKS-008",)),
)
