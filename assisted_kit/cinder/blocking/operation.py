# SPDX-License-Identifier: Apache-2.0
"""One create or delete by the hooks, in one call.

What the kit's volume manager does in steps that its database connects, done
here from one step to the next by the process that was called.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from cinder import context as cinder_context
from cinder import exception
from cinder import objects

from assisted_kit import lifecycle
from assisted_kit import updates
from assisted_kit.cinder.blocking import kept
from assisted_kit.cinder.blocking.locks import Gate
from assisted_kit.cinder.blocking.views import SnapshotView
from assisted_kit.cinder.blocking.views import VolumeView
from assisted_kit.db import snapshot_values as keys
from assisted_kit.db.snapshot_values import Attempt
from assisted_kit.db.snapshot_values import InFlight
from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from assisted_kit.lifecycle import Phase
from assisted_kit.lifecycle import Status
from assisted_kit.manager import compute_calls
from assisted_kit.manager.compute_calls import Answer
from assisted_kit.manager.driver_errors import is_busy
from assisted_kit.updates import ModelUpdate
from assisted_kit.updates import PROVIDER_FIELDS

LOG = logging.getLogger(__name__)

ENDED_IN = "manager:ended_in"
"""The status that the last operation on the snapshot ended in."""


class OperationFailed(exception.VolumeDriverException):  # type: ignore[misc]
    """The snapshot could not be taken or deleted."""


class BlockingOperation:
    """One operation on one snapshot, its volume's chain ours meanwhile.

    :param driver: has the hooks.
    :param compute: Nova.
    :param wait: waits until Nova has reported on the snapshot; returns
        whether it did what it was asked, and raises if nobody knows.
    """

    def __init__(
        self,
        driver: Any,
        compute: Any,
        operation: Operation,
        snapshot: Any,
        wait: Callable[[], bool],
    ) -> None:
        self._driver = driver
        self._compute = compute
        self._operation = operation
        self._id = snapshot.id
        self._volume_id = snapshot.volume_id
        self._request_context = snapshot.obj_context
        self._context = cinder_context.get_admin_context()
        self._gate = Gate(snapshot.volume_id)
        self._wait = wait

    def run(self) -> dict[str, Any]:
        """From *begin* to the end of *complete*.

        :returns: what the hooks want stored of the snapshot.
        """
        try:
            self._start()
            update = self._begin()
            if update.has_request:
                self._ask()
            stored = self._complete()
            self._end()
        except _Busy as busy:
            self._fail(busy.status)
            raise busy.error from busy
        except Exception:
            self._fail(lifecycle.failed(self._operation))
            raise
        finally:
            self._gate.open()
        return stored

    def _start(self) -> None:
        snapshot = self._read()
        if snapshot.progress != lifecycle.STARTING_PROGRESS:
            # What Nova reported last time must not count (section 7).
            snapshot.progress = lifecycle.STARTING_PROGRESS
            snapshot.save()
        volume = self._volume()
        pairs: dict[str, str | None] = {keys.PHASE: Phase.BEGIN}
        if self._operation is Operation.DELETE:
            pairs |= dict.fromkeys(keys.EARLIER_ATTEMPT)
            stored = kept.pairs_of(volume, self._id)
            pairs[keys.PREVIOUS_STATUS] = _previous_status(stored)
        kept.store(volume, self._id, pairs)

    def _begin(self) -> ModelUpdate:
        update = self._call(Hook.begin(self._operation))
        pairs: dict[str, str | None] = {keys.PHASE: Phase.COMPLETE}
        if update.has_request:
            pairs = {
                keys.PHASE: Phase.COMPUTE,
                # Until Nova answers, nobody knows what it has heard.
                keys.COMPUTE_CALL: Answer.UNKNOWN,
                keys.COMPUTE_TOLD_TO: self._operation,
                keys.COMPUTE_FAILED: None,
            }
        self._store(update, pairs)
        return update

    def _ask(self) -> None:
        """Tell Nova, and wait for its report.

        :raises OperationFailed: it refused, or reported an error.
        """
        self._gate.open()
        stored = kept.pairs_of(self._volume(), self._id)
        answer = compute_calls.ask(
            self._compute,
            self._request_context,
            self._operation,
            InFlight(
                Attempt(self._id, self._volume_id, keys.CINDERS),
                lifecycle.in_flight(self._operation, Phase.COMPUTE).status,
                Phase.COMPUTE,
                stored,
                None,
            ),
        )
        if answer is not Answer.UNKNOWN:
            self._keep({keys.COMPUTE_CALL: answer})
        if answer is Answer.REFUSED:
            raise OperationFailed(
                f"the compute service refused to {self._operation} snapshot "
                f"{self._id}"
            )
        if not self._wait():
            self._keep({keys.COMPUTE_FAILED: "reported"})
            raise OperationFailed(
                f"the compute service failed to {self._operation} snapshot "
                f"{self._id}"
            )
        self._keep({keys.PHASE: Phase.COMPLETE})

    def _complete(self) -> dict[str, Any]:
        update = self._call(Hook.complete(self._operation))
        self._store(update, {})
        snapshot = self._read()
        return {name: snapshot[name] for name in PROVIDER_FIELDS}

    def _end(self) -> None:
        """What Nova reads next is right, and nothing is in flight."""
        self._gate.open()
        volume = self._volume()
        for attachment in volume.volume_attachment:
            self._connect(volume, attachment)
        if self._operation is Operation.DELETE:
            kept.forget(volume, self._id)
        else:
            self._settle(volume, Status.AVAILABLE)

    def _fail(self, status: str) -> None:
        """The same after a failure, as far as the driver goes along."""
        self._gate.open()
        volume = self._volume()
        for attachment in volume.volume_attachment:
            try:
                self._connect(volume, attachment)
            except Exception:
                LOG.exception(
                    "attachment %s of volume %s keeps the connection "
                    "information that it has",
                    attachment.id,
                    volume.id,
                )
        self._settle(volume, status)

    def _settle(self, volume: Any, status: str) -> None:
        kept.store(volume, self._id, {keys.PHASE: None, ENDED_IN: status})

    def _connect(self, volume: Any, attachment: Any) -> None:
        connection = self._driver.initialize_connection(
            VolumeView(volume, writable=True), attachment.connector or {}
        )
        attachment.connection_info = {
            **(attachment.connection_info or {}),
            **connection["data"],
        }
        attachment.save()

    # -- hooks, and what they return

    def _call(self, hook: Hook) -> ModelUpdate:
        """Call a hook, nobody attaching the volume while it is detached."""
        self._gate.shut()
        snapshot = SnapshotView(self._read())
        if snapshot.volume.attach_status == "attached":
            self._gate.open()
        try:
            return updates.validate(
                hook, getattr(self._driver, hook)(snapshot)
            )
        except Exception as error:
            if is_busy(error) and hook is Hook.DELETE_BEGIN:
                raise self._busy(snapshot, error) from error
            raise

    def _busy(self, snapshot: SnapshotView, error: Exception) -> Exception:
        """What *delete begin*'s SnapshotIsBusy amounts to (section 5).

        Cinder makes the snapshot ``available`` at its own.
        """
        stored = snapshot.snapshot_admin_metadata
        status = lifecycle.status_after_busy(
            stored[keys.PREVIOUS_STATUS],
            compute_was_told=stored.get(keys.COMPUTE_TOLD_TO)
            == Operation.DELETE,
        )
        if status == Status.AVAILABLE:
            return _Busy(
                status, exception.SnapshotIsBusy(snapshot_name=snapshot.name)
            )
        return _Busy(status, OperationFailed(str(error)))

    def _store(
        self, update: ModelUpdate, pairs: Mapping[str, str | None]
    ) -> None:
        kept.store(
            self._volume(),
            self._id,
            {**update.snapshot_admin_metadata, **pairs},
            update.volume_admin_metadata,
        )
        if update.fields or update.metadata:
            snapshot = self._read()
            for name, value in update.fields.items():
                setattr(snapshot, name, value)
            if update.metadata:
                merged = {**snapshot.metadata, **update.metadata}
                snapshot.metadata = {
                    key: value
                    for key, value in merged.items()
                    if value is not None
                }
            snapshot.save()

    def _keep(self, pairs: Mapping[str, str | None]) -> None:
        kept.store(self._volume(), self._id, pairs)

    def _read(self) -> Any:
        return objects.Snapshot.get_by_id(self._context, self._id)

    def _volume(self) -> Any:
        return objects.Volume.get_by_id(self._context, self._volume_id)


class _Busy(Exception):
    """*Delete begin* backed off."""

    def __init__(self, status: str, error: Exception) -> None:
        super().__init__(str(error))
        self.status = status
        self.error = error


def _previous_status(stored: Mapping[str, str]) -> str:
    """What the snapshot was before Cinder made it ``deleting``."""
    if keys.PHASE in stored:
        # The process that worked on it is gone.
        was_deleted = keys.PREVIOUS_STATUS in stored
        return lifecycle.failed(
            Operation.DELETE if was_deleted else Operation.CREATE
        )
    return stored.get(ENDED_IN, Status.AVAILABLE)
