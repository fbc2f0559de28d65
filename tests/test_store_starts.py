# SPDX-License-Identifier: Apache-2.0
"""What starts a change: new rows, deletes, claims, and what is found."""

from __future__ import annotations

import threading
from concurrent import futures

import ddt
from scripted import HOST
from stored_create import BEGIN
from stored_create import OTHER
from stored_create import OWNER
from stored_create import StoreTestCase

from assisted_kit.db.references import NotFound
from assisted_kit.db.snapshot_values import Change
from assisted_kit.db.starts import NotAllowed
from assisted_kit.lifecycle import Phase
from assisted_kit.updates import ModelUpdate


@ddt.ddt
class StartingTest(StoreTestCase):
    def test_create_starts_clean(self) -> None:
        stored = self.kit.snapshot(self.id)
        self.assertEqual(("creating", "0%"), (stored.status, stored.progress))
        self.assertEqual(1, stored.volume_size)
        self.assertEqual(stored.volume.project_id, stored.project_id)
        self.assertEqual("begin", self.kit.phase(self.id))

    def test_delete_clears_the_earlier_attempt(self) -> None:
        update = ModelUpdate(
            snapshot_admin_metadata={
                "create_info:type": "qcow2",
                "create_info:new_file": "overlay",
                "delete_info:type": "qcow2",
                "delete_info:file_to_merge": "a",
                "delete_info:merge_target_file": "b",
                "own": "fact",
            }
        )
        reported = {"snapshot_status": "x", "compute_progress": "100"}
        self.move(BEGIN, ("error", None), Change(update, {}, reported))
        self.snapshots.begin_delete(self.id, assisted=True)
        stored = self.kit.snapshot(self.id)
        self.assertEqual(("deleting", "0%"), (stored.status, stored.progress))
        # What the create asked for lives as long as the row.
        self.assertEqual(
            {"create_info:type", "create_info:new_file", "own"},
            {key for key in self.pairs() if not key.startswith("manager:")},
        )

    @ddt.data("creating", "deleting", "error_deleting", "backing-up")
    def test_delete_is_refused_from(self, status: str) -> None:
        self.move(BEGIN, (status, None))
        before = self.contents()
        error = self.assertRaises(
            NotAllowed, self.snapshots.begin_delete, self.id, assisted=True
        )
        self.assertIn(status, str(error))
        self.assertEqual(before, self.contents())
        self.snapshots.begin_delete(self.id, assisted=True, force=True)
        self.assertEqual("deleting", self.kit.status(self.id))

    @ddt.named_data(
        ("in flight", ("creating", Phase.COMPUTE), "error"),
        ("deleting", ("deleting", Phase.BEGIN), "error_deleting"),
        ("available", ("available", None), "available"),
    )
    def test_what_it_was_before(self, found, expected) -> None:
        # What SnapshotIsBusy goes back to is never a status in flight.
        self.move(BEGIN, found)
        self.snapshots.begin_delete(self.id, assisted=True, force=True)
        self.assertEqual(expected, self.pairs()["manager:previous_status"])

    def test_only_one_of_two_deletes_is_accepted(self) -> None:
        self.move(BEGIN, ("available", None), release=True)
        start = threading.Barrier(4)

        def race(_: int) -> bool:
            start.wait()
            try:
                self.snapshots.begin_delete(self.id, assisted=True)
            except NotAllowed:
                return False
            return True

        with futures.ThreadPoolExecutor(4) as pool:
            self.assertEqual(1, list(pool.map(race, range(4))).count(True))

    def test_what_is_missing(self) -> None:
        self.assertRaises(
            NotFound, self.snapshots.begin_create, "missing", assisted=True
        )
        self.assertRaises(
            NotFound, self.snapshots.begin_delete, "missing", assisted=True
        )

    def test_no_snapshot_of_a_volume_that_is_being_deleted(self) -> None:
        # Launchpad bug 1739995: the row stayed, and could not be deleted.
        volumes = self.kit.database.volumes
        taken = self.kit.volume()
        snapshot_id = self.kit.create(taken)
        error = self.assertRaises(NotAllowed, volumes.begin_delete, taken)
        self.assertIn(snapshot_id, str(error))
        empty = self.kit.volume()
        volumes.begin_delete(empty)
        self.assertRaises(
            NotAllowed, self.snapshots.begin_create, empty, assisted=True
        )

    def test_snapshots_of_one_moment_have_an_order(self) -> None:
        # DATETIME of MariaDB has no fractions of a second.
        volume_id = self.kit.volume()
        ids = [
            self.snapshots.begin_create(volume_id, assisted=True).snapshot_id
            for _ in range(5)
        ]
        volume = self.kit.database.references.volume(volume_id)
        self.assertEqual(ids, [each.id for each in volume.snapshots])


class ClaimsTest(StoreTestCase):
    def test_one_owner(self) -> None:
        self.assertFalse(self.claims.take(self.volume_id, OTHER))
        self.assertFalse(self.claims.release(self.volume_id, OTHER))
        owner, _ = self.kit.claims()[self.volume_id]
        self.assertEqual(OWNER, owner)
        self.assertTrue(self.claims.release(self.volume_id, OWNER))
        self.assertEqual({}, self.kit.claims())
        self.assertTrue(self.claims.take(self.volume_id, OTHER))

    def test_take_over(self) -> None:
        second = self.kit.volume()
        self.claims.take(second, OWNER)
        self.assertEqual(
            1, self.claims.take_over(OWNER, OTHER, volume_id=second)
        )
        self.assertEqual(1, self.claims.take_over(OWNER, OTHER))
        self.assertEqual(0, self.claims.take_over(OWNER, OTHER))
        self.assertEqual(
            {self.volume_id: (OTHER, self.id), second: (OTHER, None)},
            self.claims.owners(),
        )

    def test_one_of_many_gets_it(self) -> None:
        volume_id = self.kit.volume()
        start = threading.Barrier(8)

        def race(number: int) -> bool:
            start.wait()
            return self.claims.take(volume_id, f"owner {number}")

        with futures.ThreadPoolExecutor(8) as pool:
            self.assertEqual(1, list(pool.map(race, range(8))).count(True))

    def test_claimed_again_for_the_same_work(self) -> None:
        # The database took the claim and could not say so.
        volume_id = self.kit.volume()
        take = self.claims.take
        self.assertTrue(take(volume_id, "owner", self.id))
        self.assertTrue(take(volume_id, "owner", self.id))
        self.assertFalse(take(volume_id, "owner"))
        self.assertFalse(take(volume_id, "another", self.id))


class InFlightTest(StoreTestCase):
    def test_found_with_phase_and_metadata(self) -> None:
        (found,) = self.snapshots.in_flight(self.id)
        self.assertEqual(self.attempt, found.attempt)
        self.assertEqual(BEGIN, (found.status, found.phase))
        self.assertEqual("1", found.admin_metadata["manager:attempt"])

    def test_hosts(self) -> None:
        for host, expected in (
            (HOST, 1),
            ("host", 0),
            ("other@kit", 0),
            ("host_kit", 0),
        ):
            found = self.snapshots.in_flight(host=host)
            self.assertEqual(expected, len(found), host)
        # Cinder's own rows name a pool as well.
        self.kit.database.volumes.update(
            self.volume_id, {"host": f"{HOST}#pool"}
        )
        self.assertEqual(1, len(self.snapshots.in_flight(host=HOST)))

    def test_settled_ones_are_not_in_flight(self) -> None:
        self.move(BEGIN, ("available", None))
        self.assertEqual([], self.snapshots.in_flight())
