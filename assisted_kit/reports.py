# SPDX-License-Identifier: Apache-2.0
"""What a status report says (contract section 7).

The body's form, and its meaning for a snapshot in some state.  Nothing here
touches the database: :mod:`assisted_kit.status_api` does.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema

from assisted_kit.driver import Operation
from assisted_kit.errors import AssistedKitError
from assisted_kit.lifecycle import Status
from assisted_kit.shown import shortened
from assisted_kit.updates import COMPLETION_PROGRESS
from assisted_kit.updates import is_progress

ACTION = "os-update_snapshot_status"

BODY_SCHEMA: Mapping[str, Any] = {
    # Draft 4, in which 100.0 is no integer; neither is true.
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "properties": {
        ACTION: {
            "type": "object",
            "properties": {
                "status": {"type": "string"},
                "progress": {"type": "string"},
                "compute_snapshot_status": {"type": "string"},
                "compute_progress": {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": 100,
                },
                "file_format": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                },
            },
            "required": ["status"],
            "additionalProperties": False,
        }
    },
    "required": [ACTION],
    "additionalProperties": False,
}

NEW_STATUSES: Mapping[str, tuple[str, ...]] = {
    Status.CREATING: (Status.CREATING, Status.AVAILABLE, Status.ERROR),
    Status.DELETING: (Status.DELETING, Status.ERROR_DELETING),
}
"""Current status to the statuses that a report may carry."""


class Meaning(enum.Enum):
    """What a report means for the operation in flight."""

    WORKING = ""
    DONE = "_complete"
    ERROR = "_error"


COMPUTE_STATUSES: Mapping[str, Mapping[str, Meaning]] = {
    Status.CREATING: {
        "creating_compute": Meaning.WORKING,
        "creating_compute_complete": Meaning.DONE,
        "creating_compute_error": Meaning.ERROR,
    },
    Status.DELETING: {
        "deleting_compute": Meaning.WORKING,
        "deleting_compute_complete": Meaning.DONE,
        # The Liberty spelling of the same.
        "delete_compute_complete": Meaning.DONE,
        "deleting_compute_error": Meaning.ERROR,
    },
}
"""Current status to the vocabulary of ``compute_snapshot_status``."""


class InvalidReport(AssistedKitError):
    """The report is malformed, or does not fit the snapshot's state.

    :param message: shown in part if it is long: it has the offending value.
    """

    def __init__(self, message: str) -> None:
        super().__init__(shortened(message))


@dataclass(frozen=True, slots=True)
class Body:
    """A report as it came in, well-formed."""

    status: str
    progress: str | None
    compute_snapshot_status: str | None
    compute_progress: int | None
    file_format: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it applies to a snapshot."""

    meaning: Meaning
    snapshot_status: str
    """To be stored under the key of the same name."""
    progress: str | None
    """To be stored in the column; None leaves it alone."""
    compute_progress: int | None


def parse(body: object) -> Body:
    """Check a request body's form.

    :raises InvalidReport: saying where and why it is malformed.
    """
    validator = jsonschema.Draft4Validator(BODY_SCHEMA)
    try:
        error = jsonschema.exceptions.best_match(validator.iter_errors(body))
    except (RecursionError, ValueError) as trouble:
        # It is malformed, and what is wrong cannot be put into words: the
        # schema has three levels, and its numbers three digits.
        raise InvalidReport(
            f"Invalid input for field/attribute body: {trouble}"
        ) from trouble
    if error is not None:
        where = "/".join(str(part) for part in error.absolute_path)
        raise InvalidReport(
            f"Invalid input for field/attribute {where or 'body'}: "
            f"{error.message}"
        )
    assert isinstance(body, dict)
    fields = body[ACTION]
    progress = fields.get("progress") or None
    if progress is not None and not is_progress(progress):
        raise InvalidReport(
            f"Invalid input for field/attribute progress: {progress!r} is "
            f"not a percentage from '0%' to '100%'"
        )
    return Body(
        status=fields["status"],
        progress=progress,
        compute_snapshot_status=fields.get("compute_snapshot_status"),
        compute_progress=fields.get("compute_progress"),
        file_format=fields.get("file_format", {}),
    )


def interpret(
    body: Body,
    *,
    status: str,
    volume_name: str,
    formats: Mapping[str, str],
    admin_metadata: Mapping[str, str],
) -> Report:
    """What ``body`` means for a snapshot that is ``status`` now.

    :param volume_name: the name of the volume's base image.
    :param formats: the volume's recorded ``format`` and ``base_format``.
    :param admin_metadata: the snapshot's, for the request's file names.
    :raises InvalidReport: it does not fit the state.
    """
    if status not in NEW_STATUSES:
        raise InvalidReport(
            f"the snapshot is {status}: its status can be updated only "
            f"while it is {' or '.join(NEW_STATUSES)}"
        )
    if body.status not in NEW_STATUSES[status]:
        raise InvalidReport(
            f"the snapshot is {status} and cannot be set to "
            f"{body.status!r}, only to {', '.join(NEW_STATUSES[status])}"
        )
    meaning = _meaning(body, status)
    if not _formats_agree(body, volume_name, formats, admin_metadata):
        meaning = Meaning.ERROR
    progress = body.progress
    if meaning is Meaning.DONE:
        # The mirror: a legacy driver polls for this, whatever was sent.
        progress = COMPLETION_PROGRESS
    elif progress == COMPLETION_PROGRESS:
        progress = None
    return Report(
        meaning,
        f"{status}_compute{meaning.value}",
        progress,
        body.compute_progress,
    )


def operation_of(status: str) -> Operation:
    """The operation that a snapshot in ``status`` is in."""
    if status == Status.CREATING:
        return Operation.CREATE
    return Operation.DELETE


def _meaning(body: Body, status: str) -> Meaning:
    # Nova sends progress '90%' with every status, errors included, so the
    # status has the first word (section 7).
    failed = body.status in (Status.ERROR, Status.ERROR_DELETING)
    if body.compute_snapshot_status is not None:
        vocabulary = COMPUTE_STATUSES[status]
        if body.compute_snapshot_status not in vocabulary:
            raise InvalidReport(
                f"compute_snapshot_status "
                f"{body.compute_snapshot_status!r} does not belong to a "
                f"snapshot that is {status}, only "
                f"{', '.join(vocabulary)}"
            )
        meaning = vocabulary[body.compute_snapshot_status]
    elif (
        body.status == Status.AVAILABLE or body.progress == COMPLETION_PROGRESS
    ):
        meaning = Meaning.DONE
    else:
        meaning = Meaning.WORKING
    return Meaning.ERROR if failed else meaning


def _formats_agree(
    body: Body,
    volume_name: str,
    formats: Mapping[str, str],
    admin_metadata: Mapping[str, str],
) -> bool:
    overlays = {
        admin_metadata.get("create_info:new_file"),
        admin_metadata.get("delete_info:file_to_merge"),
    } - {volume_name}
    agree = True
    for name, file_format in body.file_format.items():
        if name == volume_name:
            # What was never recorded is raw (section 3).
            expected = (
                formats.get("base_format") or formats.get("format") or "raw"
            )
            agree = agree and expected == file_format
        elif name in overlays or name.startswith(f"{volume_name}."):
            agree = agree and file_format == "qcow2"
        else:
            raise InvalidReport(
                f"file_format names {name!r}, which is no image of "
                f"{volume_name}"
            )
    return agree
