# SPDX-License-Identifier: Apache-2.0
"""Model updates that no hook may return (contract section 2)."""

from __future__ import annotations

from collections.abc import Mapping

from assisted_kit import update_errors as errors
from assisted_kit.driver import Hook
from conformance.hostile.backing_files import NAMES

BEGIN = Hook.CREATE_BEGIN
COMPLETE = Hook.CREATE_COMPLETE
DELETE_BEGIN = Hook.DELETE_BEGIN
DELETE_COMPLETE = Hook.DELETE_COMPLETE

HostileUpdate = tuple[Hook, object, type[errors.ModelUpdateError]]
"""The hook, what it returned, and the error that this is."""


def admin(**pairs: object) -> dict[str, object]:
    """An update of admin metadata; two underscores are a colon."""
    return {
        "snapshot_admin_metadata": {
            key.replace("__", ":"): value for key, value in pairs.items()
        }
    }


class _Mute:
    """An object of a driver's that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("there is nothing to be shown")


def _nested(depth: int) -> object:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    return value


FORMS: Mapping[str, HostileUpdate] = {
    "a string": (BEGIN, "available", errors.NotAMapping),
    "a list of pairs": (BEGIN, [("progress", "1%")], errors.NotAMapping),
    "an empty list": (BEGIN, [], errors.NotAMapping),
    "misspelt": (BEGIN, {"provider_locaton": "x"}, errors.UnknownKey),
    "not a string key": (BEGIN, {1: "x"}, errors.UnknownKey),
    "status": (COMPLETE, {"status": "available"}, errors.ManagersKey),
    "id": (BEGIN, {"id": "other"}, errors.ManagersKey),
    "volume_id": (BEGIN, {"volume_id": "other"}, errors.ManagersKey),
    "updated_at": (BEGIN, {"updated_at": None}, errors.ManagersKey),
    "wrong type": (BEGIN, {"provider_id": 7}, errors.WrongType),
    "too long": (BEGIN, {"provider_id": "x" * 256}, errors.TooLong),
    "progress 90": (COMPLETE, {"progress": "90"}, errors.InvalidProgress),
    "progress 090%": (COMPLETE, {"progress": "090%"}, errors.InvalidProgress),
    "progress 101%": (COMPLETE, {"progress": "101%"}, errors.InvalidProgress),
    "progress newline": (
        COMPLETE,
        {"progress": "9%\n"},
        errors.InvalidProgress,
    ),
    "progress in Arabic digits": (
        COMPLETE,
        {"progress": "٩٠%"},
        errors.InvalidProgress,
    ),
    "progress None": (COMPLETE, {"progress": None}, errors.InvalidProgress),
    "completion": (BEGIN, {"progress": "90%"}, errors.PrematureCompletion),
    "metadata a list": (BEGIN, {"metadata": ["a"]}, errors.NotAMapping),
    "metadata None": (BEGIN, {"metadata": None}, errors.NotAMapping),
    "metadata number": (BEGIN, {"metadata": {"a": 1}}, errors.WrongType),
    "metadata key": (BEGIN, {"metadata": {1: "a"}}, errors.WrongType),
    "metadata empty key": (BEGIN, {"metadata": {"": "a"}}, errors.TooLong),
    "admin value": (BEGIN, admin(a="x" * 256), errors.TooLong),
    "admin key": (BEGIN, admin(**{"k" * 256: "x"}), errors.TooLong),
    "admin bool": (BEGIN, admin(a=True), errors.WrongType),
    "snapshot_status": (
        COMPLETE,
        admin(snapshot_status="creating_compute_complete"),
        errors.ReservedAdminMetadata,
    ),
    "compute_progress": (
        COMPLETE,
        admin(compute_progress="100"),
        errors.ReservedAdminMetadata,
    ),
    "reserved removal": (
        BEGIN,
        admin(snapshot_status=None),
        errors.ReservedAdminMetadata,
    ),
    "manager": (
        BEGIN,
        admin(manager__phase="complete"),
        errors.ReservedAdminMetadata,
    ),
    "volume metadata from begin": (
        BEGIN,
        {"volume_admin_metadata": {"format": "qcow2"}},
        errors.VolumeMetadataTooEarly,
    ),
    "volume metadata unknown": (
        COMPLETE,
        {"volume_admin_metadata": {"fromat": "qcow2"}},
        errors.UnknownKey,
    ),
    "request from complete": (
        COMPLETE,
        admin(create_info__type="qcow2", create_info__new_file="v.s"),
        errors.RequestByWrongHook,
    ),
    "create request from delete": (
        DELETE_BEGIN,
        admin(create_info__type="qcow2"),
        errors.RequestByWrongHook,
    ),
    "delete request from create": (
        BEGIN,
        admin(delete_info__type="qcow2"),
        errors.RequestByWrongHook,
    ),
    "request field unknown": (
        BEGIN,
        admin(
            create_info__type="qcow2",
            create_info__new_file="v.s",
            create_info__vendor="x",
        ),
        errors.UnknownRequestKey,
    ),
    "snapshot id in request": (
        BEGIN,
        admin(create_info__snapshot_id="s"),
        errors.UnknownRequestKey,
    ),
    "request type": (
        BEGIN,
        admin(create_info__type="ploop", create_info__new_file="v.s"),
        errors.InvalidRequestType,
    ),
    "absolute name": (
        BEGIN,
        admin(create_info__type="qcow2", create_info__new_file="/s/v.s"),
        errors.InvalidFileName,
    ),
    "pseudo protocol": (
        DELETE_BEGIN,
        admin(delete_info__type="qcow2", delete_info__file_to_merge="nbd:x"),
        errors.InvalidFileName,
    ),
    "option": (
        DELETE_BEGIN,
        admin(delete_info__type="qcow2", delete_info__file_to_merge="-f"),
        errors.InvalidFileName,
    ),
    "empty name": (
        DELETE_BEGIN,
        admin(delete_info__type="qcow2", delete_info__file_to_merge=""),
        errors.InvalidFileName,
    ),
    "file without type": (
        DELETE_BEGIN,
        admin(delete_info__file_to_merge="v.s"),
        errors.IncompleteRequest,
    ),
    "type without new file": (
        BEGIN,
        admin(create_info__type="qcow2"),
        errors.IncompleteRequest,
    ),
    "a number of many digits": (BEGIN, 10**5000, errors.NotAMapping),
    "numbers of many digits": (BEGIN, [10**5000], errors.NotAMapping),
    "value of many digits": (
        BEGIN,
        {"provider_id": 10**5000},
        errors.WrongType,
    ),
    "key of many digits": (BEGIN, {10**5000: "x"}, errors.UnknownKey),
    "key of a mebibyte": (BEGIN, {"x" * 2**20: "x"}, errors.UnknownKey),
    "nested value": (
        BEGIN,
        {"metadata": {"a": _nested(5000)}},
        errors.WrongType,
    ),
    "many long values": (
        BEGIN,
        [[{str(n): "x" * 200} for n in range(6)]] * 6,
        errors.NotAMapping,
    ),
    "what has no repr": (BEGIN, {"provider_id": _Mute()}, errors.WrongType),
    "true": (BEGIN, True, errors.NotAMapping),
    "zero": (COMPLETE, 0, errors.NotAMapping),
    "bytes": (BEGIN, b"{}", errors.NotAMapping),
    "a set": (BEGIN, {"progress"}, errors.NotAMapping),
    "a class": (BEGIN, dict, errors.NotAMapping),
    "an exception": (BEGIN, ValueError("x"), errors.NotAMapping),
    "key None": (BEGIN, {None: "x"}, errors.UnknownKey),
    "key a tuple": (BEGIN, {("status",): "x"}, errors.UnknownKey),
    "key in bytes": (BEGIN, {b"status": "x"}, errors.UnknownKey),
    "empty key": (BEGIN, {"": "x"}, errors.UnknownKey),
    "key with a space": (BEGIN, {"status ": "x"}, errors.UnknownKey),
    "key in capitals": (BEGIN, {"Status": "x"}, errors.UnknownKey),
    "key in SQL": (
        BEGIN,
        {"status = 'available' --": "x"},
        errors.UnknownKey,
    ),
    "a private attribute": (BEGIN, {"__class__": "x"}, errors.UnknownKey),
    "a relationship": (BEGIN, {"volume": {}}, errors.UnknownKey),
    "right and wrong": (
        COMPLETE,
        {"progress": "1%", "nonsense": "x"},
        errors.UnknownKey,
    ),
    **{
        f"{column} of the manager's": (
            COMPLETE,
            {column: value},
            errors.ManagersKey,
        )
        for column, value in {
            "project_id": "other",
            "user_id": "other",
            "volume_size": 1,
            "encryption_key_id": "key",
            "volume_type_id": None,
            "use_quota": False,
            "display_name": "name",
            "display_description": "words",
            "created_at": None,
            "deleted_at": None,
            "deleted": True,
        }.items()
    },
    "provider_auth in bytes": (
        BEGIN,
        {"provider_auth": b"secret"},
        errors.WrongType,
    ),
    "provider_location a mapping": (
        COMPLETE,
        {"provider_location": {"path": "x"}},
        errors.WrongType,
    ),
    "progress of a mebibyte": (
        COMPLETE,
        {"progress": "9" * 1024**2 + "%"},
        errors.InvalidProgress,
    ),
    "progress -1%": (COMPLETE, {"progress": "-1%"}, errors.InvalidProgress),
    "progress 1.5%": (COMPLETE, {"progress": "1.5%"}, errors.InvalidProgress),
    "progress in full width": (
        COMPLETE,
        {"progress": "\uff19\uff10\uff05"},
        errors.InvalidProgress,
    ),
    "progress a number": (COMPLETE, {"progress": 90}, errors.InvalidProgress),
    "completion by delete": (
        DELETE_BEGIN,
        {"progress": "90%"},
        errors.PrematureCompletion,
    ),
    "metadata a string": (BEGIN, {"metadata": "a=b"}, errors.NotAMapping),
    "metadata of a mebibyte": (
        BEGIN,
        {"metadata": {"a": "x" * 1024**2}},
        errors.TooLong,
    ),
    "metadata nested": (
        BEGIN,
        {"metadata": {"a": {"b": "c"}}},
        errors.WrongType,
    ),
    "admin metadata a list": (
        BEGIN,
        {"snapshot_admin_metadata": [("a", "b")]},
        errors.NotAMapping,
    ),
    "admin metadata None": (
        BEGIN,
        {"snapshot_admin_metadata": None},
        errors.NotAMapping,
    ),
    "admin key empty": (
        BEGIN,
        {"snapshot_admin_metadata": {"": "x"}},
        errors.TooLong,
    ),
    "admin key a number": (
        BEGIN,
        {"snapshot_admin_metadata": {1: "x"}},
        errors.WrongType,
    ),
    "the manager's answer": (
        BEGIN,
        admin(manager__compute_call="refused"),
        errors.ReservedAdminMetadata,
    ),
    "the manager's prefix": (
        DELETE_COMPLETE,
        {"snapshot_admin_metadata": {"manager:": "x"}},
        errors.ReservedAdminMetadata,
    ),
    "volume metadata from delete begin": (
        DELETE_BEGIN,
        {"volume_admin_metadata": {"base_format": "raw"}},
        errors.VolumeMetadataTooEarly,
    ),
    "volume metadata a list": (
        COMPLETE,
        {"volume_admin_metadata": ["format"]},
        errors.NotAMapping,
    ),
    "volume metadata readonly": (
        COMPLETE,
        {"volume_admin_metadata": {"readonly": "False"}},
        errors.UnknownKey,
    ),
    "request from delete complete": (
        DELETE_COMPLETE,
        admin(delete_info__type="qcow2"),
        errors.RequestByWrongHook,
    ),
    "removal of the request": (
        COMPLETE,
        admin(create_info__type=None),
        errors.RequestByWrongHook,
    ),
    "volume id in request": (
        DELETE_BEGIN,
        admin(delete_info__type="qcow2", delete_info__volume_id="other"),
        errors.UnknownRequestKey,
    ),
    "request of no field": (
        BEGIN,
        {"snapshot_admin_metadata": {"create_info:": "x"}},
        errors.UnknownRequestKey,
    ),
    "request type in capitals": (
        DELETE_BEGIN,
        admin(delete_info__type="QCOW2"),
        errors.InvalidRequestType,
    ),
    "request type empty": (
        DELETE_BEGIN,
        admin(delete_info__type=""),
        errors.InvalidRequestType,
    ),
    "file that is null": (
        BEGIN,
        admin(create_info__type="qcow2", create_info__new_file=None),
        errors.IncompleteRequest,
    ),
    "type that is null": (
        DELETE_BEGIN,
        admin(delete_info__type=None, delete_info__file_to_merge="v.s"),
        errors.IncompleteRequest,
    ),
}
"""Updates of every wrong form."""

BARE = frozenset(
    {
        "another volume's",
        "info file",
        "another suffix",
        "half-made",
        "suffix behind a suffix",
        "dot behind",
        "longer",
        "upper case",
        "home directory",
        "trailing space",
        "leading space",
        "backslash",
        "percent-encoded",
        "look-alike hyphen",
        "option behind",
        "wildcard",
        "longest file name",
    }
)
"""Names of which only the driver knows whether they are the volume's."""

FILE_NAMES: Mapping[str, HostileUpdate] = {
    name: (
        DELETE_BEGIN,
        admin(delete_info__type="qcow2", delete_info__file_to_merge=file),
        # What no column holds is refused before what it says.
        errors.TooLong if len(file) > 255 else errors.InvalidFileName,
    )
    for name, file in NAMES.items()
    if name not in BARE
}
"""Requests for files whose names are none of a file in a directory."""

UPDATES: Mapping[str, HostileUpdate] = {
    **FORMS,
    **{f"file: {name}": update for name, update in FILE_NAMES.items()},
}
"""All of them by their names."""
