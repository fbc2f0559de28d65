# SPDX-License-Identifier: Apache-2.0
"""Tests of what is seen while hooks run, however they end."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import NamedTuple

from conformance.case import ConformanceTest
from conformance.nested_qemu_img import NestedQemuImg
from conformance.volume import VolumeUnderTest
from conformance.watch import Sort


class Started(NamedTuple):
    """A command that the driver, or a script of its, has started."""

    words: tuple[str, ...]
    line: str
    """The command line, and how it ended where that is known."""
    origin: str
    """What started it."""

    def __str__(self) -> str:
        return f"{self.line}\n{self.origin}"


class HookWork(ConformanceTest):
    """Volumes whose hooks all run, however they end."""

    def setUp(self) -> None:
        super().setUp()
        self._nested = self.useFixture(NestedQemuImg())

    def given_work_done(self, guest: str) -> VolumeUnderTest:
        """A volume that had two snapshots, both deleted again."""
        volume = self.given_volume(attached=guest == "attached")
        taken = []
        for _ in range(2):
            taken.append(volume.start_snapshot())
            volume.settle()
        for snapshot in taken:
            snapshot.start_delete()
            volume.settle()
        return volume

    def claim_never(self, sort: Sort) -> None:
        """Claim that no hook was seen to do something."""
        assert self.deployment is not None
        seen = self.deployment.watch.sightings(sort)
        self.claim(
            not seen,
            f"no hook {sort}",
            "\n".join(dict.fromkeys(map(str, seen))),
        )

    def commands(self) -> Iterator[Started]:
        """The commands that were started, those of scripts included."""
        assert self.deployment is not None
        for command in self.deployment.watch.commands():
            yield Started(command.words, str(command), f"at {command.where}")
        yield from self._of_scripts()

    def qemu_img_commands(self) -> Iterator[Started]:
        """Those of ``qemu-img``, below wrappers and in lines for a shell."""
        assert self.deployment is not None
        for command in self.deployment.watch.commands():
            for words in command.of_qemu_img():
                yield Started(words, str(command), f"at {command.where}")
        yield from self._of_scripts()

    def _of_scripts(self) -> Iterator[Started]:
        for nested in self._nested.commands():
            line = shlex.join(nested.words)
            yield Started(nested.words, line, f"started by {nested.starter}")
