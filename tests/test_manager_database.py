# SPDX-License-Identifier: Apache-2.0
"""The database fails in between: nothing is lost, and nothing hangs."""

from __future__ import annotations

from collections.abc import Callable

import ddt
import fixtures
import sqlalchemy as sa
from database_servers import MARIADB
from database_servers import POSTGRESQL
from database_servers import SQLITE
from scripted import CREATE_BEGIN
from scripted import CREATE_COMPLETE
from scripted import Deployment
from scripted import ended
from scripted import HttpError
from scripted import in_background
from scripted import ManagerTestCase
from scripted import PlainDriver

CLAIMING = "INSERT INTO snapshot_claims"
RELEASING = "DELETE FROM snapshot_claims"
READING = "FROM volumes"
MOVING = "UPDATE snapshots SET"


class Outage:
    """Statements that begin or go on like ``text`` fail from now on."""

    def __init__(self, engine: sa.Engine, text: str) -> None:
        self.text = text
        self.failures = 0
        self.over = False
        sa.event.listen(engine, "before_cursor_execute", self._fail)

    def _fail(self, connection, cursor, statement, *_) -> None:
        if self.text in statement and not self.over:
            self.failures += 1
            raise sa.exc.OperationalError(statement, {}, OSError("gone away"))


@ddt.ddt
class OutageTest(ManagerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.kit.volume(attached=True)

    def outage(self, text: str) -> Outage:
        outage = Outage(self.kit.engine, text)
        self.addCleanup(setattr, outage, "over", True)
        return outage

    def end(self, outage: Outage) -> None:
        self.assertGreater(outage.failures, 0)
        outage.over = True
        self.kit.advance(1)

    def during(self, text: str) -> Callable[..., None]:
        """A script that has the database fail from there on."""

        def fail(*_: object) -> None:
            self.outages.append(self.outage(text))

        self.outages: list[Outage] = []
        return fail

    def test_the_chain_cannot_be_claimed(self) -> None:
        outage = self.outage(CLAIMING)
        first, second = (self.kit.create(self.volume_id) for _ in range(2))
        self.kit.advance(5)
        self.assertEqual([], self.driver.hooks)
        self.end(outage)
        self.assertEqual("compute", self.kit.phase(first))
        self.kit.report(first, "creating_compute_error")
        self.assertEqual("compute", self.kit.phase(second))

    def test_begin_s_update_cannot_be_stored(self) -> None:
        self.driver.on[CREATE_BEGIN] = self.during(MOVING)
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual("begin", self.kit.phase(snapshot_id))
        self.driver.on.clear()
        self.end(self.outages[0])
        # Hooks are re-entrant: it was called again.
        self.assertEqual([CREATE_BEGIN] * 2, self.driver.hooks)
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        self.assertEqual(1, len(self.nova.requests))

    def test_the_request_cannot_be_read(self) -> None:
        hooks = self.kit.manager._hooks
        ask, asked = hooks._ask, []

        def ask_in_vain(job) -> None:
            if not asked:
                asked.append(self.outage("FROM snapshots"))
            ask(job)

        hooks._ask = ask_in_vain
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual([], self.nova.requests)
        self.end(asked[0])
        self.assertEqual(1, len(self.nova.requests))
        self.kit.report(snapshot_id, "creating_compute_complete")
        self.assertEqual("available", self.kit.status(snapshot_id))

    def test_the_deadline_stands_whatever_the_database_does(self) -> None:
        def ask(job) -> None:
            raise sa.exc.OperationalError("SELECT", {}, OSError())

        self.kit.manager._hooks._ask = ask
        snapshot_id = self.kit.create(self.volume_id)
        self.kit.advance(600)
        self.assertEqual("error", self.kit.status(snapshot_id))

    def test_a_refusal_cannot_be_stored(self) -> None:
        def refuse(info) -> None:
            fail()
            raise HttpError(409)

        fail = self.during(MOVING)
        self.nova.answer = refuse
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual("creating", self.kit.status(snapshot_id))
        self.end(self.outages[0])
        self.assertEqual("error", self.kit.status(snapshot_id))
        self.assertEqual(1, len(self.nova.requests))

    @ddt.data(MOVING, RELEASING, READING)
    def test_a_failure_cannot_be_stored(self, text) -> None:
        fail = self.during(text)

        def begin(ref) -> None:
            fail()
            raise ValueError("no space")

        self.driver.on[CREATE_BEGIN] = begin
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual("creating", self.kit.status(snapshot_id))
        self.driver.on[CREATE_BEGIN] = ValueError("no space")
        self.end(self.outages[0])
        self.assertEqual("error", self.kit.status(snapshot_id))
        # The connection information was not given up on either.
        self.assertEqual({}, self.kit.claims())

    def test_the_end_cannot_be_stored(self) -> None:
        self.driver.on[CREATE_COMPLETE] = self.during(RELEASING)
        snapshot_id = self.kit.create(self.volume_id)
        self.kit.report(snapshot_id, "creating_compute_complete")
        self.assertEqual("complete", self.kit.phase(snapshot_id))
        self.driver.on.clear()
        self.end(self.outages[0])
        self.assertEqual("available", self.kit.status(snapshot_id))
        self.assertEqual({}, self.kit.claims())

    def test_a_replaced_operation_cannot_release_the_chain(self) -> None:
        def begin(ref) -> None:
            self.kit.manager.delete_snapshot(ref.id, force=True)
            fail()

        fail = self.during(RELEASING)
        self.driver.on[CREATE_BEGIN] = begin
        snapshot_id = self.kit.create(self.volume_id)
        self.end(self.outages[0])
        self.assertEqual("compute", self.kit.phase(snapshot_id))
        self.kit.report(snapshot_id, "deleting_compute_complete")
        self.assertEqual({}, self.kit.claims())

    def test_who_held_the_chain_cannot_release_it(self) -> None:
        fail = self.during(RELEASING)
        self.driver.on["extend_volume"] = fail
        volumes = self.kit.manager.volumes
        extending = in_background(lambda: volumes.extend(self.volume_id, 2))
        self.assertTrue(ended(extending))
        snapshot_id = self.kit.create(self.volume_id)
        self.assertEqual([], self.driver.hooks)
        self.end(self.outages[0])
        self.assertEqual("compute", self.kit.phase(snapshot_id))


REFUSAL = {
    SQLITE: [
        (
            "CREATE TRIGGER refuse BEFORE UPDATE OF provider_auth"
            " ON snapshots BEGIN SELECT RAISE(ABORT, 'refused'); END",
            "DROP TRIGGER refuse",
        )
    ],
    POSTGRESQL: [
        (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RAISE 'refused'; END $$",
            "DROP FUNCTION refuse",
        ),
        (
            "CREATE TRIGGER refuse BEFORE UPDATE OF provider_auth"
            " ON snapshots EXECUTE FUNCTION refuse()",
            "DROP TRIGGER refuse ON snapshots",
        ),
    ],
    MARIADB: [
        (
            "CREATE TRIGGER refuse BEFORE UPDATE ON snapshots FOR EACH ROW"
            " IF NEW.provider_auth IS NOT NULL THEN SIGNAL SQLSTATE '22001'"
            " SET MYSQL_ERRNO = 1406, MESSAGE_TEXT = 'refused'; END IF",
            "DROP TRIGGER refuse",
        )
    ],
}
"""What refuses a change of ``provider_auth``, and what removes that."""


class SecretTest(ManagerTestCase):
    def test_provider_auth_is_never_logged(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        for made, removed in REFUSAL[self.kind]:
            self.perform(made)
            self.addCleanup(self.perform, removed)
        self.driver.on[CREATE_BEGIN] = {"provider_auth": "s3cret"}
        snapshot_id = self.kit.create(self.kit.volume())
        self.assertEqual("error", self.kit.status(snapshot_id))
        self.assertIn("refused", log.output)
        self.assertNotIn("s3cret", log.output)

    def perform(self, statement: str) -> None:
        with self.kit.engine.begin() as connection:
            connection.exec_driver_sql(statement)


class LegacyOutageTest(ManagerTestCase):
    def setUp(self) -> None:
        super().setUp()
        driver = PlainDriver()
        driver.create_snapshot = lambda ref: driver.play(
            "create_snapshot", ref, default=None
        )
        self.kit = self.useFixture(Deployment(driver))
        self.driver = driver

    def test_the_end_is_stored_later_and_the_driver_called_once(self) -> None:
        outages = []
        self.driver.on["create_snapshot"] = lambda ref: outages.append(
            Outage(self.kit.engine, MOVING)
        )
        snapshot_id = self.kit.create(self.kit.volume())
        self.assertEqual("creating", self.kit.status(snapshot_id))
        outages[0].over = True
        self.kit.advance(1)
        self.assertEqual("available", self.kit.status(snapshot_id))
        self.assertEqual(1, len(self.driver.called("create_snapshot")))
        self.assertEqual({}, self.kit.claims())
