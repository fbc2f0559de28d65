# SPDX-License-Identifier: Apache-2.0
"""Names and books as Cinder has them on a share (contract section 3).

For drivers with the capability ``cinder_share_layout``, read from the files
themselves and with no code of any driver's.
"""

from __future__ import annotations

import json
from pathlib import Path


def info(directory: Path, volume_name: str) -> dict[str, str] | None:
    """The content of the info file; None when there is none."""
    path = directory / f"{volume_name}.info"
    if not path.exists():
        return None
    content: dict[str, str] = json.loads(path.read_text())
    return content


def overlay(directory: Path, volume_name: str, snapshot_id: str) -> str | None:
    """``o(s)``: the overlay recorded for a snapshot."""
    return (info(directory, volume_name) or {}).get(snapshot_id)


def files_of(directory: Path, volume_name: str) -> set[str]:
    """The names of all files on the share that are a volume's."""
    return {
        entry.name
        for entry in directory.iterdir()
        if entry.name == volume_name
        or entry.name.startswith(f"{volume_name}.")
    }
