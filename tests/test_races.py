# SPDX-License-Identifier: Apache-2.0
"""Two volume managers in two processes, on one database."""

from __future__ import annotations

from pathlib import Path

import fixtures
from other_manager import HOST as OTHER
from other_manager import note_hooks
from other_manager import OtherManager
from other_manager import overlaps
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import ManagerTestCase
from scripted import PATIENCE

from assisted_kit.db.references import NotFound
from assisted_kit.db.starts import NotAllowed

ROUNDS = 5


class RaceTestCase(ManagerTestCase):
    """The test's own manager and another one."""

    def setUp(self) -> None:
        super().setUp()
        directory = Path(self.useFixture(fixtures.TempDir()).path)
        self.notes = directory / "notes"
        note_hooks(self.driver, self.notes, "own")
        url = self.kit.engine.url.render_as_string(hide_password=False)
        self.other = self.useFixture(
            OtherManager(url, self.notes, self.kit.notifier)
        )
        self.volume_id = self.kit.volume()

    def create_there(self, volume_id: str) -> str:
        self.other.tell("create", volume_id)
        (snapshot_id,) = self.other.wait_for("accepted")
        return snapshot_id

    def quiet(self) -> None:
        """Until neither has anything to do, or nothing gets on."""
        left = None
        for _ in range(PATIENCE):
            # What one of them ends the other one waits for.
            for _ in range(2):
                # A second, for what met a deadlock.
                self.kit.advance(1)
                self.other.tell("join")
                self.other.wait_for("idle")
            before, left = left, self.kit.database.snapshots.in_flight()
            if left in ([], before):
                return

    def statuses(self, volume_id: str) -> list[str]:
        volume = self.kit.database.references.volume(volume_id)
        return [each.status for each in volume.snapshots]


class OneVolumeTest(RaceTestCase):
    def test_the_second_waits_until_the_first_one_s_hooks_have_run(
        self,
    ) -> None:
        self.other.tell("hold")
        held = self.create_there(self.volume_id)
        self.assertEqual([held], self.other.wait_for("held"))
        waiting = self.kit.create(self.volume_id)
        elsewhere = self.kit.create(self.kit.volume())
        self.assertEqual([elsewhere], self.driver.called(CREATE_BEGIN))
        self.other.tell("go")
        self.quiet()
        self.assertEqual(
            [elsewhere, waiting], self.driver.called(CREATE_BEGIN)
        )
        self.assertEqual(["available"] * 2, self.statuses(self.volume_id))
        self.assertEqual({}, self.kit.claims())

    def test_many_from_both_sides(self) -> None:
        ids = []
        for _ in range(ROUNDS):
            self.other.tell("create", self.volume_id)
            ids.append(self.kit.manager.create_snapshot(self.volume_id))
            ids.append(self.other.wait_for("accepted")[0])
        self.quiet()
        self.assertEqual(
            ["available"] * 2 * ROUNDS, self.statuses(self.volume_id)
        )
        for ours, theirs in zip(ids[::2], ids[1::2], strict=True):
            self.other.tell("delete", theirs)
            self.kit.manager.delete_snapshot(ours)
            self.other.wait_for("accepted")
        self.quiet()
        self.assertEqual([], self.statuses(self.volume_id))
        self.assertEqual([], overlaps(self.notes))
        self.assertEqual({}, self.kit.claims())

    def test_of_two_deletes_of_one_snapshot_one_is_refused(self) -> None:
        for _ in range(ROUNDS):
            snapshot_id = self.kit.create(self.volume_id)
            self.other.tell("delete", snapshot_id)
            try:
                self.kit.manager.delete_snapshot(snapshot_id)
                expected = "refused"
            except (NotAllowed, NotFound):
                expected = "accepted"
            self.other.wait_for(expected)
            self.quiet()
        self.assertEqual([], self.statuses(self.volume_id))
        self.assertEqual([], overlaps(self.notes))

    def test_who_is_killed_leaves_nothing_behind(self) -> None:
        self.kit.database.volumes.update(self.volume_id, {"host": OTHER})
        self.other.tell("hold")
        snapshot_id = self.create_there(self.volume_id)
        self.other.wait_for("held")
        waiting = self.kit.create(self.volume_id)
        self.other.kill()
        heir = self.kit.start_manager(OTHER)
        heir.recover()
        self.assertTrue(heir.join(PATIENCE))
        self.kit.idle()
        self.assertEqual(
            [snapshot_id, waiting], self.driver.called(CREATE_COMPLETE)
        )
        self.assertEqual(["available"] * 2, self.statuses(self.volume_id))
        self.assertEqual({}, self.kit.claims())


class ManyVolumesTest(RaceTestCase):
    def test_each_has_its_own_order(self) -> None:
        volumes = [self.kit.volume() for _ in range(ROUNDS)]
        for _ in range(2):
            for volume_id in volumes:
                self.other.tell("create", volume_id)
                self.kit.manager.create_snapshot(volume_id)
        for _ in range(2 * len(volumes)):
            self.other.wait_for("accepted")
        self.quiet()
        for volume_id in volumes:
            self.assertEqual(["available"] * 4, self.statuses(volume_id))
        self.assertEqual([], overlaps(self.notes))
        self.assertEqual({}, self.kit.claims())
