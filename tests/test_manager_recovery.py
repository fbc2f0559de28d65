# SPDX-License-Identifier: Apache-2.0
"""What must not happen around a restart, or a hook that does not behave."""

from __future__ import annotations

import threading

from scripted import CONNECT
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import Killed
from scripted import ManagerTestCase
from scripted import PATIENCE
from scripted import Stage

from assisted_kit.db.starts import NotAllowed


class RecoveryTest(ManagerTestCase):
    def test_nobody_attaches_before_the_interrupted_hook_has_run(self) -> None:
        volume_id = self.kit.volume()
        self.driver.on[CREATE_COMPLETE] = Killed()
        snapshot_id = self.kit.create(volume_id)
        self.assertEqual("complete", self.kit.phase(snapshot_id))
        stage = Stage()
        self.driver.on[CREATE_COMPLETE] = stage
        self.kit.manager.stop()
        self.kit.manager = self.kit.start_manager()
        self.kit.manager.recover()
        attached = threading.Event()

        def attach() -> None:
            self.kit.manager.volumes.attach(
                volume_id, instance_uuid="i", connector={"host": "h"}
            )
            attached.set()

        thread = threading.Thread(target=attach)
        thread.start()
        stage.wait()
        self.assertFalse(attached.is_set())
        self.assertEqual([], self.driver.called(CONNECT))
        stage.go()
        thread.join(PATIENCE)
        self.assertTrue(attached.is_set())
        self.assertEqual("available", self.kit.status(snapshot_id))

    def test_who_lost_the_claim_runs_no_hook(self) -> None:
        volume_id = self.kit.volume(attached=True)
        snapshot_id = self.kit.create(volume_id)
        self.kit.start_manager().recover()
        self.kit.idle()
        self.kit.send(snapshot_id, status="creating", progress="90%")
        self.kit.idle()
        self.assertEqual(1, len(self.driver.called(CREATE_COMPLETE)))
        self.assertEqual("available", self.kit.status(snapshot_id))

    def test_hook_that_exits_has_failed(self) -> None:
        volume_id = self.kit.volume()
        self.driver.on[CREATE_BEGIN] = SystemExit(0)
        snapshot_id = self.kit.create(volume_id)
        self.assertEqual("error", self.kit.status(snapshot_id))
        self.assertEqual({}, self.kit.claims())


class RefusalTest(ManagerTestCase):
    def test_attached_volume_is_not_deleted(self) -> None:
        volume_id = self.kit.volume(attached=True)
        volumes = self.kit.manager.volumes
        self.assertRaises(NotAllowed, volumes.delete, volume_id)
        self.assertEqual("in-use", volumes.ref(volume_id).status)

    def test_failed_snapshot_is_not_copied(self) -> None:
        volume_id = self.kit.volume()
        self.driver.on[CREATE_BEGIN] = RuntimeError()
        snapshot_id = self.kit.create(volume_id)
        self.assertRaises(
            NotAllowed,
            self.kit.manager.volumes.create_from_snapshot,
            snapshot_id,
        )
