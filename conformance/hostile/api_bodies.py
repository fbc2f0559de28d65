# SPDX-License-Identifier: Apache-2.0
"""Bodies of os-update_snapshot_status that are refused (section 7)."""

from __future__ import annotations

import math
from collections.abc import Mapping

KEY = "os-update_snapshot_status"

Values = tuple[object, ...]

_NO_STATUS: Values = (None, 1, True, [], ["creating"], {}, b"creating")
_NO_WORD: Values = (None, 1, False, [], {})
_NO_PROGRESS: Values = (
    "90",
    "%",
    "-1%",
    "+1%",
    "101%",
    "1000%",
    "090%",
    "00%",
    " 90%",
    "90% ",
    "90%\n",
    "90%%",
    "9.0%",
    "1e1%",
    "0x9%",
    "٩٠%",
    "９０%",  # noqa: RUF001
    "9\0%",
    "90٪",
    "done",
    90,
    0.9,
    None,
    True,
    [],
    {},
)
_NO_PERCENTAGE: Values = (
    True,
    False,
    100.0,
    0.5,
    math.nan,
    math.inf,
    "50",
    "50%",
    -1,
    101,
    2**64,
    None,
    [],
    {},
)

DONE: Mapping[str, object] = {
    "status": "creating",
    "compute_snapshot_status": "creating_compute_complete",
}


def _nested(depth: int) -> object:
    body: object = "creating"
    for _ in range(depth):
        body = {"status": body}
    return body


MALFORMED: Mapping[str, object] = {
    "nothing": None,
    "true": True,
    "a number": 1,
    "a string": KEY,
    "the JSON of one": '{"os-update_snapshot_status": {"status": "error"}}',
    "a list": [],
    "a list with one": [{KEY: dict(DONE)}],
    "no action": {},
    "another action": {"os-reset_status": {"status": "creating"}},
    "action in capitals": {KEY.upper(): dict(DONE)},
    "action with a space": {f"{KEY} ": dict(DONE)},
    "action None": {None: dict(DONE)},
    "no action around": dict(DONE),
    "two actions": {KEY: dict(DONE), "os-reset_status": {}},
    "action twice around": {KEY: {KEY: dict(DONE)}},
    "no mapping": {KEY: "creating"},
    "null": {KEY: None},
    "list of one": {KEY: [dict(DONE)]},
    "empty": {KEY: {}},
    "no status": {KEY: {"progress": "90%"}},
    **{
        f"status {value!r}": {KEY: {**DONE, "status": value}}
        for value in _NO_STATUS
    },
    "status nested": {KEY: _nested(200)},
    "status nested too deep": {KEY: {"status": _nested(5000)}},
    "nested too deep": {KEY: _nested(5000)},
    "formats nested too deep": {KEY: {**DONE, "file_format": _nested(5000)}},
    "key nested too deep": {KEY: {**DONE, "another": _nested(5000)}},
    "compute_progress of many digits": {
        KEY: {**DONE, "compute_progress": 10**5000}
    },
    "compute_progress below by many digits": {
        KEY: {**DONE, "compute_progress": -(10**400)}
    },
    "status of many digits": {KEY: {"status": 10**5000}},
    "unknown key": {KEY: {**DONE, "snapshot_status": "x"}},
    "key of the manager": {KEY: {**DONE, "manager:phase": "complete"}},
    "key of the row": {KEY: {**DONE, "volume_id": "other"}},
    "key in capitals": {KEY: {**DONE, "Progress": "90%"}},
    "key empty": {KEY: {**DONE, "": ""}},
    "key a number": {KEY: {**DONE, 1: ""}},
    "Python's own": {KEY: {**DONE, "__class__": "x"}},
    **{
        f"word {value!r}": {KEY: {**DONE, "compute_snapshot_status": value}}
        for value in _NO_WORD
    },
    **{
        f"progress {value!r}": {KEY: {**DONE, "progress": value}}
        for value in _NO_PROGRESS
    },
    "progress of a mebibyte": {KEY: {**DONE, "progress": "9" * 2**20 + "%"}},
    **{
        f"compute_progress {value!r}": {
            KEY: {**DONE, "compute_progress": value}
        }
        for value in _NO_PERCENTAGE
    },
    "file_format a list": {KEY: {**DONE, "file_format": []}},
    "file_format a string": {KEY: {**DONE, "file_format": "qcow2"}},
    "file_format null": {KEY: {**DONE, "file_format": None}},
    "a format null": {KEY: {**DONE, "file_format": {"a": None}}},
    "a format a number": {KEY: {**DONE, "file_format": {"a": 1}}},
    "a format a list": {KEY: {**DONE, "file_format": {"a": ["qcow2"]}}},
    "a format nested": {KEY: {**DONE, "file_format": {"a": {"b": "c"}}}},
    "a file a number": {KEY: {**DONE, "file_format": {1: "raw", "a": None}}},
}
"""Bodies that are malformed, whatever the snapshot is in."""

UNFIT: Mapping[str, Mapping[str, object]] = {
    **{
        f"status {value!r}": {"status": value}
        for value in (
            "",
            "deleting",
            "error_deleting",
            "deleted",
            "CREATING",
            "creating ",
            "creating\n",
            "creating\0",
            "backing-up",
            "\ud800",
        )
    },
    "status of a mebibyte": {"status": "c" * 2**20},
    **{
        f"word {value!r}": {
            "status": "creating",
            "compute_snapshot_status": value,
        }
        for value in (
            "",
            "complete",
            "creating",
            "creating_compute_done",
            "creating_compute_complete ",
            "creating_compute_complete\n",
            "Creating_compute_complete",
            "deleting_compute",
            "deleting_compute_complete",
            "deleting_compute_error",
            "delete_compute_complete",
            "\ud800",
        )
    },
    "word of a mebibyte": {
        "status": "creating",
        "compute_snapshot_status": "x" * 2**20,
    },
    **{
        f"file {name!r}": {**DONE, "file_format": {name: "qcow2"}}
        for name in (
            "",
            ".",
            "/",
            "..",
            "-rf",
            "json:{}",
            "nbd://192.0.2.1/export",
            "/etc/passwd",
            "../VOLUME",
            "/VOLUME",
            "./VOLUME.aa",
            "VOLUME-2",
            "VOLUME\n",
            "volume-another",
            "volume-another.aa",
            "\ud800",
        )
    },
    "file of a mebibyte": {
        **DONE,
        "file_format": {"v" * 2**20: "qcow2"},
    },
}
"""Reports that do not fit a snapshot being created; ``VOLUME`` stands for
the name of its volume."""
