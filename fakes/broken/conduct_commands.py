# SPDX-License-Identifier: Apache-2.0
"""Defects of starting commands."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from fakes.broken.registry import BrokenDriver
from reference_driver.chain import Chain
from reference_driver.driver import RemoteFSAssistedDriver
from reference_driver.files import VolumeFiles
from reference_driver.info_file import Info
from reference_driver.plan import Plan
from reference_driver.qemu_img import HEADER_LIMITS


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
            name = json.loads(files.path(files.info).read_text()).get(key)
            subprocess.run(
                ["qemu-img", "info", "-U", "-f", "qcow2", name or files.base],
                cwd=self._directory,
                capture_output=True,
                check=False,
            )


class InspectsUnlimited(Inspects):
    """Looks at an image with all the memory and time of the host."""

    def _inspect(self, path: str) -> None:
        format_ = "qcow2" if "." in os.path.basename(path) else "raw"
        self._execute("qemu-img", "info", "-U", "-f", format_, path)


class MergesInHaste(RemoteFSAssistedDriver):
    """Gives a merge the time that a look at a header has."""

    def _commit(
        self, files: VolumeFiles, info: Info, chain: Chain, plan: Plan
    ) -> Info:
        path = str(files.path(plan.remove))
        words = ("qemu-img", "commit", "-f", "qcow2", "-d", path)
        self._execute(*words, prlimit=HEADER_LIMITS)
        return super()._commit(files, info, chain, plan)


class InspectsExclusively(RemoteFSAssistedDriver):
    """Looks at an image as if nobody had it open, before it deletes."""

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        files, _, chain = self._chain(snapshot_ref.volume)
        path = files.path(chain.active.name)
        self._qemu_img._execute("qemu-img", "info", "-f", "qcow2", str(path))
        return super().delete_snapshot_assisted_begin(snapshot_ref)


BROKEN = (
    BrokenDriver(Inspects, ("HKS-007",), ("CVE-2015-7548", "LIVE-7")),
    BrokenDriver(InspectsBySpawn, ("HKS-007",)),
    BrokenDriver(InspectsInShell, ("HKS-007",)),
    BrokenDriver(InspectsInChild, ("HKS-007",)),
    BrokenDriver(InspectsInScript, ("HKS-007",)),
    BrokenDriver(PassesNamesOn, ("HKS-008",)),
    BrokenDriver(InspectsUnlimited, ("HKS-011",), ("CVE-2015-5162",)),
    BrokenDriver(MergesInHaste, ("HKS-011",), ("bug 1646181",)),
    BrokenDriver(InspectsExclusively, ("DAT-003",), ("bug 1731992",)),
)
