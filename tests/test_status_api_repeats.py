# SPDX-License-Identifier: Apache-2.0
"""A report that repeats what is stored is accepted and changes nothing."""

from __future__ import annotations

from scripted import CREATE_COMPLETE
from scripted import ManagerTestCase
from scripted import Stage


class RepeatTest(ManagerTestCase):
    def test_percentage_below_the_highest_is_repeated_too(self) -> None:
        volume_id = self.kit.volume(attached=True)
        snapshot_id = self.kit.create(volume_id)
        stage = Stage()
        self.driver.on[CREATE_COMPLETE] = stage
        self.addCleanup(stage.go)
        working = {
            "status": "creating",
            "compute_snapshot_status": "creating_compute",
            "compute_progress": 80,
        }
        done = {
            "status": "creating",
            "compute_snapshot_status": "creating_compute_complete",
            "compute_progress": 50,
        }
        self.kit.send(snapshot_id, **working)
        self.kit.send(snapshot_id, **done)
        stage.wait()
        # While complete runs, it raises if it is answered 400.
        self.kit.send(snapshot_id, **done)
        stage.go()
        self.kit.idle()
        self.assertEqual("available", self.kit.status(snapshot_id))
        self.assertEqual(1, len(self.driver.called(CREATE_COMPLETE)))
