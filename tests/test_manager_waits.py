# SPDX-License-Identifier: Apache-2.0
"""What waits for hooks, and what hooks wait for: guests and volumes."""

from __future__ import annotations

from typing import Any

import ddt
import testtools
from scripted import CONNECT
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import ended
from scripted import in_background
from scripted import ManagerTestCase
from scripted import Stage

from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import NotAllowed
from assisted_kit.manager.chains import ManagerStopped


@ddt.ddt
class AttachTest(ManagerTestCase):
    """``initialize_connection`` waits for hooks of a detached volume."""

    def attach(self, volume_id: str) -> None:
        self.kit.manager.volumes.attach(
            volume_id, instance_uuid="guest", connector={"host": "compute"}
        )

    @ddt.data(CREATE_BEGIN, CREATE_COMPLETE)
    def test_waits_for(self, hook) -> None:
        volume_id = self.kit.volume()
        self.driver.on[hook] = stage = Stage()
        self.kit.manager.create_snapshot(volume_id)
        stage.wait()
        attaching = in_background(lambda: self.attach(volume_id))
        other = self.kit.volume()
        self.attach(other)
        self.assertEqual([other], self.driver.called(CONNECT))
        stage.go()
        self.assertTrue(ended(attaching))
        self.kit.idle()
        self.assertEqual([other, volume_id], self.driver.called(CONNECT))

    def test_never_waits_for_compute(self) -> None:
        volume_id = self.kit.volume(attached=True)
        self.kit.create(volume_id)
        self.attach(volume_id)

    @ddt.data(CREATE_BEGIN, CREATE_COMPLETE)
    def test_does_not_wait_while_attached(self, hook) -> None:
        volume_id = self.kit.volume(attached=True)
        self.driver.on[hook] = stage = Stage()
        snapshot_id = self.kit.manager.create_snapshot(volume_id)
        if hook == CREATE_COMPLETE:
            self.kit.idle()
            self.kit.send(snapshot_id, status="creating", progress="90%")
        stage.wait()
        self.attach(volume_id)
        stage.go()
        self.kit.idle()

    def test_a_hook_waits_for_an_attachment_under_way(self) -> None:
        volume_id = self.kit.volume()
        self.driver.on[CONNECT] = stage = Stage(
            {"driver_volume_type": "nfs", "data": {}}
        )
        attaching = in_background(lambda: self.attach(volume_id))
        stage.wait()
        snapshot_id = self.kit.manager.create_snapshot(volume_id)
        self.assertEqual([], self.driver.hooks)
        stage.go()
        self.assertTrue(ended(attaching))
        self.kit.idle()
        # It was attached when begin came, so Nova was asked.
        self.assertEqual("compute", self.kit.phase(snapshot_id))

    @ddt.data(CREATE_BEGIN, CREATE_COMPLETE)
    def test_is_possible_after_a_failure(self, hook) -> None:
        volume_id = self.kit.volume()
        self.driver.on[hook] = ValueError()
        self.kit.create(volume_id)
        attaching = in_background(lambda: self.attach(volume_id))
        self.assertTrue(ended(attaching))


class HoldTest(ManagerTestCase):
    """The ordinary operations wait in the same order."""

    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume()
        self.volumes = self.kit.manager.volumes

    def test_a_snapshot_waits_for_extend(self) -> None:
        self.driver.on["extend_volume"] = stage = Stage()
        extending = in_background(
            lambda: self.volumes.extend(self.volume_id, 2)
        )
        stage.wait()
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual([], self.driver.hooks)
        stage.go()
        self.assertTrue(ended(extending))
        self.kit.idle()
        self.assertEqual(2, self.kit.snapshot(snapshot_id).volume.size)
        self.assertEqual("available", self.kit.status(snapshot_id))

    def test_a_delete_waits_for_who_reads_the_chain(self) -> None:
        snapshot_id = self.kit.available(self.volume_id)
        self.driver.on["create_volume_from_snapshot"] = stage = Stage()
        copying = in_background(
            lambda: self.volumes.create_from_snapshot(snapshot_id)
        )
        stage.wait()
        self.kit.delete(snapshot_id)
        self.assertEqual("deleting", self.kit.status(snapshot_id))
        stage.go()
        self.assertTrue(ended(copying))
        self.kit.idle()
        self.assertEqual("deleted", self.kit.status(snapshot_id))

    def test_a_volume_that_is_extended_has_that_status(self) -> None:
        seen = []

        def extend(volume: Any, size: int) -> None:
            seen.append((volume.status, size))
            volume.save()

        self.driver.on["extend_volume"] = extend
        before = self.volumes.ref(self.volume_id).status
        self.volumes.extend(self.volume_id, 2)
        self.assertEqual([("extending", 2)], seen)
        volume = self.volumes.ref(self.volume_id)
        self.assertEqual((before, 2), (volume.status, volume.size))

    def test_a_larger_copy_is_asked_for(self) -> None:
        snapshot_id = self.kit.available(self.volume_id)
        copy = self.volumes.create_from_snapshot(snapshot_id, size=3)
        clone = self.volumes.clone(self.volume_id, size=2)
        self.assertEqual((3, 2), (copy.size, clone.size))

    def test_a_failing_operation_gives_the_chain_up(self) -> None:
        self.driver.on["extend_volume"] = ValueError()
        self.assertRaises(ValueError, self.volumes.extend, self.volume_id, 2)
        self.kit.available(self.volume_id)

    def test_nobody_waits_for_what_is_not_there(self) -> None:
        for call in (
            lambda: self.volumes.extend("missing", 2),
            lambda: self.volumes.delete("missing"),
            lambda: self.volumes.clone("missing"),
            lambda: self.volumes.create_from_snapshot("missing"),
        ):
            self.assertRaises(NotFound, call)

    def test_a_volume_with_snapshots_is_not_deleted(self) -> None:
        snapshot_id = self.kit.available(self.volume_id)
        self.assertRaises(NotAllowed, self.volumes.delete, self.volume_id)
        self.assertEqual([], self.driver.called("delete_volume"))
        self.assertEqual("available", self.volumes.ref(self.volume_id).status)
        self.kit.delete(snapshot_id)
        self.volumes.delete(self.volume_id)
        self.assertRaises(NotFound, self.volumes.ref, self.volume_id)

    def test_a_volume_that_cannot_be_deleted_is_in_error(self) -> None:
        self.driver.on["delete_volume"] = ValueError()
        self.assertRaises(ValueError, self.volumes.delete, self.volume_id)
        self.assertEqual(
            "error_deleting", self.volumes.ref(self.volume_id).status
        )
        self.driver.on.clear()
        self.volumes.delete(self.volume_id)

    def test_stop_lets_nobody_wait(self) -> None:
        volume_id = self.kit.volume(attached=True)
        self.kit.create(volume_id)
        raised = []

        def extend() -> None:
            with testtools.ExpectedException(ManagerStopped):
                self.volumes.extend(volume_id, 2)
            raised.append(True)

        waiting = in_background(extend)
        self.kit.manager.stop()
        self.assertTrue(ended(waiting))
        self.assertEqual([True], raised)
        self.assertRaises(ManagerStopped, self.volumes.extend, volume_id, 2)
