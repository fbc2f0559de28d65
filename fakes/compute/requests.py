# SPDX-License-Identifier: Apache-2.0
"""What Nova's API admits as a request for an assisted snapshot.

A create is held to Nova's schema of ``os-assisted-volume-snapshots``.  For
a delete Nova checks little itself and fails later, on the compute host, so
the schema here says what it reads there (bugs LP#1477110 and LP#1475202):
all four keys, and null rather than an empty or absent name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jsonschema

from fakes.compute.errors import BadRequest

_TEXT = {"type": "string", "minLength": 1}
_TEXT_OR_NULL = {"type": ["string", "null"], "minLength": 1}
_TYPE = {"type": "string", "enum": ["qcow2"]}

CREATE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "volume_id": _TEXT,
        "create_info": {
            "type": "object",
            "properties": {
                "snapshot_id": _TEXT,
                "type": _TYPE,
                "new_file": _TEXT,
                "id": _TEXT,
            },
            "required": ["snapshot_id", "type", "new_file"],
            "additionalProperties": False,
        },
    },
    "required": ["volume_id", "create_info"],
    "additionalProperties": False,
}
"""The ``snapshot`` of Nova's ``create``."""

DELETE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "snapshot_id": _TEXT,
        "delete_info": {
            "type": "object",
            "properties": {
                "volume_id": _TEXT,
                "type": _TYPE,
                "file_to_merge": _TEXT_OR_NULL,
                "merge_target_file": _TEXT_OR_NULL,
            },
            "required": [
                "volume_id",
                "type",
                "file_to_merge",
                "merge_target_file",
            ],
            "additionalProperties": False,
        },
    },
    "required": ["snapshot_id", "delete_info"],
    "additionalProperties": False,
}
"""The path's and the query's parameter of Nova's ``delete``."""


def parse_create(volume_id: object, create_info: object) -> dict[str, Any]:
    """``create_info`` as Nova decodes it.

    :raises BadRequest: saying where and why it is malformed.
    """
    return _parse(
        CREATE_SCHEMA, {"volume_id": volume_id}, "create_info", create_info
    )


def parse_delete(snapshot_id: object, delete_info: object) -> dict[str, Any]:
    """``delete_info`` as Nova decodes it.

    :raises BadRequest: saying where and why it is malformed.
    """
    return _parse(
        DELETE_SCHEMA, {"snapshot_id": snapshot_id}, "delete_info", delete_info
    )


def _parse(
    schema: Mapping[str, Any],
    request: Mapping[str, object],
    name: str,
    info: object,
) -> dict[str, Any]:
    sent = {**request, name: dict(info) if isinstance(info, Mapping) else info}
    try:
        # What travels is JSON; this also parts it from the caller's dict.
        received = json.loads(json.dumps(sent))
    except (TypeError, ValueError) as error:
        raise BadRequest(f"{name} is no JSON: {error}") from error
    validator = jsonschema.Draft4Validator(schema)
    fault = jsonschema.exceptions.best_match(validator.iter_errors(received))
    if fault is not None:
        where = "/".join(str(part) for part in fault.absolute_path)
        raise BadRequest(
            f"Invalid input for field/attribute {where or name}. "
            f"Value: {fault.instance!r}. {fault.message}"
        )
    parsed: dict[str, Any] = received[name]
    return parsed
