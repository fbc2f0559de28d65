# SPDX-License-Identifier: Apache-2.0
"""The toy driver with a real manager, the fake Nova and a guest."""

from __future__ import annotations

import json
import os
import queue

from images import run
from toy_driver import ToyDriver

from assisted_kit.clock import VirtualClock
from assisted_kit.db import engine as engines
from assisted_kit.db import migration
from assisted_kit.db.database import Database
from assisted_kit.db.references import NotFound
from assisted_kit.image import Image
from assisted_kit.manager import VolumeManager
from assisted_kit.notifier import LocalNotifier
from assisted_kit.notifier import Settled
from assisted_kit.status_api import StatusApi
from fakes.compute import FakeNova
from fakes.compute import FaultPlan

PATIENCE = 20.0
PIECE = 64 * 1024


def filled(number):
    """A piece of data that tells which write it is of."""
    return bytes([number]) * PIECE


class Cloud:
    """One volume of 1 GiB on a running instance."""

    def __init__(self, directory, base_format="raw", **nova):
        self.share = directory / "share"
        self.share.mkdir()
        self.clock = VirtualClock()
        engine = engines.create_engine(f"sqlite:///{directory}/cinder.db")
        migration.upgrade(engine)
        self.database = Database(engine, self.clock)
        self.notifier = LocalNotifier()
        self.faults = FaultPlan()
        self.status_api = StatusApi(self.database, self.notifier)
        self.nova = FakeNova(
            self.database,
            self.status_api,
            self.notifier,
            self.locate,
            faults=self.faults,
            **nova,
        )
        self.history = self.nova.history
        self.driver = ToyDriver(self.share, base_format)
        self.manager = VolumeManager(
            self.driver, self.database, self.nova, self.notifier
        )
        self._settled = queue.Queue()
        self.notifier.subscribe(self._on_notification)
        self.volume = self.manager.volumes.create(1)
        self.base = self.volume.name
        self.instance = self.nova.boot()
        self.disk = self.instance.attach(self.manager.volumes, self.volume.id)

    def locate(self, info):
        return Image(self.share / info["name"], info["format"])

    def create(self):
        """Start a create; the snapshot's id."""
        return self.manager.create_snapshot(self.volume.id)

    def delete(self, snapshot_id, force=False):
        self.manager.delete_snapshot(snapshot_id, force=force)

    def settle(self):
        """The status in which the operation under way ends."""
        status = self._settled.get(timeout=PATIENCE).status
        self.quiet()
        return status

    def quiet(self):
        """Wait until nobody has anything to do right now."""
        for _ in range(2):
            assert self.manager.join(PATIENCE)
            assert self.nova.join(PATIENCE)

    def time_out(self):
        """The status after the deadline has passed."""
        self.quiet()
        self.clock.advance(8000)
        return self.settle()

    def snapshot(self):
        """Take a snapshot, all going well; its id."""
        snapshot_id = self.create()
        assert self.settle() == "available", str(self.history)
        return snapshot_id

    def status(self, snapshot_id):
        try:
            return self.database.references.snapshot(snapshot_id).status
        except NotFound:
            return "deleted"

    def stored_name(self):
        """The image that the stored connection information names."""
        volume = self.database.references.volume(self.volume.id)
        return volume.volume_attachment[0].connection_info["name"]

    def known_name(self):
        """The image that Nova's own copy names."""
        return self.disk.connection_info["name"]

    def overlay(self, snapshot_id):
        return f"{self.base}.{snapshot_id}"

    def names(self):
        """The guest's chain."""
        return [image.path.name for image in self.disk.chain()]

    def on_disk(self, name, *offsets):
        """Pieces of an image, by qemu-img through the headers' chain."""
        format = self.driver.formats[name]
        flat = self.share.parent / "flat"
        run(
            "qemu-img",
            *("convert", "-U", "-f", format, "-O", "raw"),
            self.share / name,
            flat,
        )
        with flat.open("rb") as file:
            return [os.pread(file.fileno(), PIECE, at) for at in offsets]

    def header(self, name):
        """Backing file and its format, as the header has them."""
        printed = run(
            "qemu-img",
            *("info", "-U", "--output=json", "-f", "qcow2"),
            self.share / name,
        )
        info = json.loads(printed)
        return (
            info.get("backing-filename"),
            info.get("backing-filename-format"),
        )

    def _on_notification(self, notification):
        if isinstance(notification, Settled):
            self._settled.put(notification)

    def close(self):
        self.manager.stop()
        self.nova.close()
        self.database.close()
