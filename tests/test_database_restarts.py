# SPDX-License-Identifier: Apache-2.0
"""The database server dies in the middle of operations: nothing is lost.

An operation is repeated, and each time the server dies at another of its
transactions: before the commit, which is lost then. Or the connection is
lost after it, and the answer with it. Whoever called the API or reported gets
an error, and does it again; the volume manager goes on by itself.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable

import ddt
import sqlalchemy as sa
from database_servers import MARIADB
from database_servers import POSTGRESQL
from database_servers import SERVERS
from oslo_db.exception import DBDuplicateEntry
from scripted import ManagerTestCase

from assisted_kit.db.starts import NotAllowed
from assisted_kit.manager.database_errors import PASSING_ERRORS
from assisted_kit.status_api import BadRequest
from assisted_kit.status_api import SnapshotNotFound

BEFORE, AFTER = "before the commit", "after the commit"
SOON = 5
"""Seconds, of the virtual clock; no deadline passes meanwhile."""


class Death:
    """Server or connection die at the n-th transaction from now on."""

    def __init__(self, engine: sa.Engine, kind: str) -> None:
        self._engine = engine
        self._dialect = engine.dialect
        self._commit = engine.dialect.do_commit
        self._kind = kind
        self._left = 0
        self._when = BEFORE

    def at(self, number: int, when: str) -> None:
        self._left, self._when = number, when
        self._dialect.do_commit = self._die_or_commit

    @property
    def came(self) -> bool:
        return self._left <= 0

    def never(self) -> None:
        self._dialect.do_commit = self._commit

    def _die_or_commit(self, connection) -> None:
        self._left -= 1
        if self._left != 0:
            self._commit(connection)
        elif self._when == BEFORE:
            SERVERS.get(self._kind).restart()
            self._commit(connection)
            raise AssertionError("a transaction outlived the server")
        else:
            self._commit(connection)
            self._cut(connection)
            # What its driver says of a connection that is gone, it says
            # itself.
            connection.cursor().execute("SELECT 1")

    def _cut(self, connection) -> None:
        if self._kind == POSTGRESQL:
            pid = connection.get_backend_pid()
            cut = f"SELECT pg_terminate_backend({pid}, 10000)"
        else:
            cut = f"KILL {connection.thread_id()}"
        with self._engine.connect() as other:
            other.exec_driver_sql(cut)


class OnAServer(ManagerTestCase):
    """The kinds of databases that have one."""

    def setUp(self) -> None:
        super().setUp()
        if self.kind not in (POSTGRESQL, MARIADB):
            self.skipTest("SQLite has no server that could die")
        self.volume_id = self.kit.volume(attached=True)


@ddt.ddt
class SweepTest(OnAServer):
    @ddt.data(BEFORE, AFTER)
    def test_create(self, when: str) -> None:
        self.sweep(when, lambda: self.kit.volume(attached=True), self.create)

    @ddt.data(BEFORE, AFTER)
    def test_delete(self, when: str) -> None:
        self.sweep(
            when,
            lambda: self.kit.available(self.kit.volume(attached=True)),
            self.delete,
        )

    def test_force_in_compute(self) -> None:
        self.sweep(
            AFTER,
            lambda: self.kit.create(self.kit.volume(attached=True)),
            self.delete_by_force,
        )

    def sweep(self, when, arrange, act) -> None:
        death = Death(self.kit.engine, self.kind)
        self.addCleanup(death.never)
        number = 0
        while number == 0 or death.came:
            subject = arrange()
            number += 1
            death.at(number, when)
            act(subject)
            death.never()
            self.assertEqual({}, self.kit.claims(), f"at {number}")
        # It is swept only if there was something to sweep.
        self.assertGreater(number, 4)

    def create(self, volume_id: str) -> None:
        snapshot_id = str(uuid.uuid4())
        create = self.kit.manager.create_snapshot
        self.until_accepted(lambda: create(volume_id, id=snapshot_id))
        self.until_settled(snapshot_id, "creating_compute_complete")
        self.assertEqual("available", self.kit.status(snapshot_id))

    def delete(self, snapshot_id: str) -> None:
        delete = self.kit.manager.delete_snapshot
        self.until_accepted(lambda: delete(snapshot_id))
        self.until_settled(snapshot_id, "deleting_compute_complete")
        self.assertEqual("deleted", self.kit.status(snapshot_id))

    def delete_by_force(self, snapshot_id: str) -> None:
        with contextlib.suppress(*PASSING_ERRORS):
            self.kit.manager.delete_snapshot(snapshot_id, force=True)
        self.kit.idle()
        if self.kit.status(snapshot_id) == "creating":
            self.kit.delete(snapshot_id, force=True)
        self.until_settled(snapshot_id, "deleting_compute_complete")
        self.assertEqual("deleted", self.kit.status(snapshot_id))

    def until_accepted(self, ask: Callable[[], object]) -> None:
        """Ask again after a lost answer, if need be."""
        try:
            ask()
        except PASSING_ERRORS:
            with contextlib.suppress(NotAllowed, DBDuplicateEntry):
                ask()
        self.kit.idle()

    def until_settled(self, snapshot_id: str, word: str) -> None:
        """Report done, again after a lost answer, and let it end."""
        self.kit.advance(SOON)
        if self.kit.phase(snapshot_id) == "compute":
            try:
                self.kit.report(snapshot_id, word)
            except PASSING_ERRORS:
                # It may have been stored, and the manager be through with
                # the snapshot by now: deleted, or available.
                with contextlib.suppress(SnapshotNotFound, BadRequest):
                    self.kit.report(snapshot_id, word)
        self.kit.advance(SOON)
