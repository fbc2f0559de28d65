# SPDX-License-Identifier: Apache-2.0
"""The images of one volume, in a directory of its own, in numbered layers.

::

    volume-1234/volume-1234
    volume-1234/volume-1234.layer-0001.aaaa
    volume-1234/volume-1234.layer-0002.bbbb

A new overlay gets a number above all others, so the numbers ascend along
the chain whatever is merged, and the highest is the active image.  The id at
the end is that of the snapshot for which the overlay was made.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from assisted_kit import qcow2

GIB = 1024**3


class LayersError(Exception):
    """The volume's images are not as this driver leaves them."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image of the chain."""

    name: str
    number: int
    format: str
    backing: str | None = None


class Layers:
    """The images of one volume; the base image is raw, as it was made.

    :param size: GiB, beyond which no image may reach.
    """

    def __init__(self, directory: Path, volume_name: str, size: int) -> None:
        self.directory = directory
        self.base = volume_name
        self._size = size
        self._pattern = re.compile(
            re.escape(volume_name) + r"\.layer-(\d{4,9})\.([0-9a-f-]+)"
        )

    def path(self, name: str) -> Path:
        """Where an image is."""
        return self.directory / name

    def number(self, name: str) -> int:
        """The number of an image; the base image is number 0.

        :raises LayersError: it is no image of this volume.
        """
        if name == self.base:
            return 0
        found = self._pattern.fullmatch(name)
        if found is None:
            raise LayersError(f"{name} is no image of {self.base}")
        return int(found[1])

    def made_for(self, snapshot_id: str) -> list[str]:
        """The overlays that were made for a snapshot."""
        return [n for n in self.names() if n.endswith(f".{snapshot_id}")]

    def names(self) -> list[str]:
        """Every image on the share, in the order of their numbers."""
        if not self.directory.is_dir():
            return []
        own = [
            entry.name
            for entry in self.directory.iterdir()
            if entry.name == self.base or self._pattern.fullmatch(entry.name)
        ]
        return sorted(own, key=self.number)

    def top(self, without: Collection[str]) -> str:
        """The active image: the highest number but for some overlays.

        :raises LayersError: there is none.
        """
        names = [name for name in self.names() if name not in without]
        if not names:
            raise LayersError(f"{self.directory} has no image")
        return names[-1]

    def image(self, name: str) -> Image:
        """What an image's header says, if all of it is this driver's.

        :raises LayersError: the header names what is not the volume's.
        :raises qcow2.ImageError: it cannot be read.
        """
        number = self.number(name)
        path = self.path(name)
        if number == 0:
            with qcow2.open_regular(path):
                return Image(name, number, "raw")
        header = qcow2.inspect(path)
        if header.virtual_size > self._size * GIB:
            raise LayersError(f"{name} is larger than the volume")
        backing = header.backing_file
        if backing is not None:
            backing = self._bare(backing)
            below = "raw" if backing == self.base else "qcow2"
            if self.number(backing) >= number:
                raise LayersError(f"{name} is on {backing}, above itself")
            if header.backing_format != below:
                raise LayersError(
                    f"{name} names {backing} as {header.backing_format}, "
                    f"which is {below}"
                )
        return Image(name, number, "qcow2", backing)

    def _bare(self, name: str) -> str:
        """An absolute name in this very directory is as good as a bare."""
        path = Path(name)
        own = path.is_absolute() and path.parent == self.directory
        return path.name if own else name

    def users_of(self, name: str) -> list[str]:
        """The images that name one as their backing file."""
        return [n for n in self.names() if self.image(n).backing == name]

    def chain(self, top: str) -> list[Image]:
        """The images from ``top`` down to the base image.

        :raises LayersError: see :meth:`image`.
        """
        images = [self.image(top)]
        while images[-1].backing is not None:
            images.append(self.image(images[-1].backing))
        return images

    # -- changing them

    def add(self, snapshot_id: str, below: Image) -> str:
        """Make an overlay on an image; returns its name."""
        for leftover in self.made_for(snapshot_id):
            self.remove(leftover)
        name = f"{self.base}.layer-{self._next():04}.{snapshot_id}"
        options = f"backing_file={below.name},backing_fmt={below.format}"
        try:
            self._qemu_img(
                *("create", "-u", "-f", "qcow2", "-o", options),
                *(str(self.path(name)), f"{self._size}G"),
            )
        except LayersError:
            self.remove(name)
            raise
        return name

    def _next(self) -> int:
        """The number of the next overlay."""
        return max(map(self.number, self.names())) + 1

    def commit(self, image: Image, above: Image | None) -> None:
        """Merge an overlay into its backing file."""
        path = str(self.path(image.name))
        self._qemu_img("commit", "-f", "qcow2", "-d", path)
        if above is not None and image.backing is not None:
            self.put_on(above.name, image.backing)

    def put_on(self, name: str, below: str) -> None:
        """Have an overlay name another image as its backing file."""
        names = ("-b", below, "-F", self.image(below).format)
        path = str(self.path(name))
        self._qemu_img("rebase", "-u", "-f", "qcow2", *names, path)

    def stand_alone(self, name: str) -> None:
        """Have an overlay that nobody wrote to name no backing file."""
        path = str(self.path(name))
        self._qemu_img("rebase", "-u", "-f", "qcow2", "-b", "", path)

    def copy(self, image: Image, target: Path, size: int) -> None:
        """Copy what is read through an image into a raw one of ``size`` GiB,
        which may be larger."""
        source = ("-U", "-f", image.format, str(self.path(image.name)))
        self._qemu_img("convert", "-O", "raw", *source, str(target))
        os.truncate(target, size * GIB)

    def remove(self, name: str) -> None:
        """Remove an image that no other needs; again is fine."""
        self.path(name).unlink(missing_ok=True)

    def grow(self, image: Image, size: int) -> None:
        """Give an image a virtual size of ``size`` GiB."""
        path = str(self.path(image.name))
        self._qemu_img("resize", "-f", image.format, path, f"{size}G")

    def _qemu_img(self, *words: str) -> None:
        done = subprocess.run(
            ["qemu-img", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LayersError(f"qemu-img {words[0]}: {done.stderr.strip()}")
