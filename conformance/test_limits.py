# SPDX-License-Identifier: Apache-2.0
"""The limits of the commands that a driver starts."""

from __future__ import annotations

import resource
import shlex

import ddt

from conformance.case import verifies
from conformance.hook_work import HookWork
from conformance.limited_qemu_img import LimitedCommand
from conformance.limited_qemu_img import LimitedQemuImg
from conformance.rows import expanded
from conformance.rows import GUESTS

UNLIMITED = "unlimited"


@expanded
class LimitsTest(HookWork):
    """Contract section 8: inspection, and commands that move data."""

    def setUp(self) -> None:
        # Before the one that looks who has started a command.
        self._limited = self.useFixture(LimitedQemuImg())
        super().setUp()

    @ddt.data(*GUESTS)
    @verifies("HKS-011")
    def test_what_inspects_is_limited_and_what_moves_is_not(
        self, guest: str
    ) -> None:
        self.given_work_done(guest)
        # The compute service uses qemu-img as well.
        drivers = {started.words[1:] for started in self.qemu_img_commands()}
        wrong = [
            f"{shlex.join(command.words)}\n{trouble}"
            for command in self._limited.commands()
            if command.words[1:] in drivers and (trouble := _trouble(command))
        ]
        self.claim(
            not wrong,
            "limits of memory and CPU time for what inspects an image, and "
            "none of CPU time for what moves data",
            "\n".join(wrong),
        )


def _trouble(command: LimitedCommand) -> str:
    if command.inspects:
        if UNLIMITED in (command.memory, command.cpu_time):
            return f"memory: {command.memory}, CPU time: {command.cpu_time}"
    elif command.moves_data and command.cpu_time not in _usual():
        return f"CPU time: {command.cpu_time} s"
    return ""


def _usual() -> tuple[str, ...]:
    """What is no limit of the driver's: whoever runs this has it as well."""
    own, _ = resource.getrlimit(resource.RLIMIT_CPU)
    return (UNLIMITED, str(own))
