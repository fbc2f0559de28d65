# SPDX-License-Identifier: Apache-2.0
"""What others have left on the share, by the name of a new volume."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path

import ddt

from conformance.callers import CallersTest
from conformance.case import verifies
from conformance.ledger import pattern
from conformance.rows import expanded
from conformance.volume import GIB
from conformance.volume import VolumeUnderTest


def _leave_info_file(share: Path, name: str) -> None:
    info = {"active": f"{name}.{uuid.uuid4()}"}
    (share / f"{name}.info").write_text(json.dumps(info))


def _leave_base_image(share: Path, name: str) -> None:
    with (share / name).open("wb") as image:
        image.write(pattern(0, 4096, 1))
        image.truncate(GIB)


LEFT: Mapping[str, Callable[[Path, str], None]] = {
    "info_file": _leave_info_file,
    "base_image": _leave_base_image,
}
"""What was left there, and how."""


@expanded
class LeftoverTest(CallersTest):
    """Contract section 3: files of one volume."""

    @ddt.data(*LEFT)
    @verifies("LAY-009")
    def test_new_volume_has_nothing_of_an_old_one(self, what: str) -> None:
        deployment = self.deploy()
        name_id = str(uuid.uuid4())
        # Where the driver has its files it tells of a volume that is there.
        directory = VolumeUnderTest(deployment).directory
        LEFT[what](directory, f"volume-{name_id}")
        made: list[VolumeUnderTest] = []
        refused = self.refused(
            lambda: made.append(VolumeUnderTest(deployment, name_id=name_id))
        )
        self.claim(True, "", f"refused: {refused}")
        for volume in made:
            self.volume = volume
            self.claim_connected()
            self.claim_everything_reads_back()
