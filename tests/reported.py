# SPDX-License-Identifier: Apache-2.0
"""A snapshot in any state, and requests to the status API about it."""

from __future__ import annotations

from typing import Any

from scripted import ADMIN
from scripted import DatabaseTestCase
from scripted import Deployment

from assisted_kit.db.snapshot_values import Change
from assisted_kit.lifecycle import Phase
from assisted_kit.notifier import Reported
from assisted_kit.status_api import ApiError
from assisted_kit.updates import ModelUpdate

OWNER = "host@kit#1"


class StatusApiTestCase(DatabaseTestCase):
    """No manager looks at what is reported here."""

    def setUp(self) -> None:
        super().setUp()
        self.kit = self.useFixture(Deployment())
        self.manager = self.kit.manager
        self.manager.stop()

    def put(self, status: str, phase: str | None, **admin: str) -> None:
        """A snapshot with that status and phase; None: a legacy driver's."""
        snapshots = self.kit.database.snapshots
        self.volume_id = self.kit.volume(attached=True)
        assisted = phase is not None
        attempt = snapshots.begin_create(self.volume_id, assisted=assisted)
        self.id = attempt.snapshot_id
        if status == "deleting":
            attempt = snapshots.begin_delete(
                self.id, assisted=assisted, force=True
            )
        self.kit.database.claims.take(self.volume_id, OWNER, self.id)
        start = Phase.BEGIN if assisted else None
        end = Phase(phase) if phase else None
        pairs = {key.replace("__", ":"): value for key, value in admin.items()}
        if end is Phase.COMPUTE:
            deadline = self.kit.clock.now() + 600
            pairs.setdefault("manager:deadline", repr(deadline))
        assert snapshots.move(
            attempt,
            OWNER,
            ("deleting" if status == "deleting" else "creating", start),
            (status, end),
            Change(ModelUpdate(snapshot_admin_metadata=pairs)),
        )
        self.name = self.kit.snapshot(self.id).volume.name

    def send(self, context: Any = ADMIN, **fields: Any) -> int:
        """The code that a report is answered with."""
        return self.post({"os-update_snapshot_status": fields}, context)

    def post(self, body: Any, context: Any = ADMIN, id_: str = "") -> int:
        try:
            return int(
                self.kit.api.update_snapshot_status(
                    context, id_ or self.id, body
                )
            )
        except ApiError as error:
            self.message = str(error)
            return int(error.code)

    def stored(self) -> dict[str, str | None]:
        """What a report may have changed."""
        snapshot = self.kit.snapshot(self.id)
        pairs = snapshot.snapshot_admin_metadata
        return {
            "status": snapshot.status,
            "phase": pairs.get("manager:phase"),
            "progress": snapshot.progress,
            "snapshot_status": pairs.get("snapshot_status"),
            "compute_progress": pairs.get("compute_progress"),
            "deadline": pairs.get("manager:deadline"),
        }

    def notified(self) -> bool:
        """Whether the manager was told, since the last time asked."""
        told = False
        while not self.kit.heard.empty():
            told |= self.kit.heard.get() == Reported(self.id)
        return told
