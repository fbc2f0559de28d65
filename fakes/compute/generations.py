# SPDX-License-Identifier: Apache-2.0
"""What each generation of the compute service reports (contract section 7).

The bodies of ``os-update_snapshot_status`` as data; ``file_format`` is the
only part that depends on the files at hand.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from assisted_kit.driver import Operation
from assisted_kit.reports import ACTION


class Generation(enum.StrEnum):
    """The generations by the names that the contract gives them."""

    JUNO = "juno"
    """Every Nova so far: a status and ``90%``, errors included."""
    DUAL = "dual"
    """The new fields, and ``90%`` once more with the final report."""
    NEW = "new"
    """The new fields only, for a Cinder that has the contract."""


class Stage(enum.Enum):
    """How far the work is that a report is about."""

    WORKING = "at work"
    DONE = "done"
    FAILED = "failed"


_CREATE_WORKING = (Operation.CREATE, Stage.WORKING)
_CREATE_DONE = (Operation.CREATE, Stage.DONE)
_CREATE_FAILED = (Operation.CREATE, Stage.FAILED)
_DELETE_WORKING = (Operation.DELETE, Stage.WORKING)
_DELETE_DONE = (Operation.DELETE, Stage.DONE)
_DELETE_FAILED = (Operation.DELETE, Stage.FAILED)

_NEW_FIELDS: Mapping[tuple[Operation, Stage], Mapping[str, Any]] = {
    _CREATE_WORKING: {
        "status": "creating",
        "compute_snapshot_status": "creating_compute",
        "compute_progress": 0,
    },
    _CREATE_DONE: {
        "status": "creating",
        "compute_snapshot_status": "creating_compute_complete",
        "compute_progress": 100,
    },
    _CREATE_FAILED: {
        "status": "error",
        "compute_snapshot_status": "creating_compute_error",
    },
    _DELETE_WORKING: {
        "status": "deleting",
        "compute_snapshot_status": "deleting_compute",
        "compute_progress": 0,
    },
    _DELETE_DONE: {
        "status": "deleting",
        "compute_snapshot_status": "deleting_compute_complete",
        "compute_progress": 100,
    },
    _DELETE_FAILED: {
        "status": "error_deleting",
        "compute_snapshot_status": "deleting_compute_error",
    },
}

_PROGRESS = {"progress": "90%"}

REPORTS: Mapping[
    Generation, Mapping[tuple[Operation, Stage], Mapping[str, Any]]
] = {
    Generation.JUNO: {
        _CREATE_DONE: {"status": "creating", **_PROGRESS},
        _CREATE_FAILED: {"status": "error", **_PROGRESS},
        _DELETE_DONE: {"status": "deleting", **_PROGRESS},
        _DELETE_FAILED: {"status": "error_deleting", **_PROGRESS},
    },
    Generation.DUAL: {
        occasion: {**fields, **_PROGRESS}
        if occasion[1] is not Stage.WORKING
        else fields
        for occasion, fields in _NEW_FIELDS.items()
    },
    Generation.NEW: _NEW_FIELDS,
}
"""Generation and occasion to what is sent; nothing for an absent one."""

LIBERTY_SPELLING = {"deleting_compute_complete": "delete_compute_complete"}
"""Nova's Liberty specification called it so; Mitaka's corrected it."""


def body(
    generation: Generation,
    operation: Operation,
    stage: Stage,
    *,
    file_format: Mapping[str, str] | None = None,
    liberty_spelling: bool = False,
) -> dict[str, Any] | None:
    """The request body to send, None when this generation sends nothing.

    :param file_format: the files of a finished operation with the formats
        that the hypervisor has them open with.
    """
    fields = REPORTS[generation].get((operation, stage))
    if fields is None:
        return None
    sent = dict(fields)
    said = sent.get("compute_snapshot_status")
    if said is not None:
        if file_format:
            sent["file_format"] = dict(file_format)
        if liberty_spelling:
            sent["compute_snapshot_status"] = LIBERTY_SPELLING.get(said, said)
    return {ACTION: sent}


def contradiction(operation: Operation) -> dict[str, Any]:
    """A report in which one field says error, and the others that it is done.

    That field decides (contract section 7).
    """
    done = REPORTS[Generation.DUAL][operation, Stage.DONE]
    failed = _NEW_FIELDS[operation, Stage.FAILED]
    said = failed["compute_snapshot_status"]
    return {ACTION: {**done, "compute_snapshot_status": said}}
