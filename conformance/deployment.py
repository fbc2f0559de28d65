# SPDX-License-Identifier: Apache-2.0
"""A volume service and a compute service around the driver under test."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fixtures
from testtools.content import Content
from testtools.content_type import UTF8_TEXT

from assisted_kit.clock import VirtualClock
from assisted_kit.db.database import Database
from assisted_kit.db.references import References
from assisted_kit.driver import Hook
from assisted_kit.image import Image
from assisted_kit.key_manager import EncryptionKey
from assisted_kit.manager import VolumeManager
from assisted_kit.notifier import LocalNotifier
from assisted_kit.refs import Ref
from assisted_kit.rules import Profile
from assisted_kit.status_api import StatusApi
from assisted_kit.subject import Subject
from assisted_kit.timeouts import Timeouts
from conformance import another_process
from conformance import named_database
from conformance.journal import Journal
from conformance.observed import KeptLog
from conformance.observed import ObservedDriver
from conformance.overdue import Overdue
from conformance.patience import Patience
from conformance.phases import ObservedSnapshots
from conformance.temporary_database import TemporaryDatabase
from conformance.timeline import Moment
from conformance.timeline import ordered
from conformance.timeline import Side
from conformance.waiting import VirtualTime
from conformance.watch import Watch
from conformance.work_directory import WorkDirectory
from fakes.compute import FakeNova
from fakes.compute import FaultPlan
from fakes.compute import Generation
from fakes.compute.history import Call

PATIENT = 10
"""Deadlines for which a legacy driver may wait for a report."""


class Deployment(fixtures.Fixture):
    """Everything around one driver instance, for one test.

    Time is virtual: deadlines pass when a test says so.

    :param prepare_share: called with the share's directory before there is
        a driver.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        base_format: str = "raw",
        generation: Generation = Generation.DUAL,
        prepare_share: Callable[[Path], object] = lambda directory: None,
    ) -> None:
        self.subject = subject
        self.base_format = base_format
        self._generation = generation
        self._prepare_share = prepare_share
        self.keys: dict[str, EncryptionKey] = {}
        """Those of the encrypted volumes, by their ids."""

    def _setUp(self) -> None:
        self._keep_log()
        self.share = self.useFixture(WorkDirectory(self.subject)).path
        self._prepare_share(self.share)
        self.journal = Journal()
        self.watch = self.useFixture(
            Watch(
                self.subject.adapter.driver_class,
                self._held,
            )
        )
        self.patience = Patience(self.subject.patience, self.watch, self.share)
        self.useFixture(Overdue(self.patience, self.watch))
        self.clock = VirtualClock()
        self.faults = FaultPlan()
        self.notifier = LocalNotifier()
        # A database that a configuration names is everybody's.
        self._host = f"{uuid.uuid4().hex}@assisted-kit"
        self.database = Database(self._engine(), self.clock)
        self.addCleanup(self._close_database)
        self.snapshots = ObservedSnapshots(self.database.engine, self.clock)
        self.database.snapshots = self.snapshots
        self._milestones: list[Moment] = []
        self.context = self.subject.adapter.context()
        self.status_api = StatusApi(self.database, self.notifier)
        self.nova = FakeNova(
            self.database,
            self.status_api,
            self.notifier,
            self._locate,
            generation=self._generation,
            faults=self.faults,
            context=self.context,
            passphrase_of=self.passphrase_of,
        )
        self.addCleanup(self._close_nova)
        self._virtualize_waits()
        self._start_manager()
        self.addCleanup(self._stop_manager)

    def _start_manager(self) -> None:
        self.driver = self.new_driver()
        self.manager = VolumeManager(
            self.driver,
            self.database,
            self.nova,
            self.notifier,
            host=self._host,
            context=self.context,
        )

    @contextmanager
    def service_down(self) -> Iterator[None]:
        """The volume service is down meanwhile, and carries on afterwards.

        It has the database and the share to do so, and nothing else: the
        driver is another instance.
        """
        self._stop_manager()
        self._note("the volume service is down")
        yield
        self.patience.join(self.nova)
        self._note("the volume service is up again")
        self._start_manager()
        self.manager.recover()
        self.settle()

    def new_driver(self) -> ObservedDriver:
        """Another instance of the driver on the same share."""
        return ObservedDriver(
            self._construct(),
            self.journal,
            self.watch,
            self._construct,
            self.waits,
            self.patience,
        )

    def _construct(self) -> Any:
        adapter = self.subject.adapter
        own: dict[str, Any] = {}
        if adapter.profile is Profile.LEGACY:
            # It asks Nova itself, and waits for it.
            own = {"compute": self.nova, "sleep": self.waits.sleep}
        with (
            self.patience.answering("constructor"),
            self.watch.call("constructor"),
        ):
            driver = adapter.construct(
                self.share,
                base_format=self.base_format,
                execute=self.subject.execute,
                **own,
            )
        self.watch.drives(type(driver))
        return driver

    def in_another_process(self, hook: Hook) -> Callable[[Any], Any]:
        """``hook`` of an instance in a process that has just started."""
        return another_process.calling(
            self.subject, self.share, self.base_format, hook
        )

    def on_another_instance(self, hook: Hook) -> Callable[[Any], Any]:
        """``hook`` of another instance in this process."""
        hook_of_other: Callable[[Any], Any] = getattr(self._construct(), hook)
        return hook_of_other

    def _held(self, volume_id: str) -> Iterator[Path]:
        """The images that the guest of a volume has open."""
        for instance in self.nova.instances:
            yield from instance.held(volume_id)

    def _virtualize_waits(self) -> None:
        """Have a legacy driver wait by the test's clock."""
        self.waits = VirtualTime(
            self.clock,
            pause=lambda: self.manager.pause(),
            others=lambda: self.nova.join(self.subject.patience),
        )
        self.addCleanup(self.notifier.subscribe(self.waits.listen))
        self.database.references = _WatchedReferences(
            self.database, self.waits
        )
        if self.subject.adapter.profile is Profile.LEGACY:
            for name in self.subject.adapter.sleeps_by():
                stand_in: Any = self.waits
                if name.endswith(".sleep"):
                    stand_in = self.waits.sleep
                self.useFixture(fixtures.MonkeyPatch(name, stand_in))

    def settle(self) -> bool:
        """Wait until neither the driver nor Nova is at work any more.

        Snapshots whose report does not come stay in flight.

        :returns: false when a hook does not return, and was given up.
        """
        # The manager asks Nova, Nova reports, the manager completes, and
        # Nova reads the connection information again.
        parties = (self.manager, self.nova) * 2
        return all(self.patience.join(party) for party in parties)

    # Whoever waited for a thread that is lost would wait for ever.

    def _stop_manager(self) -> None:
        self.waits.end()
        if self.patience.finish(self.manager):
            self.manager.stop()

    def _close_nova(self) -> None:
        if self.patience.finish(self.nova):
            self.nova.close()

    def let_deadline_pass(self) -> None:
        """Have so much time pass that nobody waits for a report any more."""
        for _ in range(PATIENT):
            self._note("the deadline passes")
            self.clock.advance(Timeouts().delete + 1)
            if not self.settle() or not self.waits.sleepers:
                return

    def let_time_pass(self, seconds: float) -> None:
        """Have some time pass, and whoever waits look again."""
        self._note(f"{seconds:g} s pass")
        self.clock.advance(seconds)
        self.settle()

    def _note(self, what: str) -> None:
        self._milestones.append(Moment(time.perf_counter(), Side.TEST, what))

    def note_writes(
        self, what: str, image: Image, writes: Sequence[tuple[int, bytes]]
    ) -> None:
        """The guest is about to write these bytes at these offsets.

        :param what: they are.
        """
        listed = ", ".join(
            f"{len(data)} bytes at {offset}" for offset, data in writes
        )
        self._milestones.append(
            Moment(
                time.perf_counter(),
                Side.GUEST,
                f"writes {what} to {image.path.name}: {listed}",
            )
        )

    def timeline(self) -> list[Moment]:
        """Everything that happened so far, of both services."""
        return ordered(
            self._milestones,
            self.snapshots.moments,
            self._hooks(),
            self.watch.moments(),
            (
                Moment(when, Side.NOVA, str(record))
                for when, record in self.nova.history.timed()
            ),
        )

    def _hooks(self) -> Iterator[Moment]:
        for call in self.journal.calls():
            called = f"{call.hook}({call.snapshot_id})"
            yield Moment(call.started, Side.HOOK, f"{called} is called")
            yield Moment(call.ended, Side.HOOK, f"{called} {call.outcome}")

    def nova_calls(self, snapshot_id: str) -> list[str]:
        """What the compute service was asked to do with a snapshot."""
        return [
            str(entry)
            for entry in self.nova.history
            if isinstance(entry, Call) and entry.snapshot_id == snapshot_id
        ]

    def image(self, connection_info: Any) -> Image:
        """The image that flat connection information names."""
        return self._locate(connection_info)

    def _locate(self, connection_info: Any) -> Image:
        adapter = self.subject.adapter
        directory = adapter.mount_point(self.driver.unobserved, self.share)
        return adapter.image(directory, connection_info)

    def passphrase_of(self, volume_id: str) -> str | None:
        """What opens a volume's images; None unless it is encrypted."""
        volume = self.database.references.volume(volume_id)
        key = self.keys.get(volume.encryption_key_id)
        return None if key is None else key.passphrase

    def _close_database(self) -> None:
        if self.subject.database_url is not None:
            named_database.remove_rows(self.database.engine, self._host)
        self.database.close()

    def _engine(self) -> Any:
        return self.useFixture(OpenDatabase(self.subject)).engine

    def _keep_log(self) -> None:
        """Keep what is logged as a detail of the test, and print nothing.

        A fixtures.FakeLogger would fail drivers whose log statements are
        wrong, and hide why a set-up failed (it closes its stream).
        """
        log = KeptLog()
        self.useFixture(
            fixtures.LogHandler(
                log, name="", level=logging.WARNING, nuke_handlers=True
            )
        )
        self.addDetail("log", Content(UTF8_TEXT, log.as_bytes))


class _WatchedReferences(References):
    """Tells how often a legacy driver reads its snapshot again."""

    def __init__(self, database: Database, waits: VirtualTime) -> None:
        super().__init__(database.engine, database.clock)
        self._waits = waits

    def reload(self, ref: Ref) -> Mapping[str, Any]:
        self._waits.looked()
        return super().reload(ref)


class OpenDatabase(fixtures.Fixture):
    """The database to use, its schema up to date; ``engine`` leads to it.

    A temporary one, unless the subject names one.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    def _setUp(self) -> None:
        url = self._subject.database_url
        if url is None:
            self.engine = self.useFixture(TemporaryDatabase()).engine
            return
        self.engine = named_database.open_at(url)
        self.addCleanup(self.engine.dispose)
