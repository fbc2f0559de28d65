# SPDX-License-Identifier: Apache-2.0
"""The steps of a story that are about snapshots, Nova and the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assisted_kit.capabilities import Capability
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Status
from conformance.crash.commits import CommitSweep
from conformance.machine.mishaps import End
from conformance.machine.mishaps import Mishap
from conformance.machine.mishaps import MISHAPS
from conformance.machine.mishaps import possible
from conformance.machine.model import AFTER_CREATE
from conformance.machine.model import after_delete
from conformance.machine.model import SnapshotModel
from conformance.machine.model import Standing
from conformance.machine.model import VolumeModel
from conformance.machine.telling import Telling
from conformance.machine.telling import told
from conformance.machine.told import ToldVolume
from conformance.snapshot import SnapshotUnderTest
from fakes.compute import Fault
from fakes.compute import Generation

MOST_AT_ONCE = 4
"""Snapshots that a volume has at the same time."""

NEVER_ASKED = Mishap(Fault.DIE_BEFORE_WORK, End.IN_FLIGHT, False)
"""The volume service died with the request stored, before Nova was asked."""

PLAIN = ("available", "error")
"""Statuses from which a snapshot is deleted without force."""


class OfSnapshots(Telling):
    """Snapshots, what goes wrong with them, and how it goes on."""

    # -- taking one

    def can_take_snapshot(
        self,
        volume: str,
        snapshot: str,
        nova: str | None = None,
        killed_at: int | None = None,
    ) -> bool:
        """Whether the chain is free, and nothing else is in the way."""
        model = self.model.volumes.get(volume)
        if (
            model is None
            or model.is_claimed
            or snapshot in self.model.snapshots
            or len(model.snapshots) >= MOST_AT_ONCE
        ):
            return False
        found = self.volumes[volume]
        if found.in_doubt(model):
            return not (nova or killed_at)
        return not found.is_behind and self._may_go_wrong(
            model, Operation.CREATE, nova, killed_at
        )

    @told
    def take_snapshot(
        self,
        volume: str,
        snapshot: str,
        nova: str | None = None,
        killed_at: int | None = None,
    ) -> None:
        """Take a snapshot.

        :param nova: what goes wrong there, one of ``MISHAPS``.
        :param killed_at: the commit before which the service is killed.
        """
        found, model = self.volumes[volume], self.model.volumes[volume]
        self.model.taken += 1
        taken = SnapshotModel(
            snapshot, volume, model.content.copy(), Standing.REFUSED
        )
        model.snapshots[snapshot] = taken
        if found.in_doubt(model):
            before = found.state()
            self._take(found, taken)
            self.checks.unchanged(found, before)
            return
        self._plan(Operation.CREATE, nova)
        with self._perhaps_killed(killed_at) as outcome:
            self._take(found, taken)
        mishap = outcome[0] if outcome else MISHAPS.get(nova or "")
        taken.standing = AFTER_CREATE[mishap.end if mishap else End.WELL]
        self._hold(taken, mishap)
        self._see_taken(taken)

    def _take(self, volume: ToldVolume, taken: SnapshotModel) -> None:
        under_test = volume.start_snapshot()
        volume.known[taken.name] = under_test
        self.call(taken.name, under_test.id)
        self.settle(volume)

    def _see_taken(self, taken: SnapshotModel) -> None:
        if taken.standing is Standing.AVAILABLE:
            volume = self.volumes[taken.volume]
            volume.finish_snapshot(volume.known[taken.name])

    # -- deleting one

    def can_delete_snapshot(
        self,
        snapshot: str,
        nova: str | None = None,
        killed_at: int | None = None,
    ) -> bool:
        """Whether it is known how the delete ends.

        A snapshot in flight is deleted by force, as is one whose delete
        has failed.
        """
        found = self.model.snapshots.get(snapshot)
        if found is None:
            return False
        model, volume = self._of(found)
        standing = found.standing
        is_plain = not (nova or killed_at)
        if model.is_claimed:
            return standing.is_in_flight and is_plain
        if volume.in_doubt(model, but=snapshot):
            return (
                is_plain
                and standing is not Standing.REFUSED
                and snapshot not in volume.unclear
            )
        if standing in (Standing.PENDING, Standing.REFUSED):
            return nova is None and killed_at is None
        if volume.is_behind:
            return False
        if standing.is_merged or model.any_is(Standing.MERGED):
            # Nobody is asked, or two deletes were unreported at once.
            return is_plain
        return self._may_go_wrong(model, Operation.DELETE, nova, killed_at)

    @told
    def delete_snapshot(
        self,
        snapshot: str,
        nova: str | None = None,
        killed_at: int | None = None,
    ) -> None:
        """Delete a snapshot.

        :param nova: what goes wrong there, one of ``MISHAPS``.
        :param killed_at: the commit before which the service is killed.
        """
        found = self.model.snapshots[snapshot]
        model, volume = self._of(found)
        under_test = volume.known[snapshot]
        force = found.standing.status not in PLAIN
        if volume.in_doubt(model, but=snapshot):
            before = volume.state()
            self._delete(volume, under_test, force)
            self.checks.unchanged(volume, before)
            found.standing = (
                Standing.MERGED if found.standing.is_merged else Standing.KEPT
            )
            return
        self._plan(Operation.DELETE, nova)
        with self._perhaps_killed(killed_at) as outcome:
            self._delete(volume, under_test, force)
        mishap = outcome[0] if outcome else MISHAPS.get(nova or "")
        if mishap is None or mishap.end is End.WELL:
            self._is_gone(found)
            return
        found.standing = after_delete(mishap.end, mishap.is_done)
        self._hold(found, mishap)

    def _delete(
        self, volume: ToldVolume, snapshot: SnapshotUnderTest, force: bool
    ) -> None:
        snapshot.start_delete(force=force)
        self.settle(volume)

    def _is_gone(self, found: SnapshotModel) -> None:
        model, volume = self._of(found)
        volume.known[found.name].finish_delete(expect=Status.DELETED)
        del model.snapshots[found.name]

    # -- what comes after

    def can_report_arrives(self) -> bool:
        """Whether Nova holds a report back."""
        return self.model.is_report_held

    @told
    def report_arrives(self) -> None:
        """Nova sends what it held back; too late, it is of no effect."""
        self.deployment.nova.release()
        self.deployment.settle()
        self.model.is_report_held = False
        for found in list(self.model.snapshots.values()):
            if not found.is_held:
                continue
            found.is_held = False
            if found.standing is Standing.CREATING:
                found.standing = Standing.AVAILABLE
                self._see_taken(found)
            elif found.standing is Standing.DELETING_MERGED:
                self._is_gone(found)

    def can_deadline_passes(self) -> bool:
        """Whether anything is in flight."""
        return any(
            s.standing.is_in_flight for s in self.model.snapshots.values()
        )

    @told
    def deadline_passes(self) -> None:
        """Nobody waits any more for what is in flight."""
        self.deployment.let_deadline_pass()
        for found in self.model.snapshots.values():
            found.standing = found.standing.after_deadline

    def can_restart_service(self) -> bool:
        """At any time."""
        return True

    @told
    def restart_service(self) -> None:
        """Another volume service carries on, from the database alone."""
        with self.deployment.service_down():
            pass

    def can_upgrade_nova(self, generation: str) -> bool:
        """Whether that is another one."""
        return generation != self.deployment.nova.generation

    @told
    def upgrade_nova(self, generation: str) -> None:
        """Have Nova report as another generation does, from now on."""
        self.deployment.nova.upgrade(Generation(generation))

    # -- what they share

    def _of(self, found: SnapshotModel) -> tuple[VolumeModel, ToldVolume]:
        return self.model.volumes[found.volume], self.volumes[found.volume]

    def _may_go_wrong(
        self,
        model: VolumeModel,
        operation: Operation,
        nova: str | None,
        killed_at: int | None,
    ) -> bool:
        if nova is None:
            return True
        return (
            killed_at is None
            and model.is_attached
            and self.has(Capability.overlay_files)
            and nova in possible(operation)
        )

    def _plan(self, operation: Operation, nova: str | None) -> None:
        if nova is not None:
            self.deployment.faults.on(operation, MISHAPS[nova].fault)

    def _hold(self, found: SnapshotModel, mishap: Mishap | None) -> None:
        if mishap is not None and mishap.fault is Fault.REPORT_LATE:
            found.is_held = self.model.is_report_held = True

    @contextmanager
    def _perhaps_killed(self, at: int | None) -> Iterator[list[Mishap]]:
        """Have the volume service killed in the body, and carried on.

        :returns: afterwards, the mishap that this amounts to, if to any.
        """
        outcome: list[Mishap] = []
        if at is None:
            yield outcome
            return
        sweep = CommitSweep(self.deployment, first=at)
        # What a guest writes meanwhile may or may not be in the snapshot.
        with sweep.deadly(lambda: None):
            yield outcome
        if not sweep.nova_was_asked:
            outcome.append(NEVER_ASKED)
