# SPDX-License-Identifier: Apache-2.0
"""Admin metadata of snapshots, for a Cinder that has no table for it.

Cinder 29 has nothing of that kind per snapshot but ``metadata``, which its
owner may write.  A volume's admin metadata is the service's own and no API
shows other keys of it than two of Cinder's, so what a snapshot has is kept
there, under the snapshot's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cinder.db import api as db

from assisted_kit.errors import AssistedKitError
from assisted_kit.updates import MAX_LENGTH

PREFIX = "assisted:"
"""How the keys begin, before the snapshot's id."""


class KeyTooLong(AssistedKitError):
    """With the snapshot's id before it, the column does not hold a key."""


def pairs_of(volume: Any, snapshot_id: str) -> dict[str, str]:
    """What is kept of a snapshot.

    :param volume: Cinder's object, read by an administrator's context.
    """
    prefix = _prefix(snapshot_id)
    return {
        key.removeprefix(prefix): value
        for key, value in volume.admin_metadata.items()
        if key.startswith(prefix)
    }


def store(
    volume: Any,
    snapshot_id: str,
    pairs: Mapping[str, str | None],
    own: Mapping[str, str | None] | None = None,
) -> None:
    """Merge pairs of a snapshot into what is kept; ``None`` removes one.

    :param own: pairs of the volume's own, to be merged as well.
    :raises KeyTooLong: nothing is stored then.
    """
    prefix = _prefix(snapshot_id)
    merged = {**{prefix + key: pairs[key] for key in pairs}, **(own or {})}
    for key in merged:
        if len(key) > MAX_LENGTH:
            raise KeyTooLong(
                f"{key.removeprefix(prefix)!r} has too many characters for "
                f"admin metadata of a snapshot that Cinder keeps with its "
                f"volume: {MAX_LENGTH - len(prefix)} are the most"
            )
    there = {k: v for k, v in merged.items() if v is not None}
    if there:
        # Others' keys stay, whatever this object has read of them.
        volume.admin_metadata_update(there, delete=False)
    for key in merged.keys() - there.keys():
        if key in volume.admin_metadata:
            db.volume_admin_metadata_delete(volume.obj_context, volume.id, key)
            del volume.admin_metadata[key]


def forget(volume: Any, snapshot_id: str) -> None:
    """Keep nothing of a snapshot any more."""
    store(volume, snapshot_id, dict.fromkeys(pairs_of(volume, snapshot_id)))


def _prefix(snapshot_id: str) -> str:
    return f"{PREFIX}{snapshot_id}:"
