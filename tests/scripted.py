# SPDX-License-Identifier: Apache-2.0
"""A driver, a Nova and a deployment that do as a test tells them.

Nothing here touches an image: what is under test is who is called, when,
and what is stored then.
"""

from __future__ import annotations

import functools
import queue
import tempfile
import threading
from collections.abc import Callable
from typing import Any

import fixtures
import sqlalchemy as sa
import testtools
from database_servers import NotInstalled
from database_servers import SERVERS
from database_servers import SQLITE
from oslo_context import context as oslo_context

from assisted_kit.clock import VirtualClock
from assisted_kit.db import engine as db_engine
from assisted_kit.db import models
from assisted_kit.db.database import Database
from assisted_kit.manager import VolumeManager
from assisted_kit.notifier import LocalNotifier
from assisted_kit.status_api import StatusApi
from assisted_kit.timeouts import Timeouts

HOST = "host@kit"
PROJECT = "0123456789abcdef0123456789abcdef"
PATIENCE = 10
"""Seconds until something that should have happened has not."""

CREATE_BEGIN = "create_snapshot_assisted_begin"
CREATE_COMPLETE = "create_snapshot_assisted_complete"
DELETE_BEGIN = "delete_snapshot_assisted_begin"
DELETE_COMPLETE = "delete_snapshot_assisted_complete"
CONNECT = "initialize_connection"

GENERATIONS = (
    (
        "juno",
        {"status": "creating", "progress": "90%"},
        {"status": "deleting", "progress": "90%"},
    ),
    (
        "dual",
        {
            "status": "creating",
            "progress": "90%",
            "compute_snapshot_status": "creating_compute_complete",
            "compute_progress": 100,
        },
        {
            "status": "deleting",
            "progress": "90%",
            "compute_snapshot_status": "deleting_compute_complete",
        },
    ),
    (
        "new",
        {
            "status": "creating",
            "compute_snapshot_status": "creating_compute_complete",
        },
        {
            "status": "deleting",
            "compute_snapshot_status": "deleting_compute_complete",
        },
    ),
)
"""Name, final report of a create, of a delete (section 7)."""

ADMIN = oslo_context.RequestContext(is_admin=True)


class Killed(BaseException):
    """The process dies here: nothing catches it, nothing cleans up."""


class SnapshotIsBusy(Exception):
    """Named like Cinder's."""


class HttpError(Exception):
    """An answer of Nova's, as novaclient raises it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"HTTP {code}")
        self.code = code


class Stage:
    """Holds a thread up until the test lets it go on.

    Put one in a script: ``driver.on[CREATE_BEGIN] = stage``.
    """

    def __init__(self, then: Any = None) -> None:
        self._arrived = threading.Event()
        self._go = threading.Event()
        self._then = then

    def __call__(self, *arguments: Any) -> Any:
        self._arrived.set()
        assert self._go.wait(PATIENCE), "the test never let this go on"
        return play(self._then, *arguments)

    def wait(self) -> None:
        """Until somebody is held up."""
        assert self._arrived.wait(PATIENCE), "nobody came here"

    def go(self) -> None:
        self._go.set()


def play(script: Any, *arguments: Any) -> Any:
    """Raise an exception, call a callable, return anything else."""
    if isinstance(script, BaseException):
        raise script
    return script(*arguments) if callable(script) else script


def create_request(snapshot: Any) -> dict[str, Any]:
    return {
        "snapshot_admin_metadata": {
            "create_info:type": "qcow2",
            "create_info:new_file": f"{snapshot.volume.name}.{snapshot.id}",
        }
    }


def delete_request(snapshot: Any) -> dict[str, Any]:
    return {
        "snapshot_admin_metadata": {
            "delete_info:type": "qcow2",
            "delete_info:file_to_merge": (
                f"{snapshot.volume.name}.{snapshot.id}"
            ),
            "delete_info:merge_target_file": snapshot.volume.name,
        }
    }


class PlainDriver:
    """The ordinary members of a driver; ``on`` scripts any of them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        """Member and the id of the snapshot or volume, in order."""
        self.on: dict[str, Any] = {}

    def play(self, name: str, ref: Any, *rest: Any, default: Any) -> Any:
        self.calls.append((name, ref.id))
        return play(self.on.get(name, default), ref, *rest)

    def create_volume(self, volume: Any) -> Any:
        return self.play("create_volume", volume, default=None)

    def delete_volume(self, volume: Any) -> None:
        self.play("delete_volume", volume, default=None)

    def extend_volume(self, volume: Any, size: int) -> None:
        self.play("extend_volume", volume, size, default=None)

    def create_cloned_volume(self, volume: Any, source: Any) -> Any:
        return self.play("create_cloned_volume", source, default=None)

    def create_volume_from_snapshot(self, volume: Any, snapshot: Any) -> Any:
        return self.play("create_volume_from_snapshot", snapshot, default=None)

    def initialize_connection(self, volume: Any, connector: Any) -> Any:
        return self.play(
            CONNECT,
            volume,
            connector,
            default={
                "driver_volume_type": "nfs",
                "data": {"name": volume.name, "format": "raw"},
            },
        )

    def terminate_connection(self, volume: Any, connector: Any) -> None:
        self.play("terminate_connection", volume, connector, default=None)

    def called(self, name: str) -> list[str]:
        """The ids that ``name`` was called with."""
        return [id_ for called, id_ in self.calls if called == name]


class ScriptedDriver(PlainDriver):
    """With the hooks: they ask for help when the volume is attached."""

    supports_assisted_snapshots = True

    def create_snapshot_assisted_begin(self, ref: Any) -> Any:
        attached = ref.volume.attach_status == "attached"
        return self.play(
            CREATE_BEGIN, ref, default=create_request if attached else None
        )

    def create_snapshot_assisted_complete(self, ref: Any) -> Any:
        return self.play(CREATE_COMPLETE, ref, default=None)

    def delete_snapshot_assisted_begin(self, ref: Any) -> Any:
        attached = ref.volume.attach_status == "attached"
        return self.play(
            DELETE_BEGIN, ref, default=delete_request if attached else None
        )

    def delete_snapshot_assisted_complete(self, ref: Any) -> Any:
        return self.play(DELETE_COMPLETE, ref, default=None)

    @property
    def hooks(self) -> list[str]:
        """Which hooks were called, in order."""
        return [name for name, _ in self.calls if "_assisted_" in name]


class ScriptedNova:
    """Records what it is asked; ``answer`` says what comes of it."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.answer: Any = None

    def create_volume_snapshot(
        self, context: Any, volume_id: str, create_info: Any
    ) -> None:
        self.requests.append((volume_id, dict(create_info)))
        play(self.answer, create_info)

    def delete_volume_snapshot(
        self, context: Any, snapshot_id: str, delete_info: Any
    ) -> None:
        self.requests.append((snapshot_id, dict(delete_info)))
        play(self.answer, delete_info)


@functools.cache
def _sqlite() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="assisted-kit-")


@functools.cache
def _engine(kind: str) -> sa.Engine:
    if kind == SQLITE:
        url = f"sqlite:///{_sqlite().name}/kit.db"
    else:
        url = SERVERS.get(kind).url
    engine = db_engine.create_engine(url)
    models.Base.metadata.create_all(engine)
    return engine


def empty_database(kind: str = SQLITE) -> sa.Engine:
    """One database a process: an engine's first statements are slow.

    :raises NotInstalled: there is no server of this kind.
    """
    engine = _engine(kind)
    with engine.begin() as connection:
        for table in reversed(models.Base.metadata.sorted_tables):
            connection.execute(sa.delete(table))
    return engine


class Deployment(fixtures.Fixture):
    """A manager, its database and what is around them."""

    kind = SQLITE
    """Of the database."""

    def __init__(self, driver: PlainDriver | None = None) -> None:
        self.driver: Any = ScriptedDriver() if driver is None else driver

    def _setUp(self) -> None:
        self.engine = empty_database(self.kind)
        self.clock = VirtualClock()
        self.database = Database(self.engine, self.clock)
        self.notifier = LocalNotifier()
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.notifier.subscribe(self.heard.put)
        self.nova = ScriptedNova()
        self.timeouts = Timeouts()
        self.api = StatusApi(self.database, self.notifier, self.timeouts)
        self._managers: list[VolumeManager] = []
        self.manager = self.start_manager()

    def start_manager(
        self, host: str = HOST, driver: Any = None, **others: Any
    ) -> VolumeManager:
        """One more process; it ends with the test."""
        manager = VolumeManager(
            driver or self.driver,
            self.database,
            self.nova,
            others.get("notifier", self.notifier),
            host=host,
            timeouts=self.timeouts,
        )
        self._managers.append(manager)
        self.addCleanup(manager.stop)
        return manager

    def restart(self, **others: Any) -> VolumeManager:
        """Forget the manager and have another one carry on."""
        self.manager.stop()
        self.manager = self.start_manager(**others)
        self.manager.recover()
        self.idle()
        return self.manager

    def idle(self) -> None:
        """Until nothing works any more."""
        # What one of them does may be work for another.
        for manager in self._managers * 2:
            assert manager.join(PATIENCE), "a manager still works"

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.idle()

    # -- volumes and snapshots

    def volume(self, *, attached: bool = False, attachments: int = 1) -> str:
        """A volume's id."""
        volume = self.manager.volumes.create(
            1, project_id=PROJECT, display_name="data"
        )
        for number in range(attachments if attached else 0):
            self.manager.volumes.attach(
                volume.id,
                instance_uuid=f"instance-{number}",
                connector={"host": f"compute-{number}"},
            )
        return str(volume.id)

    def create(self, volume_id: str, **fields: Any) -> str:
        """Start a create, and wait until nothing works."""
        snapshot_id = self.manager.create_snapshot(volume_id, **fields)
        self.idle()
        return snapshot_id

    def delete(self, snapshot_id: str, **options: Any) -> None:
        """Start a delete, and wait until nothing works."""
        self.manager.delete_snapshot(snapshot_id, **options)
        self.idle()

    def available(self, volume_id: str) -> str:
        """A snapshot that was taken with success."""
        snapshot_id = self.create(volume_id)
        if self.status(snapshot_id) == "creating":
            self.report(snapshot_id, "creating_compute_complete")
        assert self.status(snapshot_id) == "available"
        return snapshot_id

    def report(self, snapshot_id: str, word: str, **fields: Any) -> None:
        """What a new Nova sends, and what comes of it."""
        operation = word.split("_", 1)[0]
        failed = {"creating": "error", "deleting": "error_deleting"}
        status = failed[operation] if word.endswith("_error") else operation
        self.send(
            snapshot_id, status=status, compute_snapshot_status=word, **fields
        )
        self.idle()

    def send(self, snapshot_id: str, **fields: Any) -> int:
        """One request to the status API, as an administrator."""
        return int(
            self.api.update_snapshot_status(
                ADMIN, snapshot_id, {"os-update_snapshot_status": fields}
            )
        )

    def overwrite(self, table: sa.Table, **values: Any) -> None:
        """Set columns of all rows, behind everybody's back."""
        with self.engine.begin() as connection:
            connection.execute(sa.update(table).values(values))

    # -- what is stored

    def status(self, snapshot_id: str) -> str:
        return self.database.snapshots.status(snapshot_id)

    def snapshot(self, snapshot_id: str) -> Any:
        return self.database.references.snapshot(snapshot_id)

    def admin_metadata(self, snapshot_id: str) -> dict[str, str]:
        return dict(self.snapshot(snapshot_id).snapshot_admin_metadata)

    def phase(self, snapshot_id: str) -> str | None:
        return self.admin_metadata(snapshot_id).get("manager:phase")

    def claims(self) -> dict[str, tuple[str, str | None]]:
        return self.database.claims.owners()

    def connection_info(self, volume_id: str) -> list[dict[str, Any]]:
        volume = self.database.references.volume(volume_id)
        return [each.connection_info for each in volume.volume_attachment]


class DatabaseTestCase(testtools.TestCase):
    """Its subclasses run once on each kind of database (conftest.py)."""

    kind = SQLITE

    def setUp(self) -> None:
        super().setUp()
        self.patch(Deployment, "kind", self.kind)
        try:
            empty_database(self.kind)
        except NotInstalled as error:
            self.skipTest(f"left out on {self.kind}: {error}")


class ManagerTestCase(DatabaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.kit = self.useFixture(Deployment())
        self.driver = self.kit.driver
        self.nova = self.kit.nova


def in_background(call: Callable[[], Any]) -> threading.Thread:
    """Run a blocking call while the test goes on."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def ended(thread: threading.Thread) -> bool:
    """Whether the call came back."""
    thread.join(PATIENCE)
    return not thread.is_alive()
