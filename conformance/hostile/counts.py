# SPDX-License-Identifier: Apache-2.0
"""How many hostile cases there are, by their kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.hostile import api_bodies
from conformance.hostile import backing_files
from conformance.hostile import chains
from conformance.hostile import images
from conformance.hostile import info_files
from conformance.hostile import updates

KINDS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "images": {
        "foreign backing file": backing_files.FOREIGN,
        "backing file of another format": backing_files.OTHER_FORMATS,
        "external data file": images.DATA_FILES,
        "another format, or none": images.OTHER_FORMATS,
        "header that lies or is cut off": images.LYING,
        "the same, which QEMU makes something of": images.SUSPECT,
        "beyond the volume's size": images.TOO_LARGE,
        "loop, or a missing image": chains.BROKEN,
        f"chain of {chains.LONG} to a foreign file": chains.FOREIGN,
        "no regular file": images.NO_FILES,
    },
    "info files": {
        "foreign active image or overlay": info_files.FOREIGN,
        "damaged": info_files.DAMAGED,
        "no regular file": info_files.NO_FILES,
    },
    "model updates": {
        "form": updates.FORMS,
        "file names": updates.FILE_NAMES,
    },
    "API bodies": {
        "malformed": api_bodies.MALFORMED,
        "unfit for the snapshot": api_bodies.UNFIT,
    },
}
"""Every table of cases."""


def lines() -> list[str]:
    """The counts as a table, the total last."""
    shown, total = [], 0
    for kind, tables in KINDS.items():
        count = sum(map(len, tables.values()))
        total += count
        shown.append(f"{count:5} {kind}")
        shown += [f"{len(t):9} {name}" for name, t in tables.items()]
    return [*shown, f"{total:5} in all"]
