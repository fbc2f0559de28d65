# SPDX-License-Identifier: Apache-2.0
"""Nothing that was read from a share is trusted: info files and names."""

from __future__ import annotations

import json
import shutil

import ddt

from assisted_kit.capabilities import Capability
from conformance import hostile
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import expanded
from conformance.rows import requires
from conformance.rows import row
from conformance.volume import VolumeUnderTest

DAMAGED = {
    "empty": b"",
    "cut_off": b'{"active": "volume-',
    "a_list": b"[]",
    "without_active": b"{}",
    "nested_too_deep": b"[" * 200_000,
}
"""What an info file can hold that is none."""

FOREIGN_ACTIVE = {
    "option": "-rf",
    "pseudo_file": 'json:{"driver":"nbd"}',
    "absolute": "/etc/hostname",
    "parent_directory": "../outside",
    "sub_directory": "other/volume",
    "another_suffix": "{own}.exe",
    "trailing_newline": "{own}\n",
}
"""What an info file can name; ``{own}`` is what it named rightly."""


@expanded
class InfoFileTest(ConformanceTest):
    """Contract sections 3 and 8."""

    @ddt.data("absolute", "parent_directory", "another_volumes")
    @verifies("SEC-002")
    def test_foreign_file_is_left_alone(self, kind: str) -> None:
        volume = self.given_volume(snapshots=1)
        share = volume.deployment.share
        outside = share.parent / f"{share.name}.outside"
        self.addCleanup(outside.unlink, missing_ok=True)
        name = {
            "absolute": str(outside),
            "parent_directory": f"../{outside.name}",
            "another_volumes": "volume-another",
        }[kind]
        victim = share / name
        victim.write_bytes(b"not yours")
        info = volume.info() or {}
        snapshot = volume.snapshots[0]
        volume.write_info(json.dumps({**info, snapshot.id: name}).encode())
        snapshot.start_delete()
        volume.settle()
        self.claim(
            victim.exists() and victim.read_bytes() == b"not yours",
            f"{name} is left alone",
            f"{name} was changed or removed",
        )
        self.claim_equal(
            "error_deleting", snapshot.status, "the snapshot's status"
        )

    @ddt.data(
        row("option", "connect"),
        row("pseudo_file", "create"),
        row("absolute", "connect"),
        row("parent_directory", "delete"),
        row("sub_directory", "create"),
        row("another_suffix", "connect"),
        row("trailing_newline", "delete"),
    )
    @ddt.unpack
    @verifies("SEC-011")
    def test_foreign_active_image_is_refused(
        self, kind: str, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=1, writes=False)
        own = volume.active().path
        name = FOREIGN_ACTIVE[kind].replace("{own}", own.name)
        if kind == "another_suffix":
            # It is there, and looks like the volume's.
            shutil.copyfile(own, own.with_name(name))
        volume.write_info(
            json.dumps({**(volume.info() or {}), "active": name}).encode()
        )
        self.claim_refused(operation)

    @ddt.data("connect", "create")
    @verifies("SEC-011")
    def test_another_volumes_image_is_refused(self, operation: str) -> None:
        volume = self.given_volume(snapshots=1, writes=False)
        another = VolumeUnderTest(volume.deployment)
        another.take_snapshot()
        name = another.active().path.name
        volume.write_info(
            json.dumps({**(volume.info() or {}), "active": name}).encode()
        )
        self.claim_refused(operation)

    @ddt.data(*DAMAGED)
    @verifies("SEC-003")
    def test_damaged_info_file_is_an_error(self, damage: str) -> None:
        volume = self.given_volume(snapshots=1, writes=False)
        before = volume.active()
        volume.write_info(DAMAGED[damage])
        try:
            observed = volume.active()
        except Exception as error:  # whatever the driver raises
            self.claim(True, "", str(error))
        else:
            self.claim(
                observed == before,
                "an error, or the image that was active",
                f"{observed.path.name} is attached",
            )
        snapshot = volume.start_snapshot()
        volume.settle()
        self.claim_equal("error", snapshot.status, "another snapshot")


@expanded
class CommandTest(ConformanceTest):
    """Contract section 8: names and commands."""

    @ddt.data(
        row("-rf", "create"),
        row("json:{}", "delete"),
        row("nbd://192.0.2.1/export", "create"),
    )
    @ddt.unpack
    @verifies("SEC-012")
    def test_name_from_a_header_reaches_no_command(
        self, name: str, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=1, writes=False)
        hostile.name_backing_file(volume.active().path, name, "raw")
        self._claim_in_no_command(name, volume, operation)

    @ddt.data(
        row("-rf", "delete"),
        row("json:{}", "create"),
        row("nbd://192.0.2.1/export", "delete"),
    )
    @ddt.unpack
    @requires(Capability.cinder_share_layout)
    @verifies("SEC-012")
    def test_name_from_an_info_file_reaches_no_command(
        self, name: str, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=1, writes=False)
        named = dict.fromkeys(volume.info() or {}, name)
        volume.write_info(json.dumps(named).encode())
        self._claim_in_no_command(name, volume, operation)

    def _claim_in_no_command(
        self, name: str, volume: VolumeUnderTest, operation: str
    ) -> None:
        if operation == "create":
            volume.start_snapshot()
        else:
            volume.snapshots[0].start_delete()
        volume.settle()
        commands = [
            str(command)
            for command in volume.deployment.watch.commands()
            if any(name in word for word in command.words)
        ]
        self.claim_equal([], commands, f"commands with {name}")
