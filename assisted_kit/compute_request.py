# SPDX-License-Identifier: Apache-2.0
"""The compute request: what *begin* asks of the compute service.

Contract section 2.  A request is stored field by field as admin metadata
before the compute service hears of it; the manager builds Nova's
``create_info`` and ``delete_info`` from what is stored, and nothing else
goes to Nova.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assisted_kit.driver import Operation

PREFIXES: Mapping[Operation, str] = {
    Operation.CREATE: "create_info:",
    Operation.DELETE: "delete_info:",
}
"""The prefix of each operation's request keys."""

FILE_FIELDS: Mapping[Operation, tuple[str, ...]] = {
    Operation.CREATE: ("new_file",),
    Operation.DELETE: ("file_to_merge", "merge_target_file"),
}
"""The fields of each request that name a file; the other one is ``type``."""

REQUEST_TYPE = "qcow2"
"""The only ``type`` that Nova's schema admits."""


def has_request(
    operation: Operation, admin_metadata: Mapping[str, str]
) -> bool:
    """Whether ``admin_metadata`` holds a request for ``operation``."""
    return f"{PREFIXES[operation]}type" in admin_metadata


def create_info(
    snapshot_id: str, admin_metadata: Mapping[str, str]
) -> dict[str, str]:
    """Nova's ``create_info``, from the stored request."""
    prefix = PREFIXES[Operation.CREATE]
    return {
        "snapshot_id": snapshot_id,
        "type": admin_metadata[f"{prefix}type"],
        "new_file": admin_metadata[f"{prefix}new_file"],
    }


def delete_info(
    volume_id: str, admin_metadata: Mapping[str, str]
) -> dict[str, Any]:
    """Nova's ``delete_info``; both files always present, possibly None."""
    prefix = PREFIXES[Operation.DELETE]
    return {
        "volume_id": volume_id,
        "type": admin_metadata[f"{prefix}type"],
        "file_to_merge": admin_metadata.get(f"{prefix}file_to_merge"),
        "merge_target_file": admin_metadata.get(f"{prefix}merge_target_file"),
    }
