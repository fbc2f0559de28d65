# SPDX-License-Identifier: Apache-2.0
"""Nothing that was read from a share is trusted: info files and names."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import ddt

from assisted_kit.capabilities import Capability
from conformance import storage
from conformance.case import verifies
from conformance.hostile import backing_files
from conformance.hostile import info_files
from conformance.hostile.case import HostileTest
from conformance.hostile.case import share_of
from conformance.hostile.surroundings import Surroundings
from conformance.rows import expanded
from conformance.rows import requires
from conformance.volume import VolumeUnderTest

OPERATIONS = ("connect", "create", "delete")


class DeletedVolumeTest(HostileTest):
    """Contract sections 3 and 8: what is removed with a volume."""

    @requires(Capability.cinder_share_layout)
    @verifies("SEC-002")
    def test_foreign_file_outlives_the_volume(self) -> None:
        around = self.surroundings()
        deployment = self._volume().deployment
        before = victims(around)
        names = [*info_files.FOREIGN.values(), around.another.name]
        for template in names:
            volume = VolumeUnderTest(deployment)
            info = deployment.share / f"{volume.name}.info"
            info.write_text(json.dumps({"active": around.name(template)}))
            # Whether it can be deleted so, nothing says.
            with contextlib.suppress(Exception):
                deployment.driver.delete_volume(volume.ref())
            self.claim_equal(before, victims(around), "other files")


def victims(around: Surroundings) -> dict[str, str]:
    """What is none of a volume's, with what tells a change."""
    another = {around.another.name: storage.digest(around.another)}
    return {**storage.contents(around.outside), **another}


@expanded
class InfoFileTest(HostileTest):
    """Contract sections 3 and 8."""

    def given_info(self) -> tuple[Surroundings, Path]:
        """A volume, and where its info file is."""
        around = self.surroundings()
        volume = self._volume()
        return around, volume.deployment.share / f"{volume.name}.info"

    @verifies("SEC-002")
    def test_foreign_file_is_left_alone(self) -> None:
        around, info = self.given_info()
        snapshot = self._volume().snapshots[0]
        said = json.loads(info.read_bytes())
        names = {
            **info_files.FOREIGN,
            "another volume's": around.another.name,
        }
        before = victims(around)
        for template in self.each(names, "the name of an overlay"):
            name = around.name(template)
            info.write_text(json.dumps({**said, snapshot.id: name}))
            snapshot.start_delete(force=True)
            self._volume().settle()
            self.claim_equal(
                "error_deleting", snapshot.status, "the snapshot's status"
            )
            self.claim_equal(before, victims(around), "other files")

    @ddt.data(*OPERATIONS)
    @verifies("SEC-011")
    def test_foreign_active_image_is_refused(self, operation: str) -> None:
        around, info = self.given_info()
        said = json.loads(info.read_bytes())
        names = share_of(info_files.FOREIGN, "active", operation)
        for template in self.each(names, "the active image's name"):
            name = around.name(template)
            info.write_text(json.dumps({**said, "active": name}))
            self.claim_refused(operation)

    @ddt.data("connect", "create")
    @verifies("SEC-011")
    def test_what_looks_like_an_own_image_is_refused(
        self, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=1, writes=False)
        own = volume.active().path
        name = f"{own.name}.exe"
        shutil.copyfile(own, own.with_name(name))
        volume.write_info(
            json.dumps({**(volume.info() or {}), "active": name}).encode()
        )
        self.claim_refused(operation)

    @verifies("SEC-003")
    def test_damaged_info_file_is_an_error(self) -> None:
        _, info = self.given_info()
        for content in self.each(info_files.DAMAGED, info.name):
            info.write_bytes(content)
            self._claim_error()

    @verifies("SEC-003")
    def test_what_is_no_regular_info_file_is_an_error(self) -> None:
        around, info = self.given_info()
        for put in self.each(info_files.NO_FILES, info.name):
            put(around, info)
            self._claim_error()

    def _claim_error(self) -> None:
        """Claim that the volume can neither be attached nor changed."""
        self.claim_refused("connect")
        snapshot = self._volume().start_snapshot()
        self._volume().settle()
        self.claim_equal("error", snapshot.status, "another snapshot")

    @ddt.data(*OPERATIONS)
    @verifies("SEC-015")
    @requires(Capability.cinder_share_layout)
    def test_nothing_outside_is_opened_through_an_info_file(
        self, operation: str
    ) -> None:
        around, info = self.given_info()
        keys = list(json.loads(info.read_bytes()))
        names = share_of(backing_files.LEADING_OUT, "active", operation)
        for template in self.each(names, "every name in the info file"):
            name = around.name(template)
            info.write_text(json.dumps(dict.fromkeys(keys, name)))
            self.claim_untouched(operation)


@expanded
class CommandTest(HostileTest):
    """Contract section 8: names and commands."""

    @ddt.data("create", "delete")
    @verifies("SEC-012")
    def test_name_from_a_header_reaches_no_command(
        self, operation: str
    ) -> None:
        around = self.surroundings()
        images = share_of(backing_files.TELLING, "active", operation)
        for name in self.each(images, around.image.name):
            backing_files.named(name)(around)
            self._claim_in_no_command(around.name(name), operation)

    @ddt.data("create", "delete")
    @requires(Capability.cinder_share_layout)
    @verifies("SEC-012")
    def test_name_from_an_info_file_reaches_no_command(
        self, operation: str
    ) -> None:
        around = self.surroundings()
        volume = self._volume()
        keys = list(volume.info() or {})
        names = share_of(backing_files.TELLING, "active", operation)
        for template in self.each(names, "every name in the info file"):
            name = around.name(template)
            volume.write_info(json.dumps(dict.fromkeys(keys, name)).encode())
            self._claim_in_no_command(name, operation)

    def _claim_in_no_command(self, name: str, operation: str) -> None:
        watch = self._volume().deployment.watch
        before = len(watch.commands())
        self.attempt(operation)
        commands = [
            str(command)
            for command in watch.commands()[before:]
            if any(name in word for word in command.words)
        ]
        self.claim_equal([], commands, f"commands with {name}")
