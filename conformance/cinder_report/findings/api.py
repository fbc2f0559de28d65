# SPDX-License-Identifier: Apache-2.0
"""What is wrong in Cinder's API and its interface checks."""

from __future__ import annotations

import types
from typing import Any
from unittest import mock

from cinder import context
from cinder import exception
from cinder.api.contrib import snapshot_actions
from cinder.api.openstack import api_version_request
from cinder.interface import volume_driver

from conformance.cinder_report.bench import Bench
from conformance.cinder_report.finding import finding
from conformance.cinder_report.finding import Place


@finding(
    "A member of the project may report what Nova has not done",
    cause=(
        Place(
            "api/contrib/snapshot_actions.py",
            60,
            "context.authorize(policy.UPDATE_STATUS_POLICY,",
        ),
        Place(
            "policies/snapshot_actions.py",
            46,
            "check_str=base.SYSTEM_ADMIN_OR_PROJECT_MEMBER,",
        ),
    ),
    suggestion="Admit administrators and tokens with the service role.",
    rules=(),
    known="LIVE-3",
)
def anybody_may_report(bench: Bench) -> str | None:
    """A user reports on his own snapshot that Nova has merged its files.
    Cinder believes it, and removes a file that the guest needs.
    """
    snapshot = bench.take(bench.volume())
    bench.report(snapshot.id, "deleting", "0%")
    member = context.RequestContext("ab", "ab", roles=["member"])
    try:
        _report(member, snapshot.id, "deleting", "90%")
    except exception.PolicyNotAuthorized:
        return None
    stored = bench.again(snapshot)
    return f"stored by a member: {stored.status}, {stored.progress}"


@finding(
    "Reports of 90% are accepted that nobody takes for one",
    cause=(
        Place(
            "api/validation/validators.py",
            186,
            "integer = int(progress[:-1])",
        ),
    ),
    suggestion="Match (100|[1-9]?[0-9])% in ASCII.",
    known="cinder-facts: int() takes blanks, signs and any script's digits",
)
def other_digits_count(bench: Bench) -> str | None:
    """A compute service that writes ``' 90%'``, or 90 in the digits of another
    script, is answered 202. The driver compares with ``'90%'``, and waits
    until its time is over.
    """
    snapshot = bench.snapshot(bench.volume())
    _report(bench.context, snapshot.id, "creating", "\u0669\u0660%")
    stored = bench.again(snapshot).progress
    return f"stored: {stored!r}" if stored != "90%" else None


@finding(
    "A report that is sent twice leaves the snapshot creating for ever",
    cause=(
        Place(
            "api/contrib/snapshot_actions.py",
            59,
            "current_snapshot = objects.Snapshot.get_by_id(context, id)",
        ),
        Place(
            "api/contrib/snapshot_actions.py", 87, "current_snapshot.save()"
        ),
    ),
    suggestion="Update the row on condition that its status is still the one "
    "that was checked, in one statement.",
    known="cinder-facts, section 4, 14",
)
def reported_twice(bench: Bench) -> str | None:
    """A report of Nova's is sent once more, say because its answer was lost.
    Between its check and its update the manager finishes the snapshot: what
    was ``available`` is ``creating`` from then on, and nobody waits for it.
    """
    snapshot = bench.snapshot(bench.volume())

    def finish(*arguments, **options):
        # Between the check of who it is and the update.
        row = bench.again(snapshot)
        row.update({"status": "available", "progress": "100%"})
        row.save()
        return True

    with mock.patch.object(context.RequestContext, "authorize", finish):
        _report(bench.context, snapshot.id, "creating", "90%")
    row = bench.again(snapshot)
    if row.status == "available":
        return None
    return f"status {row.status}, progress {row.progress}"


@finding(
    "A compute service that says more than Cinder knows is refused",
    cause=(
        Place(
            "api/schemas/snapshot_actions.py",
            31,
            "'additionalProperties': False,",
        ),
    ),
    suggestion="Take compute_snapshot_status, compute_progress and "
    "file_format, as the specification Assisted Snapshot Improvements says.",
    known="LIVE-13",
)
def new_field_is_refused(bench: Bench) -> str | None:
    """A compute service sends the fields of the specification beside those
    that Cinder knows. The report is answered 400 and dropped; Cinder waits
    until its time is over.
    """
    snapshot = bench.snapshot(bench.volume())
    new = {"compute_snapshot_status": "creating_compute_complete"}
    try:
        _report(bench.context, snapshot.id, "creating", "90%", **new)
    except exception.ValidationError as error:
        return str(error)
    return None


@finding(
    "The check of a driver's interface admits an empty class",
    cause=(
        Place(
            "interface/base.py",
            45,
            "methods = inspect.getmembers(cls, inspect.ismethod)",
        ),
    ),
    suggestion="inspect.isfunction: on Python 3 a class has no bound methods.",
    known="cinder-facts, section 3",
)
def nothing_is_checked(bench: Bench) -> str | None:
    """The job that sees to it that every driver has the methods of a volume
    driver cannot fail: it finds no method, of the interface or of the driver,
    and compares nothing with nothing.
    """

    class Empty:
        pass

    if issubclass(Empty, volume_driver.VolumeDriverCore):
        return "an empty class is a VolumeDriverCore"
    return None


def _report(
    caller: Any, snapshot_id: str, status: str, progress: str, **more: str
) -> None:
    """``os-update_snapshot_status``, by Cinder's own controller."""
    request = types.SimpleNamespace(
        environ={"cinder.context": caller},
        api_version_request=api_version_request.max_api_version(),
    )
    body = {"status": status, "progress": progress, **more}
    snapshot_actions.SnapshotActionsController()._update_snapshot_status(
        request, snapshot_id, body={"os-update_snapshot_status": body}
    )
