# SPDX-License-Identifier: Apache-2.0
"""The chain of images on disk, read from its headers (contract section 3).

For drivers with the capability ``overlay_files``, whatever they call their
files, and with no code of any driver's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assisted_kit import qcow2
from assisted_kit.image import Image


def backing(overlay: Path) -> Image | None:
    """The image that an overlay has as its backing file."""
    header = qcow2.inspect(overlay)
    if header.backing_file is None:
        return None
    return Image(
        overlay.parent / header.backing_file, header.backing_format or "none"
    )


def chain_of(active: Image) -> list[Image]:
    """The images from the active one down, as far as they can be read."""
    images = [active]
    while images[-1].format == "qcow2":
        below = backing(images[-1].path)
        if below is None or below in images:
            break
        images.append(below)
    return images


def draw(active: Any) -> str:
    """A chain as a line: base image first, the active image last."""
    try:
        images = chain_of(active)
    except (qcow2.ImageError, OSError) as error:
        return f"{active.path.name} (active; {error})"
    words = [f"{image.path.name} ({image.format})" for image in images]
    words[0] = words[0].replace(")", ", active)")
    return " <- ".join(reversed(words))


def overlays_in(directory: Path) -> set[str]:
    """The names of all qcow2 images in a directory."""
    return {
        entry.name
        for entry in directory.iterdir()
        if entry.is_file() and qcow2.is_qcow2(entry)
    }
