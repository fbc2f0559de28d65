# SPDX-License-Identifier: Apache-2.0
"""A thousand snapshots in flight cost no thread and no query."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import create_request
from scripted import ManagerTestCase

from assisted_kit.db import rows
from assisted_kit.db import snapshot_values
from assisted_kit.manager.manager import WORKERS

MANY = 1000


def ids_of(kind: int, number: int) -> list[str]:
    return [f"{kind:08d}-0000-4000-8000-{each:012d}" for each in range(number)]


class ScaleTestCase(ManagerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.driver.on[CREATE_BEGIN] = create_request
        self.statements: list[str] = []
        hook = (self.kit.engine, "before_cursor_execute", self.count)
        sa.event.listen(*hook)
        self.addCleanup(sa.event.remove, *hook)

    def count(self, connection, cursor, statement, *_) -> None:
        self.statements.append(statement)

    def insert(self, table: sa.Table, values: list[dict]) -> None:
        with self.kit.engine.begin() as connection:
            connection.execute(
                sa.insert(table), [{**row, "deleted": False} for row in values]
            )

    def volumes(self, number: int) -> list[str]:
        """Volumes by the row: their driver is not of interest here."""
        ids = ids_of(1, number)
        fields = {
            "size": 1,
            "status": "available",
            "attach_status": "detached",
            "volume_type_id": "type",
            "host": self.kit.manager.host,
        }
        self.insert(rows.VOLUMES, [{"id": id_, **fields} for id_ in ids])
        return ids

    def in_compute(self, number: int) -> list[str]:
        """Snapshots as a process that died has left them."""
        volumes, ids = self.volumes(number), ids_of(2, number)
        fields = {
            "status": "creating",
            "progress": "0%",
            "volume_type_id": "type",
        }
        pairs = {
            snapshot_values.PHASE: "compute",
            snapshot_values.ATTEMPT: "1",
            snapshot_values.DEADLINE: repr(self.kit.clock.now() + 600),
        }
        self.insert(
            rows.SNAPSHOTS,
            [
                {"id": id_, "volume_id": volume_id, **fields}
                for id_, volume_id in zip(ids, volumes, strict=True)
            ],
        )
        self.insert(
            rows.SNAPSHOT_ADMIN_METADATA,
            [
                {
                    "snapshot_id": id_,
                    "volume_id": volume_id,
                    "key": key,
                    "value": value,
                }
                for id_, volume_id in zip(ids, volumes, strict=True)
                for key, value in pairs.items()
            ],
        )
        return ids

    def assert_waiting_costs_nothing(self) -> None:
        self.statements.clear()
        self.kit.advance(599)
        self.assertEqual([], self.statements)

    def report_done(self, ids: list[str]) -> None:
        for snapshot_id in ids:
            self.kit.send(snapshot_id, status="creating", progress="90%")
        self.kit.idle()

    def statuses(self) -> dict[str, int]:
        table = rows.SNAPSHOTS
        with self.kit.engine.connect() as connection:
            found = connection.execute(
                sa.select(table.c.status, sa.func.count()).group_by(
                    table.c.status
                )
            )
            return {row.status: row[1] for row in found}


class ScaleTest(ScaleTestCase):
    def test_waiting(self) -> None:
        ids = self.in_compute(MANY)
        threads = threading.active_count()
        self.kit.manager.recover()
        self.kit.idle()
        self.assertEqual(MANY, len(self.kit.claims()))
        self.assertLessEqual(threading.active_count() - threads, WORKERS)
        self.assert_waiting_costs_nothing()

        self.report_done(ids[::20])
        self.assertEqual(
            sorted(ids[::20]), sorted(self.driver.called(CREATE_COMPLETE))
        )
        self.assertEqual({"available": 50, "creating": 950}, self.statuses())
        self.assertEqual(950, len(self.kit.claims()))

    @pytest.mark.slow
    def test_from_the_request_to_the_end(self) -> None:
        threads = threading.active_count()
        ids = [
            self.kit.manager.create_snapshot(volume_id)
            for volume_id in self.volumes(MANY)
        ]
        while not self.kit.manager.join(60):
            pass
        self.assertEqual(MANY, len(self.nova.requests))
        self.assertLessEqual(threading.active_count() - threads, WORKERS)
        self.assert_waiting_costs_nothing()

        self.report_done(ids)
        self.assertEqual({"available": MANY}, self.statuses())
        self.assertEqual({}, self.kit.claims())
        # A deadline that was met rings no more.
        self.assert_waiting_costs_nothing()

    def test_statements_do_not_grow_with_the_number_in_flight(self) -> None:
        volumes = self.volumes(40)
        counts = []
        for volume_id in volumes:
            self.statements.clear()
            snapshot_id = self.kit.create(volume_id)
            self.kit.report(
                snapshot_id, "creating_compute", compute_progress=1
            )
            counts.append(len(self.statements))
        self.assertEqual(counts[1], counts[-1])
