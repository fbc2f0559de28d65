# SPDX-License-Identifier: Apache-2.0
"""Nothing that was read from a share is trusted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import ddt

from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.rows import crossed
from conformance.rows import expanded
from conformance.volume import VolumeUnderTest

FOREIGN = {
    "absolute": "/etc/hostname",
    "parent_directory": "../outside",
    "pseudo_protocol": "json:{}",
}
"""What a header can name that is not the volume's."""

DAMAGED = {
    "empty": b"",
    "cut_off": b'{"active": "volume-',
    "a_list": b"[]",
    "without_active": b"{}",
    "nested_too_deep": b"[" * 200_000,
}
"""What an info file can hold that is none."""


def contents(directory: Path) -> dict[str, tuple[int, bytes]]:
    """Size and first MiB of every file, to tell whether it was changed."""
    found = {}
    for path in sorted(directory.iterdir()):
        with path.open("rb") as file:
            found[path.name] = (path.stat().st_size, file.read(1024 * 1024))
    return found


@expanded
class ForeignBackingFileTest(ConformanceTest):
    """Contract section 8."""

    @ddt.data(*crossed(FOREIGN, ("create", "delete")))
    @ddt.unpack
    @verifies("SEC-001")
    def test_foreign_backing_file_is_refused(
        self, name: str, operation: str
    ) -> None:
        volume = self.given_volume(snapshots=2)
        directory = volume.directory
        subprocess.run(
            [
                "qemu-img",
                "rebase",
                "-u",
                "-f",
                "qcow2",
                "-b",
                FOREIGN[name],
                "-F",
                "raw",
                str(volume.active().path),
            ],
            check=True,
            capture_output=True,
        )
        self._claim_refused(volume, directory, operation)

    def _claim_refused(
        self, volume: VolumeUnderTest, directory: Path, operation: str
    ) -> None:
        before = contents(directory)
        if operation == "create":
            snapshot, failed = volume.start_snapshot(), "error"
        else:
            snapshot, failed = volume.snapshots[-1], "error_deleting"
            snapshot.start_delete()
        volume.settle()
        self.claim_equal(failed, snapshot.status, "the snapshot's status")
        after = contents(directory)
        changed = sorted(
            name
            for name in before.keys() | after.keys()
            if before.get(name) != after.get(name)
        )
        self.claim_equal([], changed, "files that were changed")


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

    @ddt.data(*DAMAGED)
    @verifies("SEC-003")
    def test_damaged_info_file_is_an_error(self, damage: str) -> None:
        volume = self.given_volume(snapshots=1)
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
