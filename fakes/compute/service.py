# SPDX-License-Identifier: Apache-2.0
"""The compute service: does the work that Nova's API cast to it.

In the order of Nova's libvirt driver: the file effect, the report, then the
connection information read again.  A create waits with that until the
snapshot's status has left ``creating``; a delete does it at once.
"""

from __future__ import annotations

import copy
import functools
import logging
import threading
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oslo_context import context as oslo_context

from assisted_kit.db.database import Database
from assisted_kit.db.references import NotFound
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Status
from assisted_kit.notifier import Notification
from assisted_kit.notifier import Notifier
from assisted_kit.notifier import Released
from assisted_kit.status_api import StatusApi
from fakes.compute import generations
from fakes.compute.faults import Fault
from fakes.compute.generations import Generation
from fakes.compute.generations import Stage
from fakes.compute.history import EffectBegun
from fakes.compute.history import EffectEnded
from fakes.compute.history import History
from fakes.compute.history import Mishap
from fakes.compute.history import Refresh
from fakes.compute.history import Report
from fakes.compute.instances import Disk
from fakes.compute.instances import Instance
from fakes.compute.work import Work

LOG = logging.getLogger(__name__)

THREADS = 4
"""Jobs that run at the same time; waiting ones need no thread."""


@dataclass(frozen=True, slots=True)
class Job:
    """One accepted call."""

    operation: Operation
    snapshot_id: str
    instance: Instance
    disk: Disk
    info: dict[str, Any]
    fault: Fault | None


class ComputeService:
    """Works, reports and refreshes, on threads of its own.

    :param context: the caller that reports are sent as.
    """

    def __init__(
        self,
        database: Database,
        status_api: StatusApi,
        notifier: Notifier,
        history: History,
        *,
        generation: Generation,
        liberty_spelling: bool,
        context: Any,
    ) -> None:
        self._database = database
        self._status_api = status_api
        self._history = history
        self.generation = generation
        self._liberty_spelling = liberty_spelling
        self._context = context
        self._threads = Work(THREADS)
        self._held: list[Callable[[], None]] = []
        self._creating: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._unsubscribe = notifier.subscribe(self._on_notification)

    def cast(self, job: Job) -> None:
        """Start a job; returns at once."""
        self._threads.start(lambda: self._run(job))

    def release(self) -> None:
        """Let the reports go that were held back."""
        with self._lock:
            held, self._held = self._held, []
        for finish in held:
            self._threads.start(finish)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until nothing is left to do now.

        Held reports and creates whose snapshot is still ``creating`` are
        not waited for.
        """
        with self._lock:
            waiting = list(self._creating)
        for snapshot_id in waiting:
            # Whoever joins may have heard that it settled before we did.
            self._threads.start(functools.partial(self._look, snapshot_id))
        return self._threads.join(timeout)

    def stop(self) -> None:
        """Finish what is under way and end the threads."""
        self._unsubscribe()
        self._threads.stop()

    def _run(self, job: Job) -> None:
        if job.fault is Fault.DIE_BEFORE_WORK:
            self._mishap(job, "the compute service died before the work")
            return
        if job.fault not in (Fault.REPORT_BY_HAND, Fault.REPORT_OUT_OF_ORDER):
            self._report(job, Stage.WORKING)
        if job.fault is Fault.DIE_WHEN_BEGUN:
            self._mishap(job, "the compute service died before the work")
            return
        if job.fault is Fault.ERROR_REPORT:
            self._mishap(job, "an error is reported, and nothing was done")
            self._report(job, Stage.FAILED)
            return
        if job.fault is Fault.ERROR_BY_ONE_FIELD:
            self._mishap(job, "one field reports an error, nothing was done")
            self.report(
                job.snapshot_id, generations.contradiction(job.operation)
            )
            return
        if job.fault is Fault.REPORT_FORGED:
            self._mishap(job, "nothing was done; somebody forges its report")
            self._forge(job)
            return
        formats: dict[str, str] = {}
        if job.fault is Fault.DONE_WITHOUT_WORK:
            self._mishap(job, "the end is reported, and nothing was done")
        else:
            try:
                formats = self._do(job)
            except Exception:
                LOG.exception(
                    "the %s of snapshot %s failed",
                    job.operation,
                    job.snapshot_id,
                )
                self._report(job, Stage.FAILED)
                return
        if job.fault is Fault.DIE_AFTER_WORK:
            self._mishap(job, "the compute service died after the work")
        elif job.fault is Fault.ERROR_AFTER_WORK:
            self._mishap(job, "an error is reported, though all was done")
            self._report(job, Stage.FAILED)
        elif job.fault is Fault.REPORT_LATE:
            self._mishap(job, "the report is held until nova.release()")
            with self._lock:
                self._held.append(lambda: self._finish(job, formats))
        else:
            self._finish(job, formats)

    def _do(self, job: Job) -> dict[str, str]:
        """The file effect; returns files with their formats."""
        self._history.add(
            EffectBegun(job.operation, job.snapshot_id, _names(job.disk))
        )
        try:
            formats = _effect(job)
        except Exception as error:
            self._ended(job, str(error))
            raise
        self._ended(job, None)
        return formats

    def _ended(self, job: Job, error: str | None) -> None:
        self._history.add(
            EffectEnded(
                job.operation, job.snapshot_id, _names(job.disk), error
            )
        )

    def _finish(self, job: Job, formats: dict[str, str]) -> None:
        if job.fault in (Fault.NEVER_REPORT, Fault.NO_ANSWER):
            self._mishap(job, "the report got lost")
        elif job.fault is Fault.REPORT_BY_HAND:
            self._mishap(job, "what is reported is up to nova.report()")
        else:
            self._report(job, Stage.DONE, formats)
        if job.fault is Fault.REPORT_TWICE:
            self._report(job, Stage.DONE, formats)
        if job.fault is Fault.REPORT_OUT_OF_ORDER:
            self._report(job, Stage.WORKING)
        if job.fault is Fault.DIE_AFTER_REPORT:
            self._mishap(job, "the compute service died after its report")
            return
        if job.operation is Operation.DELETE:
            self._refresh(job)
            return
        with self._lock:
            self._creating[job.snapshot_id] = job
        self._look(job.snapshot_id)

    def _report(
        self,
        job: Job,
        stage: Stage,
        formats: dict[str, str] | None = None,
    ) -> None:
        body = generations.body(
            self.generation,
            job.operation,
            stage,
            file_format=_known_files(job, formats or {}),
            liberty_spelling=self._liberty_spelling,
        )
        if body is not None:
            self.report(job.snapshot_id, body)

    def _forge(self, job: Job) -> None:
        """Report that it is done, as a member of the snapshot's project."""
        snapshot = self._database.references.snapshot(job.snapshot_id)
        member = oslo_context.RequestContext(
            project_id=snapshot.project_id,
            roles=["member", "reader"],
            overwrite=False,
        )
        body = generations.body(self.generation, job.operation, Stage.DONE)
        assert body is not None, "every generation reports the end"
        self.report(job.snapshot_id, body, member)

    def report(
        self,
        snapshot_id: str,
        body: Mapping[str, Any],
        context: Any = None,
    ) -> str:
        """Send one report; returns what the status API answered.

        :param context: the caller, Nova unless somebody else is given.
        """
        try:
            status = self._status_api.update_snapshot_status(
                context or self._context, snapshot_id, body
            )
            answer = f"{int(status)}"
        except Exception as error:
            # Nova can do nothing about it either.
            LOG.exception("failed to update snapshot %s", snapshot_id)
            code = getattr(error, "code", None)
            answer = f"{type(error).__name__ if code is None else int(code)}"
            answer = f"{answer}: {error}"
        self._history.add(Report(snapshot_id, body, answer))
        return answer

    # -- connection information

    def _on_notification(self, notification: Notification) -> None:
        if isinstance(notification, Released):
            return
        snapshot_id = notification.snapshot_id
        with self._lock:
            waiting = snapshot_id in self._creating
        if waiting:
            self._threads.start(lambda: self._look(snapshot_id))

    def _look(self, snapshot_id: str) -> None:
        """Read connection information if ``creating`` is over."""
        status = self._database.snapshots.status(snapshot_id)
        if status == Status.CREATING:
            return
        with self._lock:
            job = self._creating.pop(snapshot_id, None)
        # Where it is gone, Nova's own look at it fails and with it the
        # refresh.
        if job is not None and status != Status.DELETED:
            self._refresh(job)

    def _refresh(self, job: Job) -> None:
        """Read the stored connection information into Nova's own copy.

        The guest keeps open what it has open.
        """
        disk = job.disk
        if disk not in job.instance.disks:
            return
        try:
            stored = self._database.references.attachment(disk.attachment.id)
        except NotFound:
            found = None
        else:
            found = stored.connection_info
            disk.connection_info = copy.deepcopy(found)
        self._history.add(Refresh(disk.volume_id, job.instance.uuid, found))

    def _mishap(self, job: Job, what: str) -> None:
        self._history.add(Mishap(job.operation, job.snapshot_id, what))


def _effect(job: Job) -> dict[str, str]:
    info = job.info
    if job.operation is Operation.CREATE:
        return job.disk.switch(info["new_file"])
    if info["merge_target_file"] is None:
        return job.disk.pull(info["file_to_merge"])
    return job.disk.commit(info["file_to_merge"], info["merge_target_file"])


def _known_files(job: Job, formats: dict[str, str]) -> dict[str, str]:
    """The part of ``formats`` that the status API can tell by its names.

    Contract section 7: files of the request, and those that begin with the
    volume's name; it answers 400 to any other.
    """
    request = (job.info.get("new_file"), job.info.get("file_to_merge"))
    return {
        name: format
        for name, format in formats.items()
        if name in request or name.startswith(f"volume-{job.disk.volume_id}")
    }


def _names(disk: Disk) -> tuple[str, ...]:
    return tuple(str(image) for image in disk.listed())
