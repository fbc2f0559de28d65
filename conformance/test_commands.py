# SPDX-License-Identifier: Apache-2.0
"""The commands that a driver starts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from collections.abc import Sequence

import ddt

from assisted_kit.capabilities import Capability
from conformance.case import verifies
from conformance.hook_work import HookWork
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.rows import GUESTS
from conformance.rows import requires
from conformance.watch import qemu_img

HOSTILE: Mapping[str, str] = {
    "option": "--object=secret,id=x,file=/etc/hostname",
    "json": 'json:{"driver":"raw","file.filename":"/etc/hostname"}',
    "nbd": "nbd://127.0.0.1:9/x",
}
"""Names that are no names of files, as somebody may write them."""


@expanded
class FormatTest(HookWork):
    """Contract section 3: a format is recorded, never probed."""

    @ddt.data(*GUESTS)
    @verifies("HKS-007")
    def test_formats_are_named(self, guest: str) -> None:
        self.given_work_done(guest)
        self._claim_formats_named()

    @requires(Capability.create_from_snapshot)
    @verifies("HKS-007")
    def test_formats_are_named_when_copying(self) -> None:
        volume = self.given_volume(snapshots=1)
        volume.copy_difference(volume.snapshots[0])
        self._claim_formats_named()

    @verifies("HKS-007")
    def test_formats_are_named_when_extending(self) -> None:
        volume = self.given_volume()
        with contextlib.suppress(Exception):
            # It may refuse to.
            volume.deployment.manager.volumes.extend(volume.id, 2)
        self._claim_formats_named()

    def _claim_formats_named(self) -> None:
        left_open = [
            f"{command}\nleaves open the format of {', '.join(images)}"
            for command in self.qemu_img_commands()
            if (images := qemu_img.unnamed_formats(command.words))
        ]
        self.claim(
            not left_open,
            "qemu-img is told every format",
            "\n".join(left_open),
        )


@expanded
class NameTest(HookWork):
    """Contract section 8: names from the share are not trusted."""

    @ddt.data(*crossed(HOSTILE, ("create", "delete")))
    @ddt.unpack
    @verifies("HKS-008")
    def test_no_name_becomes_an_option_or_a_pseudo_file(
        self, kind: str, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=1)
        snapshot = volume.snapshots[0]
        key = "active" if operation == "create" else snapshot.id
        changed = {**(volume.info() or {}), key: HOSTILE[kind]}
        volume.write_info(json.dumps(changed).encode())
        if operation == "create":
            snapshot = volume.start_snapshot()
        else:
            snapshot.start_delete()
        volume.settle()
        started = (*self.commands(), *self.qemu_img_commands())
        found = [
            str(command)
            for command in started
            if _is_passed(HOSTILE[kind], command.words)
        ]
        self.claim(
            not found,
            f"no command with {HOSTILE[kind]}",
            "\n".join(dict.fromkeys(found)),
        )


def _is_passed(name: str, words: Sequence[str]) -> bool:
    """Whether a name stands where it is not taken for a file's."""
    for index, word in enumerate(words):
        if word == name or word.endswith(f"={name}"):
            protected = name.startswith("-") and "--" in words[:index]
            return not protected
    return False
