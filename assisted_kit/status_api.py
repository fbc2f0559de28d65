# SPDX-License-Identifier: Apache-2.0
"""The logic of ``os-update_snapshot_status``, apart from any transport.

Contract section 7.  The order of checks is the contract's: the body's
form (400), the snapshot (404), the caller (403 or 404), the state (400).
Check and update are one compare-and-swap.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from assisted_kit import lifecycle
from assisted_kit import reports
from assisted_kit.db import snapshot_values
from assisted_kit.db.database import Database
from assisted_kit.db.references import NotFound
from assisted_kit.errors import AssistedKitError
from assisted_kit.lifecycle import Event
from assisted_kit.lifecycle import Phase
from assisted_kit.lifecycle import State
from assisted_kit.lifecycle import Status
from assisted_kit.manager.database_errors import DATABASE_ERRORS
from assisted_kit.notifier import Notifier
from assisted_kit.notifier import Reported
from assisted_kit.refs import SnapshotRef
from assisted_kit.reports import Meaning
from assisted_kit.reports import Report
from assisted_kit.timeouts import Timeouts

SERVICE_ROLE = "service"
"""The role that, beside admin, may report (contract section 8)."""


class ApiError(AssistedKitError):
    """A request that is answered with an error status."""

    code: HTTPStatus


class BadRequest(ApiError):
    """400: malformed, or not for the state that the snapshot is in."""

    code = HTTPStatus.BAD_REQUEST


class Forbidden(ApiError):
    """403: the caller sees the snapshot, but may not report on it."""

    code = HTTPStatus.FORBIDDEN


class SnapshotNotFound(ApiError):
    """404: there is no such snapshot for this caller."""

    code = HTTPStatus.NOT_FOUND


class StatusApi:
    """Takes reports, stores them and tells the manager."""

    def __init__(
        self,
        database: Database,
        notifier: Notifier,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._database = database
        self._notifier = notifier
        self._timeouts = timeouts or Timeouts()

    def update_snapshot_status(
        self, context: Any, snapshot_id: str, body: object
    ) -> HTTPStatus:
        """Answer one request.

        :param context: the caller, with ``is_admin``, ``roles`` and
            ``project_id`` as oslo.context's have.
        :param body: the decoded JSON of the request.
        :returns: 202.
        :raises ApiError: with the ``code`` to answer.
        """
        try:
            parsed = reports.parse(body)
        except reports.InvalidReport as error:
            raise BadRequest(str(error)) from error
        while True:
            snapshot = self._visible_snapshot(context, snapshot_id)
            try:
                report = reports.interpret(
                    parsed,
                    status=snapshot.status,
                    volume_name=snapshot.volume.name,
                    formats=snapshot.volume.admin_metadata,
                    admin_metadata=snapshot.snapshot_admin_metadata,
                )
            except reports.InvalidReport as error:
                raise BadRequest(f"snapshot {snapshot_id}: {error}") from error
            if self._repeats(snapshot, report):
                return HTTPStatus.ACCEPTED
            # Somebody was faster: what the report means now is another
            # question, asked again of what is stored now.
            try:
                stored = self._store(snapshot, report)
            except DATABASE_ERRORS:
                # It may be stored all the same: whoever repeats it then
                # changes nothing.
                self._notifier.publish(Reported(snapshot_id))
                raise
            if stored:
                self._notifier.publish(Reported(snapshot_id))
                return HTTPStatus.ACCEPTED

    def _visible_snapshot(self, context: Any, snapshot_id: str) -> SnapshotRef:
        missing = f"Snapshot {snapshot_id} could not be found."
        try:
            snapshot = self._database.references.snapshot(snapshot_id)
        except NotFound as error:
            raise SnapshotNotFound(missing) from error
        roles = {role.lower() for role in context.roles or ()}
        if context.is_admin or SERVICE_ROLE in roles:
            return snapshot
        if context.project_id != snapshot.project_id:
            raise SnapshotNotFound(missing)
        raise Forbidden(
            f"only an administrator or a token with the role "
            f"{SERVICE_ROLE!r} may update the status of snapshot "
            f"{snapshot_id} (contract section 8)"
        )

    def _repeats(self, snapshot: SnapshotRef, report: Report) -> bool:
        """Whether nothing is to be done; 400 if nothing may be."""
        stored = snapshot.snapshot_admin_metadata
        phase = stored.get(snapshot_values.PHASE)
        reported = reports.COMPUTE_STATUSES[snapshot.status].get(
            stored.get(snapshot_values.SNAPSHOT_STATUS, "")
        )
        # A legacy driver's snapshots have no phase.
        if phase is None:
            return False
        if phase == Phase.COMPUTE and reported is not Meaning.ERROR:
            self._refuse_late(snapshot)
            return False
        known = stored.get(snapshot_values.COMPUTE_PROGRESS)
        if stored.get(
            snapshot_values.SNAPSHOT_STATUS
        ) == report.snapshot_status and (
            report.compute_progress is None
            # Of the percentages reported the highest is stored.
            or int(known or -1) >= report.compute_progress
        ):
            return True
        raise BadRequest(
            f"snapshot {snapshot.id} is {snapshot.status} in phase "
            f"{phase}: a report counts only while the compute service is "
            f"at work (contract section 7)"
        )

    def _refuse_late(self, snapshot: SnapshotRef) -> None:
        # The manager may be slow to find out, or down: what counts is
        # whether the report came in time (section 5).
        deadline = float(
            snapshot.snapshot_admin_metadata[snapshot_values.DEADLINE]
        )
        if deadline <= self._database.clock.now():
            raise BadRequest(
                f"snapshot {snapshot.id} is {snapshot.status} and the "
                f"compute service's time is over"
            )

    def _store(self, snapshot: SnapshotRef, report: Report) -> bool:
        stored = snapshot.snapshot_admin_metadata
        phase = stored.get(snapshot_values.PHASE)
        start = State(Status(snapshot.status), Phase(phase) if phase else None)
        end = start
        if phase is None:
            if report.meaning is Meaning.ERROR:
                end = State(
                    lifecycle.failed(reports.operation_of(start.status))
                )
        elif report.meaning is Meaning.DONE:
            end = lifecycle.after(start, Event.REPORTED_DONE)
        # An error leaves the status to the manager, which publishes the
        # connection information before a status changes (section 4).
        admin_metadata: dict[str, str | None] = {
            snapshot_values.SNAPSHOT_STATUS: report.snapshot_status
        }
        known = stored.get(snapshot_values.COMPUTE_PROGRESS)
        if (
            report.compute_progress is not None
            and report.compute_progress > int(known or -1)
        ):
            # The highest so far is kept: a job that goes to and fro does
            # not put its deadline off for ever.
            admin_metadata[snapshot_values.COMPUTE_PROGRESS] = str(
                report.compute_progress
            )
            if phase:
                operation = reports.operation_of(start.status)
                admin_metadata[snapshot_values.DEADLINE] = repr(
                    self._database.clock.now() + self._timeouts.of(operation)
                )
        return self._database.snapshots.report(
            snapshot.id,
            snapshot.volume_id,
            start,
            end,
            progress=report.progress,
            admin_metadata=admin_metadata,
            expect={
                snapshot_values.ATTEMPT: stored.get(snapshot_values.ATTEMPT),
                snapshot_values.SNAPSHOT_STATUS: stored.get(
                    snapshot_values.SNAPSHOT_STATUS
                ),
                snapshot_values.COMPUTE_PROGRESS: known,
            },
        )
