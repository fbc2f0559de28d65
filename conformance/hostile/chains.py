# SPDX-License-Identifier: Apache-2.0
"""Chains that have no end, or whose end is nobody's to open."""

from __future__ import annotations

import os
from pathlib import Path

from conformance.hostile import header
from conformance.hostile.surroundings import Images
from conformance.hostile.surroundings import MARKER
from conformance.hostile.surroundings import Put
from conformance.hostile.surroundings import Surroundings

LONG = 200
"""Images of a chain that somebody made to keep its readers busy."""


def _name(image: Path, name: str, format_: str) -> None:
    header.write(
        image,
        name=name.encode(),
        extensions=(header.backing_format(format_),),
    )


def _long(bottom: str, format_: str, count: int = LONG) -> Put:
    """So many overlays below the image, the last of them on ``bottom``."""

    def put(around: Surroundings) -> None:
        volume = around.image.name.partition(".")[0]
        paths = [
            around.image,
            *(
                around.image.with_name(f"{volume}.{number:08x}")
                for number in range(1, count)
            ),
        ]
        names = [*(path.name for path in paths[1:]), around.name(bottom)]
        formats = ["qcow2"] * (count - 1) + [format_]
        start = around.image.read_bytes()
        for path, name, said in zip(paths, names, formats, strict=True):
            # The header; the tables are holes, which is how they begin.
            path.write_bytes(start[: header.AREA])
            os.truncate(path, len(start))
            _name(path, name, said)

    return put


def _on(template: str) -> Put:
    def put(around: Surroundings) -> None:
        _name(around.image, around.name(template), "qcow2")

    return put


BROKEN: Images = {
    "on itself": _on("{own}"),
    "on itself, absolute": _on("{share}/{own}"),
    "two in a loop": _long("{own}", "qcow2", 2),
    "three in a loop": _long("{own}", "qcow2", 3),
    "three in a loop, absolute": _long("{share}/{own}", "qcow2", 3),
    f"{LONG} in a loop": _long("{own}", "qcow2"),
    "on nothing": _long("{own}.0", "qcow2", 1),
    f"{LONG} on nothing": _long("{own}.0", "qcow2"),
}
"""SEC-010: chains with a loop, or without one of their images."""

FOREIGN: Images = {
    f"{LONG} on a file outside": _long(f"{{outside}}/{MARKER}", "raw"),
    f"{LONG} on json": _long("json:{}", "raw"),
    f"{LONG} on another volume's": _long("{another}", "raw"),
    f"{LONG} on an NBD export": _long("nbd://127.0.0.1:{port}/x", "raw"),
}
"""SEC-001: what a header names that is far down."""
