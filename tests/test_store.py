# SPDX-License-Identifier: Apache-2.0
"""State changes in the database: each happens whole, or not at all."""

from __future__ import annotations

import threading
from concurrent import futures

import ddt
import sqlalchemy as sa
from stored_create import BEGIN
from stored_create import COMPLETE
from stored_create import COMPUTE
from stored_create import OTHER
from stored_create import OWNER
from stored_create import StoreTestCase

from assisted_kit.db import models
from assisted_kit.db.snapshot_values import Attempt
from assisted_kit.db.snapshot_values import Change
from assisted_kit.lifecycle import Phase
from assisted_kit.updates import ModelUpdate

UPDATE = ModelUpdate(
    fields={"provider_location": "share:/x", "progress": "10%"},
    metadata={"user": "value"},
    snapshot_admin_metadata={"own": "fact"},
    volume_admin_metadata={"format": "qcow2"},
)


@ddt.ddt
class CompareAndSwapTest(StoreTestCase):
    def test_winner(self) -> None:
        self.assertTrue(self.move(BEGIN, COMPUTE, Change(UPDATE)))
        stored = self.kit.snapshot(self.id)
        self.assertEqual("share:/x", stored.provider_location)
        self.assertEqual("10%", stored.progress)
        self.assertEqual({"given": "1", "user": "value"}, stored.metadata)
        self.assertEqual("fact", self.pairs()["own"])
        self.assertEqual("compute", self.pairs()["manager:phase"])
        self.assertEqual("qcow2", stored.volume.admin_metadata["format"])

    @ddt.named_data(
        ("another phase", {"start": COMPUTE}),
        ("another status", {"start": ("deleting", Phase.BEGIN)}),
        ("no phase", {"start": ("creating", None)}),
        ("another owner", {"owner": OTHER}),
        ("another owner who releases", {"owner": OTHER, "release": True}),
        ("an expectation", {"expect": {"snapshot_status": "x"}}),
        ("an expected absence", {"expect": {"manager:phase": None}}),
        ("an earlier attempt", {"attempt": "0"}),
    )
    def test_loser_changes_nothing(self, wrong: dict) -> None:
        if "attempt" in wrong:
            wrong = {"attempt": Attempt(self.id, self.volume_id, "0")}
        wrong = {"start": BEGIN, "end": COMPUTE, **wrong}
        before = self.contents()
        self.assertFalse(self.move(change=Change(UPDATE), **wrong))
        self.assertEqual(before, self.contents())

    def test_a_replaced_attempt_loses(self) -> None:
        self.move(BEGIN, COMPUTE)
        again = self.snapshots.begin_delete(self.id, assisted=True, force=True)
        self.assertNotEqual(self.attempt, again)
        self.assertFalse(self.move(COMPUTE, ("error", None)))
        self.assertFalse(self.move(("deleting", Phase.BEGIN), COMPUTE))
        self.assertEqual("deleting", self.kit.status(self.id))

    def test_the_claim_of_another_process_is_respected(self) -> None:
        self.claims.take_over(OWNER, OTHER)
        self.assertFalse(self.move(BEGIN, COMPUTE))
        self.assertTrue(self.move(BEGIN, COMPUTE, owner=OTHER))

    def test_settling_releases_the_claim_in_the_same_transaction(self) -> None:
        self.assertTrue(self.move(BEGIN, ("error", None), release=True))
        self.assertEqual({}, self.kit.claims())
        self.assertNotIn("manager:phase", self.pairs())
        self.assertNotIn("manager:deadline", self.pairs())

    def test_one_of_many_wins(self) -> None:
        start = threading.Barrier(8)

        def race(number: int) -> bool:
            start.wait()
            return self.move(
                BEGIN, COMPUTE, Change(admin_metadata={"winner": str(number)})
            )

        with futures.ThreadPoolExecutor(8) as pool:
            won = list(pool.map(race, range(8)))
        self.assertEqual(1, won.count(True))
        self.assertEqual(str(won.index(True)), self.pairs()["winner"])

    def test_a_manager_is_not_fooled_by_an_in_time_report(self) -> None:
        # Deadline against report: the one that is stored first wins.
        self.move(BEGIN, COMPUTE)
        report = {"snapshot_status": "creating_compute_complete"}
        self.assertTrue(
            self.snapshots.report(
                self.id,
                self.volume_id,
                COMPUTE,
                COMPLETE,
                progress="90%",
                admin_metadata=report,
                expect={"snapshot_status": None},
            )
        )
        self.assertFalse(self.move(COMPUTE, ("error", None), release=True))
        self.assertEqual("complete", self.kit.phase(self.id))
        self.assertEqual("90%", self.kit.snapshot(self.id).progress)


class AtomicityTest(StoreTestCase):
    def test_an_update_that_breaks_half_way_leaves_nothing(self) -> None:
        before = self.contents()
        # What breaks comes last of all that is stored.
        unstorable = Change(UPDATE, connection_info={"any": {"x": object()}})
        self.assertRaises(
            TypeError, self.move, BEGIN, COMPUTE, unstorable, release=True
        )
        self.assertEqual(before, self.contents())

    def test_none_removes(self) -> None:
        self.move(BEGIN, COMPUTE, Change(UPDATE))
        gone = ModelUpdate(
            fields={"provider_location": None},
            metadata={"user": None, "never there": None},
            snapshot_admin_metadata={"own": None},
            volume_admin_metadata={"format": None},
        )
        self.assertTrue(self.move(COMPUTE, COMPUTE, Change(gone)))
        stored = self.kit.snapshot(self.id)
        self.assertIsNone(stored.provider_location)
        self.assertEqual({"given": "1"}, stored.metadata)
        self.assertNotIn("own", self.pairs())
        self.assertEqual({}, stored.volume.admin_metadata)

    def test_a_removed_key_is_marked_and_setting_it_revives_it(self) -> None:
        table = models.SnapshotAdminMetadata.__table__
        seen = []
        for value in ("first", None, "second"):
            update = ModelUpdate(snapshot_admin_metadata={"own": value})
            self.move(BEGIN, BEGIN, Change(update))
            with self.kit.engine.connect() as connection:
                seen += connection.execute(
                    sa.select(
                        table.c.id,
                        table.c.value,
                        table.c.deleted,
                        table.c.deleted_at.is_(None),
                    ).where(table.c.key == "own")
                ).all()
        id_ = seen[0][0]
        self.assertEqual(
            [
                (id_, "first", False, True),
                (id_, "first", True, False),
                (id_, "second", False, True),
            ],
            [tuple(row) for row in seen],
        )

    def test_destroying_takes_the_metadata_along(self) -> None:
        deleting = self.snapshots.begin_delete(
            self.id, assisted=True, force=True
        )
        self.assertTrue(
            self.move(
                ("deleting", Phase.BEGIN),
                ("deleted", None),
                attempt=deleting,
                release=True,
            )
        )
        with self.kit.engine.connect() as connection:
            for model in (
                models.Snapshot,
                models.SnapshotMetadata,
                models.SnapshotAdminMetadata,
            ):
                table = model.__table__
                rows = connection.execute(
                    sa.select(table.c.deleted, table.c.deleted_at)
                ).all()
                self.assertNotEqual([], rows)
                for deleted, deleted_at in rows:
                    self.assertTrue(deleted, table.name)
                    self.assertIsNotNone(deleted_at, table.name)
        self.assertEqual("deleted", self.kit.status(self.id))
