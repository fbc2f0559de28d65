# SPDX-License-Identifier: Apache-2.0
"""Where a snapshot's data is on a share (contract section 3).

For drivers with the capability ``cinder_share_layout``, read from the files
themselves and with no code of any driver's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assisted_kit import qcow2
from assisted_kit.image import Image


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


def backing(directory: Path, name: str) -> Image | None:
    """The image that ``name`` has as its backing file."""
    header = qcow2.inspect(directory / name)
    if header.backing_file is None:
        return None
    return Image(
        directory / header.backing_file, header.backing_format or "none"
    )


def files_of(directory: Path, volume_name: str) -> set[str]:
    """The names of all files on the share that are a volume's."""
    return {
        entry.name
        for entry in directory.iterdir()
        if entry.name == volume_name
        or entry.name.startswith(f"{volume_name}.")
    }


def chain_of(directory: Path, active: Image) -> list[Image]:
    """The images from the active one down, as far as they can be read."""
    images = [active]
    while images[-1].format == "qcow2":
        below = backing(directory, images[-1].path.name)
        if below is None or below in images:
            break
        images.append(below)
    return images


def draw(directory: Path, active: Any) -> str:
    """A chain as a line: base image first, the active image last."""
    try:
        images = chain_of(directory, active)
    except (qcow2.ImageError, OSError) as error:
        return f"{active.path.name} (active; {error})"
    words = [f"{image.path.name} ({image.format})" for image in images]
    words[0] = words[0].replace(")", ", active)")
    return " <- ".join(reversed(words))
