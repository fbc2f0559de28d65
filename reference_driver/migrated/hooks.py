# SPDX-License-Identifier: Apache-2.0
"""The four hooks for a driver on ``RemoteFSSnapDriverBase``.

Upstream makes the overlay or works out the merge, asks Nova, waits, and makes
the new state the truth, all in one method.  Create *begin* runs that method
until it would ask Nova, and *complete* runs it again without that part.
Delete *begin* only decides; its *complete* runs upstream's method, which
merges if the volume is detached, and takes Nova's part for done if it is not.
"""

from __future__ import annotations

from typing import Any

from cinder import exception

from reference_driver.migrated.books import State
from reference_driver.migrated.handed import handed
from reference_driver.migrated.working import Work
from reference_driver.migrated.working import Working
from reference_driver.plan import Action
from reference_driver.plan import Plan
from reference_driver.share import is_attached
from reference_driver.share import RECORDED


class _Prepared(BaseException):
    """Upstream would ask Nova to switch the guest to the overlay now."""


class AssistedSnapshots(Working):
    """To be put before a driver's class, and before its mends."""

    supports_assisted_snapshots = True

    # -- create

    def create_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """Make the overlay, by upstream's ``_create_snapshot``."""
        volume = snapshot_ref.volume
        attached = is_attached(volume)
        self.check_snapshot_support()
        state = self.books.settled(volume, but=snapshot_ref)
        overlay = state.files.overlay(snapshot_ref.id)
        if self.is_overlay_to_be_made(snapshot_ref, state):
            given = handed(
                snapshot_ref,
                attached=attached,
                format_=self.format_if_missing(state),
            )
            with self.working(Work(volume, state, is_begin=True)):
                try:
                    self._create_snapshot(given)
                except _Prepared:
                    state.files.sync_directory()
                except BaseException:
                    state.files.remove(overlay)
                    raise
        if not attached:
            return {}
        return {
            "snapshot_admin_metadata": {
                "create_info:type": "qcow2",
                "create_info:new_file": overlay,
            }
        }

    def check_snapshot_support(self) -> None:
        """See that the administrator has not ruled snapshots out.

        :raises VolumeDriverException: he has.
        """
        check = getattr(self, "_check_snapshot_support", None)
        if check is not None:
            check()

    def create_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """Record the overlay, by upstream's ``_create_snapshot``."""
        volume = snapshot_ref.volume
        self.books.check_overlay(snapshot_ref)
        state = self.books.state(volume)
        given = handed(
            snapshot_ref,
            attached=False,
            format_=self.format_if_missing(state),
        )
        if snapshot_ref.id not in state.info.overlays:
            with self.working(Work(volume, state, is_complete=True)):
                self._create_snapshot(given)
        return {
            "snapshot_admin_metadata": {RECORDED: "yes"},
            "volume_admin_metadata": {
                "format": "qcow2",
                "base_format": state.base_format,
            },
        }

    def _do_create_snapshot(
        self, snapshot: Any, backing_filename: str, new_snap_path: str
    ) -> None:
        work = self.work
        if work is None or not work.is_complete:
            super()._do_create_snapshot(
                snapshot, backing_filename, new_snap_path
            )
        if work is not None and work.is_begin:
            raise _Prepared

    # -- delete

    def delete_snapshot_assisted_begin(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """Work out the merge, and change nothing."""
        attached = is_attached(snapshot_ref.volume)
        plan, is_to_merge = self.books.decide(snapshot_ref, attached)
        request = plan.request() if is_to_merge and attached else {}
        return {
            "snapshot_admin_metadata": {**plan.as_admin_metadata(), **request}
        }

    def delete_snapshot_assisted_complete(
        self, snapshot_ref: Any
    ) -> dict[str, Any]:
        """See that the plan is carried out, record that, and remove."""
        volume = snapshot_ref.volume
        plan = Plan.stored_in(snapshot_ref.snapshot_admin_metadata)
        if plan is None:
            raise exception.RemoteFSException(
                f"no plan is stored for snapshot {snapshot_ref.id}"
            )
        if plan.action is Action.NOTHING:
            files = self.books.files(volume)
            files.remove(files.overlay(snapshot_ref.id))
            if "base_format" not in volume.admin_metadata:
                return {}
        else:
            self.check_format(snapshot_ref, plan)
            state = self.books.state(volume)
            if not self.finished(state, snapshot_ref, plan):
                self._as_upstream(state, snapshot_ref, plan)
        return {"volume_admin_metadata": self.books.formats(volume)}

    def _as_upstream(self, state: State, snapshot: Any, plan: Plan) -> None:
        volume = snapshot.volume
        merges_itself = plan.action is Action.COMMIT
        if not merges_itself:
            self.check_merged(state, plan)
        given = handed(
            snapshot,
            attached=not merges_itself,
            format_=self.format_if_missing(state),
        )
        with self.working(Work(volume, state, is_complete=True)):
            if merges_itself:
                self._delete_snapshot(given)
            else:
                self._delete_snapshot_online(None, given, _names(state, plan))
        after = self.books.state(volume)
        if merges_itself:
            self.books.release(after, plan)
        after.files.remove_unused(plan.remove, after.chain.names())

    def _nova_assisted_vol_snap_delete(
        self, context: Any, snapshot: Any, delete_info: dict[str, Any]
    ) -> None:
        if self.work is None or not self.work.is_complete:
            super()._nova_assisted_vol_snap_delete(
                context, snapshot, delete_info
            )

    # -- what upstream takes for granted, for the mends to override

    def is_overlay_to_be_made(self, snapshot: Any, state: State) -> bool:
        """Whether *begin* makes the snapshot's overlay."""
        return True

    def format_if_missing(self, state: State) -> str | None:
        """What upstream finds where no format is recorded."""
        return None

    def check_merged(self, state: State, plan: Plan) -> None:
        """See that the compute service has done what it reports."""

    def check_format(self, snapshot: Any, plan: Plan) -> None:
        """See that whoever merged wrote the recorded format."""

    def finished(self, state: State, snapshot: Any, plan: Plan) -> bool:
        """Whether a delete was finished without upstream's methods."""
        return False


def _names(state: State, plan: Plan) -> dict[str, Any]:
    """What upstream had worked out of the chain before Nova changed it."""
    is_pull = plan.action is Action.PULLED
    base = plan.remove if is_pull else plan.target
    return {
        "active_file": state.info.active,
        "snapshot_file": plan.overlay,
        "base_file": base,
        "base_id": next(
            (k for k, v in state.info.overlays.items() if v == base), None
        ),
        "new_base_file": plan.target or None,
    }
