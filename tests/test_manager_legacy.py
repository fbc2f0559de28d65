# SPDX-License-Identifier: Apache-2.0
"""Drivers without the hooks: one blocking call, as it always was."""

from __future__ import annotations

import threading

import ddt
from scripted import DatabaseTestCase
from scripted import Deployment
from scripted import GENERATIONS
from scripted import Killed
from scripted import PATIENCE
from scripted import PlainDriver
from scripted import SnapshotIsBusy
from scripted import Stage

from assisted_kit.db import rows
from assisted_kit.notifier import Settled


class PollingDriver(PlainDriver):
    """Waits for ``'90%'`` as RemoteFS drivers do, without the sleeping."""

    supports_assisted_snapshots = False

    def __init__(self) -> None:
        super().__init__()
        self.looked = threading.Semaphore(0)
        self.look = threading.Semaphore(0)

    def create_snapshot(self, snapshot):
        return self.play("create_snapshot", snapshot, default=self.poll)

    def delete_snapshot(self, snapshot):
        self.play("delete_snapshot", snapshot, default=self.poll)

    def poll(self, snapshot) -> None:
        status = snapshot.status
        while snapshot.progress != "90%":
            self.looked.release()
            assert self.look.acquire(timeout=PATIENCE)
            snapshot.refresh()
            if snapshot.status != status:
                raise RuntimeError(f"snapshot is {snapshot.status}")


class LegacyTestCase(DatabaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.driver = PollingDriver()
        self.kit = self.useFixture(Deployment(self.driver))
        self.volume_id = self.kit.volume(attached=True)

    def start(self) -> str:
        """A create whose driver polls by now."""
        snapshot_id = self.kit.manager.create_snapshot(self.volume_id)
        assert self.driver.looked.acquire(timeout=PATIENCE)
        return snapshot_id

    def reported(self, snapshot_id: str, **report) -> None:
        """The driver looks once after this report."""
        self.kit.send(snapshot_id, **report)
        self.driver.look.release()

    def quick(self) -> str:
        """A snapshot, of a driver that needs nobody's help."""
        scripts, self.driver.on = self.driver.on, {"create_snapshot": None}
        snapshot_id = self.kit.create(self.volume_id)
        self.driver.on = scripts
        return snapshot_id


@ddt.ddt
class ReportsTest(LegacyTestCase):
    @ddt.named_data(*GENERATIONS)
    def test_every_generation(self, created, deleted) -> None:
        snapshot_id = self.start()
        self.assertIsNone(self.kit.phase(snapshot_id))
        self.reported(snapshot_id, **created)
        self.kit.idle()
        stored = self.kit.snapshot(snapshot_id)
        self.assertEqual(
            ("available", "100%"), (stored.status, stored.progress)
        )
        self.kit.manager.delete_snapshot(snapshot_id)
        # A stale '90%' never counts: it starts at '0%' and polls.
        assert self.driver.looked.acquire(timeout=PATIENCE)
        self.reported(snapshot_id, **deleted)
        self.kit.idle()
        self.assertEqual("deleted", self.kit.status(snapshot_id))
        self.assertEqual({}, self.kit.claims())
        self.assertEqual([], self.kit.nova.requests)

    def test_work_in_progress_completes_nothing(self) -> None:
        snapshot_id = self.start()
        self.reported(
            snapshot_id,
            status="creating",
            compute_snapshot_status="creating_compute",
            compute_progress=100,
            progress="90%",
        )
        assert self.driver.looked.acquire(timeout=PATIENCE)
        self.assertEqual("creating", self.kit.status(snapshot_id))
        self.reported(snapshot_id, status="creating", progress="90%")
        self.kit.idle()

    def test_available_does_not_end_the_poll_in_an_endless_loop(self) -> None:
        snapshot_id = self.start()
        self.reported(snapshot_id, status="available")
        self.kit.idle()
        self.assertEqual("available", self.kit.status(snapshot_id))

    @ddt.named_data(
        ("juno", {"status": "error", "progress": "90%"}),
        (
            "new",
            {
                "status": "error",
                "compute_snapshot_status": "creating_compute_error",
            },
        ),
    )
    def test_errors(self, report) -> None:
        snapshot_id = self.start()
        self.reported(snapshot_id, **report)
        self.kit.idle()
        self.assertEqual("error", self.kit.status(snapshot_id))
        self.assertEqual({}, self.kit.claims())

    def test_a_stale_completion_does_not_count_after_force(self) -> None:
        # LIVE-1: error_deleting at '90%', deleted again with force.
        snapshot_id = self.quick()
        self.driver.on["delete_snapshot"] = ValueError()
        self.kit.delete(snapshot_id)
        self.kit.overwrite(rows.SNAPSHOTS, progress="90%")
        self.driver.on.clear()
        self.kit.manager.delete_snapshot(snapshot_id, force=True)
        assert self.driver.looked.acquire(timeout=PATIENCE)
        self.reported(snapshot_id, status="deleting", progress="90%")
        self.kit.idle()
        self.assertEqual("deleted", self.kit.status(snapshot_id))


@ddt.ddt
class OutcomeTest(LegacyTestCase):
    @ddt.named_data(
        ("raises", ValueError(), "error"),
        ("busy", SnapshotIsBusy(), "error"),
        ("returns a list", ["x"], "error"),
        ("metadata a string", {"metadata": "x"}, "error"),
        ("not to be stored", {"provider_location": object()}, "error"),
        ("nothing", None, "available"),
        ("what Cinder drops", {"colour": "x"}, "available"),
        ("an update", {"provider_location": "x"}, "available"),
        ("a number, as Cinder takes", {"provider_id": 7}, "available"),
    )
    def test_create(self, script, status) -> None:
        self.driver.on["create_snapshot"] = script
        snapshot_id = self.kit.create(self.volume_id)
        self.kit.advance(1)
        self.assertEqual(status, self.kit.status(snapshot_id))
        self.assertEqual({}, self.kit.claims())
        self.driver.on["create_snapshot"] = None
        after = self.kit.create(self.volume_id)
        self.assertEqual("available", self.kit.status(after))

    @ddt.named_data(
        ("raises", ValueError(), "error_deleting", "0%"),
        ("busy", SnapshotIsBusy(), "available", "100%"),
        ("nothing", None, "deleted", None),
    )
    def test_delete(self, script, status, progress) -> None:
        snapshot_id = self.quick()
        self.driver.on["delete_snapshot"] = script
        self.kit.delete(snapshot_id)
        self.assertEqual(status, self.kit.status(snapshot_id))
        if progress is not None:
            self.assertEqual(progress, self.kit.snapshot(snapshot_id).progress)
        self.assertEqual({}, self.kit.claims())

    def test_it_may_save(self) -> None:
        def create(snapshot) -> None:
            snapshot.metadata["own"] = "1"
            snapshot.save()
            snapshot.volume.admin_metadata["format"] = "qcow2"
            with snapshot.volume.obj_as_admin():
                snapshot.volume.save()
            (attachment,) = snapshot.volume.volume_attachment
            attachment.connection_info["name"] = "overlay"
            attachment.save()

        self.driver.on["create_snapshot"] = create
        snapshot_id = self.kit.create(self.volume_id)
        stored = self.kit.snapshot(snapshot_id)
        self.assertEqual({"own": "1"}, stored.metadata)
        self.assertEqual({"format": "qcow2"}, stored.volume.admin_metadata)
        (info,) = self.kit.connection_info(self.volume_id)
        self.assertEqual("overlay", info["name"])

    @ddt.data(None, ValueError())
    def test_a_status_somebody_else_set_stands(self, then) -> None:
        def create(snapshot) -> None:
            self.kit.overwrite(rows.SNAPSHOTS, status="error_deleting")
            if then:
                raise then

        self.driver.on["create_snapshot"] = create
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual("error_deleting", self.kit.status(snapshot_id))
        self.assertEqual({}, self.kit.claims())
        self.assertIn(
            Settled(snapshot_id, "error_deleting"),
            [self.kit.heard.get() for _ in range(self.kit.heard.qsize())],
        )


class OrderTest(LegacyTestCase):
    def test_one_call_at_a_time_and_volume(self) -> None:
        first = self.start()
        second = self.kit.manager.create_snapshot(self.volume_id)
        other = self.kit.volume()
        self.driver.on["create_snapshot"] = None
        elsewhere = self.kit.manager.create_snapshot(other)
        while self.kit.status(elsewhere) != "available":
            self.kit.heard.get(timeout=PATIENCE)
        self.assertEqual(
            [first, elsewhere], self.driver.called("create_snapshot")
        )
        self.reported(first, status="creating", progress="90%")
        self.kit.idle()
        self.assertEqual("available", self.kit.status(second))

    def test_more_calls_block_than_there_are_workers_for_hooks(self) -> None:
        volumes = [self.kit.volume(attached=True) for _ in range(20)]
        ids = [self.kit.manager.create_snapshot(each) for each in volumes]
        for _ in ids:
            self.assertTrue(self.driver.looked.acquire(timeout=PATIENCE))
        for snapshot_id in ids:
            self.kit.send(snapshot_id, status="creating", progress="90%")
        for _ in ids:
            self.driver.look.release()
        self.kit.idle()
        self.assertEqual(
            {"available"}, {self.kit.status(each) for each in ids}
        )

    def test_force_while_the_driver_polls(self) -> None:
        snapshot_id = self.start()
        self.kit.manager.delete_snapshot(snapshot_id, force=True)
        # Its poll finds `deleting`, and its failure overwrites nothing.
        self.driver.look.release()
        assert self.driver.looked.acquire(timeout=PATIENCE)
        self.assertEqual("deleting", self.kit.status(snapshot_id))
        self.reported(snapshot_id, status="deleting", progress="90%")
        self.kit.idle()
        self.assertEqual("deleted", self.kit.status(snapshot_id))

    def test_force_asks_for_no_connection(self) -> None:
        # A legacy driver holds its lock for as long as it polls.
        snapshot_id = self.start()
        self.driver.on["initialize_connection"] = Stage()
        self.kit.manager.delete_snapshot(snapshot_id, force=True)
        self.driver.on["delete_snapshot"] = None
        self.driver.look.release()
        self.kit.idle()
        self.assertEqual("deleted", self.kit.status(snapshot_id))

    def test_force_on_one_that_waits(self) -> None:
        first = self.start()
        second = self.kit.manager.create_snapshot(self.volume_id)
        self.driver.on["delete_snapshot"] = None
        self.kit.manager.delete_snapshot(second, force=True)
        self.reported(first, status="creating", progress="90%")
        self.kit.idle()
        self.assertEqual([first], self.driver.called("create_snapshot"))
        self.assertEqual("deleted", self.kit.status(second))


class RestartTest(LegacyTestCase):
    def test_a_call_that_died_has_failed(self) -> None:
        self.driver.on["create_snapshot"] = Killed()
        died = self.kit.create(self.volume_id)
        waiting = self.kit.create(self.volume_id)
        self.assertEqual("creating", self.kit.status(died))
        self.driver.on["create_snapshot"] = None
        self.kit.restart()
        self.assertEqual("error", self.kit.status(died))
        self.assertEqual("available", self.kit.status(waiting))
        self.assertEqual({}, self.kit.claims())
        self.assertEqual(
            [died, waiting], self.driver.called("create_snapshot")
        )

    def test_a_delete_that_died_has_failed(self) -> None:
        snapshot_id = self.quick()
        self.driver.on["delete_snapshot"] = Killed()
        self.kit.delete(snapshot_id)
        self.kit.restart()
        self.assertEqual("error_deleting", self.kit.status(snapshot_id))
        self.driver.on.clear()
        self.driver.on["delete_snapshot"] = None
        self.kit.delete(snapshot_id, force=True)
        self.assertEqual("deleted", self.kit.status(snapshot_id))
