# SPDX-License-Identifier: Apache-2.0
"""Uploading a volume, and two clones of one source."""

from __future__ import annotations

import ddt
from calling import CallerTestCase
from calling import CapableLegacyDriver
from scripted import CREATE_BEGIN
from scripted import ended
from scripted import in_background
from scripted import ScriptedDriver
from scripted import Stage

from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import NotAllowed
from assisted_kit.manager.optional_methods import NotSupported

UPLOAD = "copy_volume_to_image"
META = {"id": "image", "disk_format": "raw", "container_format": "bare"}


class UploadTest(CallerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume()
        self.service = object()

    def upload(self, volume_id: str = "") -> None:
        self.manager.uploads.upload(
            volume_id or self.volume_id, self.service, META
        )

    def test_the_driver_gets_service_and_image(self) -> None:
        seen = []
        self.driver.on[UPLOAD] = lambda volume, service, meta: seen.append(
            (volume.status, service, meta)
        )
        self.upload()
        self.assertEqual([("uploading", self.service, META)], seen)
        self.assertEqual("available", self.volume_status(self.volume_id))

    def test_the_chain_is_held(self) -> None:
        self.driver.on[UPLOAD] = stage = Stage()
        uploading = in_background(self.upload)
        stage.wait()
        snapshot_id = self.kit.manager.create_snapshot(self.volume_id)
        attaching = in_background(
            lambda: self.manager.volumes.attach(
                self.volume_id, instance_uuid="i", connector={"host": "h"}
            )
        )
        self.kit.idle()
        self.assertEqual([], self.driver.hooks)
        self.assertEqual([self.volume_id], list(self.kit.claims()))
        self.assertRaises(
            NotAllowed,
            self.kit.database.volumes.begin_delete,
            self.volume_id,
        )
        stage.go()
        self.assertTrue(ended(uploading))
        self.assertTrue(ended(attaching))
        self.kit.idle()
        self.assertEqual("available", self.kit.status(snapshot_id))
        self.assertEqual("in-use", self.volume_status(self.volume_id))

    def test_the_driver_fails(self) -> None:
        self.driver.on[UPLOAD] = ValueError()
        self.assertRaises(ValueError, self.upload)
        self.assertEqual("available", self.volume_status(self.volume_id))
        self.assertEqual({}, self.kit.claims())
        self.driver.on.clear()
        self.upload()

    def test_is_refused(self) -> None:
        attached = self.kit.volume(attached=True)
        self.assertRaises(NotFound, self.upload, "missing")
        self.assertRaises(NotAllowed, self.upload, attached)
        self.assertEqual("in-use", self.volume_status(attached))
        manager = self.kit.start_manager("other", ScriptedDriver())
        self.assertRaises(
            NotSupported,
            manager.uploads.upload,
            self.volume_id,
            self.service,
            META,
        )
        self.assertEqual([], self.driver.called(UPLOAD))
        self.assertEqual("available", self.volume_status(self.volume_id))

    def test_the_process_dies(self) -> None:
        statuses = self.kit.database.statuses
        statuses.occupy(self.volume_id, "uploading")
        elsewhere = self.kit.start_manager("elsewhere").volumes.create(1)
        statuses.occupy(elsewhere.id, "uploading")
        self.kit.restart()
        self.assertEqual("available", self.volume_status(self.volume_id))
        # Another host's are not its business.
        self.assertEqual("uploading", self.volume_status(elsewhere.id))


@ddt.ddt
class CloneTest(CallerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.source = self.kit.volume(attached=True)

    def test_two_at_once_use_snapshots_of_their_own(self) -> None:
        self.driver.on["create_volume_from_snapshot"] = stage = Stage()
        cloning = [
            in_background(lambda: self.manager.volumes.clone(self.source))
            for _ in range(2)
        ]
        stage.wait()
        # The other one's copy waits for the source's chain.
        self.assertEqual(
            1, len(self.driver.called("create_volume_from_snapshot"))
        )
        self.assertEqual([self.source], list(self.kit.claims()))
        stage.go()
        for clone in cloning:
            self.assertTrue(ended(clone))
        copied = self.driver.called("create_volume_from_snapshot")
        self.assertEqual(2, len(set(copied)))
        self.assertEqual(set(copied), set(self.driver.called(CREATE_BEGIN)))
        self.assertEqual([], self.snapshots_of(self.source))
        self.assertEqual(3, len(self.volumes()))

    @ddt.data("", None, "tmp-snap-1")
    def test_the_temporary_name_does_not_matter(self, name) -> None:
        seen = []
        self.driver.on["create_volume_from_snapshot"] = lambda snapshot: (
            seen.append(
                (snapshot.display_name, snapshot.status, snapshot.use_quota)
            )
        )
        self.manager.volumes.clone(self.source, temporary_name=name)
        self.assertEqual([(name, "backing-up", False)], seen)
        self.assertEqual([], self.snapshots_of(self.source))


class LegacyCloneTest(CallerTestCase):
    driver_class = CapableLegacyDriver

    def test_it_clones_an_attached_volume_by_itself(self) -> None:
        source = self.kit.volume(attached=True)
        self.manager.volumes.clone(source)
        self.assertEqual([source], self.driver.called("create_cloned_volume"))
        self.assertEqual([], self.driver.called("create_snapshot"))
