# SPDX-License-Identifier: Apache-2.0
"""Validation of the model update that a hook returns (contract section 2).

The whole mapping is validated before any of it is applied.  What passes is
a :class:`ModelUpdate`, which can be stored in one transaction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from assisted_kit import update_errors as errors
from assisted_kit.compute_request import FILE_FIELDS
from assisted_kit.compute_request import has_request
from assisted_kit.compute_request import PREFIXES
from assisted_kit.compute_request import REQUEST_TYPE
from assisted_kit.driver import Hook
from assisted_kit.names import is_bare_name

MAX_LENGTH = 255
"""Characters that a column of Cinder's metadata tables holds."""

COMPLETION_PROGRESS = "90%"
"""What a Juno-era reader takes for the compute service's completion."""

PROVIDER_FIELDS = frozenset(
    {"provider_location", "provider_id", "provider_auth"}
)
"""Snapshot fields that a driver may set beside metadata and progress."""

MANAGERS_FIELDS = frozenset(
    {
        "id",
        "volume_id",
        "project_id",
        "user_id",
        "status",
        "volume_size",
        "encryption_key_id",
        "volume_type_id",
        "use_quota",
        "display_name",
        "display_description",
        "created_at",
        "updated_at",
        "deleted_at",
        "deleted",
    }
)
"""Columns of the table that are not a driver's to set."""

VOLUME_KEYS = frozenset({"format", "base_format"})
"""What ``volume_admin_metadata`` may hold."""

STATUS_API_KEYS = frozenset({"snapshot_status", "compute_progress"})
"""Admin metadata that belongs to the status API."""

MANAGER_PREFIX = "manager:"
"""Admin metadata under this prefix belongs to the volume manager."""

_PROGRESS = re.compile(r"(?:100|[1-9]?[0-9])%")


@dataclass(frozen=True, slots=True)
class ModelUpdate:
    """A validated model update; in the mappings ``None`` removes a key."""

    fields: Mapping[str, str | None] = field(default_factory=dict)
    metadata: Mapping[str, str | None] = field(default_factory=dict)
    snapshot_admin_metadata: Mapping[str, str | None] = field(
        default_factory=dict
    )
    volume_admin_metadata: Mapping[str, str | None] = field(
        default_factory=dict
    )
    has_request: bool = False


def is_progress(value: object) -> bool:
    """Whether ``value`` is ``(100|[1-9]?[0-9])%`` in ASCII."""
    return isinstance(value, str) and bool(_PROGRESS.fullmatch(value))


def validate(hook: Hook, update: object) -> ModelUpdate:
    """Check the whole of what ``hook`` returned.

    :raises ModelUpdateError: a subclass for each kind of violation.
    """
    if update is None:
        return ModelUpdate()
    if not isinstance(update, Mapping):
        raise errors.NotAMapping(hook, None, update)
    parts: dict[str, Mapping[str, str | None]] = {}
    plain: dict[str, str | None] = {}
    for key, value in update.items():
        match key:
            case "metadata":
                parts[key] = _pairs(hook, key, value)
            case "snapshot_admin_metadata":
                parts[key] = _snapshot_admin_metadata(hook, value)
            case "volume_admin_metadata":
                parts[key] = _volume_admin_metadata(hook, value)
            case "progress":
                plain[key] = _progress(hook, value)
            case _ if key in PROVIDER_FIELDS:
                plain[key] = _text(hook, key, value, may_be_empty=True)
            case _ if key in MANAGERS_FIELDS:
                raise errors.ManagersKey(hook, key, value)
            case _:
                raise errors.UnknownKey(hook, key, value)
    return ModelUpdate(
        fields=plain,
        has_request=has_request(
            hook.operation, _set_only(parts.get("snapshot_admin_metadata"))
        ),
        **parts,
    )


def _set_only(pairs: Mapping[str, str | None] | None) -> dict[str, str]:
    return {k: v for k, v in (pairs or {}).items() if v is not None}


def _text(
    hook: Hook, key: str, value: object, *, may_be_empty: bool = False
) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise errors.WrongType(hook, key, value, "a string is wanted")
    if len(value) > MAX_LENGTH or not (value or may_be_empty):
        raise errors.TooLong(hook, key, value)
    return value


def _progress(hook: Hook, value: object) -> str:
    if not is_progress(value):
        raise errors.InvalidProgress(hook, "progress", value)
    if hook.is_begin and value == COMPLETION_PROGRESS:
        raise errors.PrematureCompletion(hook, "progress", value)
    assert isinstance(value, str)
    return value


def _pairs(hook: Hook, part: str, value: Any) -> dict[str, str | None]:
    if not isinstance(value, Mapping):
        raise errors.NotAMapping(hook, part, value)
    pairs: dict[str, str | None] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise errors.WrongType(
                hook, key, item, f"a key of {part} must be a string"
            )
        if not 0 < len(key) <= MAX_LENGTH:
            raise errors.TooLong(hook, key, item, f"a key of {part}")
        pairs[key] = _text(hook, key, item, may_be_empty=True)
    return pairs


def _volume_admin_metadata(hook: Hook, value: Any) -> dict[str, str | None]:
    if hook.is_begin:
        raise errors.VolumeMetadataTooEarly(
            hook, "volume_admin_metadata", value
        )
    pairs = _pairs(hook, "volume_admin_metadata", value)
    for key, item in pairs.items():
        if key not in VOLUME_KEYS:
            raise errors.UnknownKey(
                hook,
                key,
                item,
                "volume_admin_metadata holds "
                f"{' and '.join(sorted(VOLUME_KEYS))}",
            )
    return pairs


def _snapshot_admin_metadata(hook: Hook, value: Any) -> dict[str, str | None]:
    pairs = _pairs(hook, "snapshot_admin_metadata", value)
    for key, item in pairs.items():
        if key in STATUS_API_KEYS or key.startswith(MANAGER_PREFIX):
            raise errors.ReservedAdminMetadata(hook, key, item)
        for operation, prefix in PREFIXES.items():
            if key.startswith(prefix):
                if hook is not Hook.begin(operation):
                    raise errors.RequestByWrongHook(hook, key, item)
                _request_field(hook, key, item)
    if hook.is_begin:
        _whole_request(hook, _set_only(pairs))
    return pairs


def _request_field(hook: Hook, key: str, value: str | None) -> None:
    prefix = PREFIXES[hook.operation]
    name = key.removeprefix(prefix)
    if name == "type":
        if value not in (None, REQUEST_TYPE):
            raise errors.InvalidRequestType(hook, key, value)
    elif name not in FILE_FIELDS[hook.operation]:
        raise errors.UnknownRequestKey(hook, key, value)
    elif value is not None and not is_bare_name(value):
        raise errors.InvalidFileName(hook, key, value)


def _whole_request(hook: Hook, pairs: Mapping[str, str]) -> None:
    prefix = PREFIXES[hook.operation]
    fields = {k: v for k, v in pairs.items() if k.startswith(prefix)}
    if not fields:
        return
    if f"{prefix}type" not in fields:
        key, value = next(iter(fields.items()))
        raise errors.IncompleteRequest(
            hook, key, value, f"{prefix}type is missing"
        )
    # A create that names no overlay asks for nothing that Nova could do; a
    # delete without either file is the pull of everything (section 3).
    if hook is Hook.CREATE_BEGIN and f"{prefix}new_file" not in fields:
        raise errors.IncompleteRequest(
            hook,
            f"{prefix}type",
            fields[f"{prefix}type"],
            f"{prefix}new_file is missing",
        )
