# SPDX-License-Identifier: Apache-2.0
"""A share in Cinder's layout, as the good legacy driver has it.

The files of ``volume-1234``: the base image of that name, the overlay
``volume-1234.aaaa`` made when snapshot ``aaaa`` was taken, and the book
``volume-1234.info``, ``{"active": "volume-1234.aaaa", "aaaa":
"volume-1234.aaaa"}``.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from assisted_kit import qcow2
from assisted_kit.errors import AssistedKitError

GIB = 1024**3

LONGEST = 1024**2
"""Bytes of what is recorded of a volume."""


class ShareTrouble(AssistedKitError):
    """Something on the share is not as the driver left it."""


@dataclass
class Book:
    """What the info file records."""

    active: str
    overlays: dict[str, str] = field(default_factory=dict)
    """Snapshot id to the overlay made when it was taken."""


@dataclass(frozen=True, slots=True)
class Link:
    """An image of a chain, and what it stands on."""

    name: str
    format: str
    below: str | None
    below_format: str | None


class VolumeShare:
    """One volume's files, book and chain.

    :param directory: where the share is mounted.
    """

    def __init__(self, directory: Path, volume: Any) -> None:
        self.directory = directory
        self.volume = volume
        self.name: str = volume.name
        self._own = re.compile(
            rf"{re.escape(self.name)}(\.(tmp-snap-)?[0-9a-f-]+)?"
        )

    def path(self, name: str) -> Path:
        """Where one of the volume's files is."""
        return self.directory / name

    def overlay_of(self, snapshot_id: str) -> str:
        """The name of the overlay that is made for a snapshot."""
        return self.own(f"{self.name}.{snapshot_id}")

    def own(self, name: object) -> str:
        """An image's name from a header or the book, if it is ours.

        :raises ShareTrouble: it is not.
        """
        if isinstance(name, str):
            bare = name.removeprefix(f"{self.directory}{os.sep}")
            if self._own.fullmatch(bare):
                return bare
        raise ShareTrouble(f"{name!r} is no image of {self.name}")

    def images(self) -> set[str]:
        """The names of all images of the volume that are there."""
        return {
            name
            for name in os.listdir(self.directory)
            if self._own.fullmatch(name)
        }

    def there(self, name: str) -> bool:
        """Whether a file, or a link, of that name is there."""
        return os.path.lexists(self.path(name))

    # -- the book

    def read_book(self) -> Book:
        """What is recorded; nothing at all while there are no snapshots.

        :raises ShareTrouble: it is damaged, or missing though it must not
            be.
        """
        path = self.path(f"{self.name}.info")
        try:
            with qcow2.open_regular(path) as file:
                text = file.read(LONGEST + 1)
            if len(text) > LONGEST:
                raise ShareTrouble(f"{path} is longer than {LONGEST} bytes")
            content = json.loads(text)
            names = {str(k): self.own(v) for k, v in content.items()}
            return Book(names.pop("active"), names)
        except FileNotFoundError:
            self._check_may_be_missing()
            return Book(self.name)
        except (
            AttributeError,
            KeyError,
            RecursionError,
            ValueError,
            qcow2.ImageError,
            ShareTrouble,
        ) as error:
            raise ShareTrouble(f"{path} is damaged: {error!r}") from error

    def _check_may_be_missing(self) -> None:
        unfinished = {
            self.overlay_of(snapshot.id)
            for snapshot in self.volume.snapshots
            if snapshot.status != "available"
        }
        for name in self.images() - {self.name} - unfinished:
            raise ShareTrouble(f"there is {name}, but no {self.name}.info")

    def write_book(self, book: Book) -> None:
        """Replace the book: a reader sees the old one or the new one."""
        path = self.path(f"{self.name}.info")
        draft = path.with_name(f"{path.name}.draft")
        with draft.open("w", encoding="ascii") as file:
            json.dump({**book.overlays, "active": book.active}, file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(draft, 0o660)
        draft.replace(path)

    # -- the chain

    def chain(self, top: str) -> dict[str, Link]:
        """The images from ``top`` down, each looked at before it is used.

        :raises ShareTrouble: a header is not as the driver wrote it.
        """
        base_format = self.base_format()
        found: dict[str, Link] = {}
        name: str | None = top
        while name is not None:
            if name in found:
                raise ShareTrouble(f"{name} stands on itself")
            format_ = base_format if name == self.name else "qcow2"
            above = list(found.values())[-1:]
            if above and above[0].below_format != format_:
                raise ShareTrouble(
                    f"{above[0].name} has {name} as {above[0].below_format}, "
                    f"which was recorded as {format_}"
                )
            found[name] = self.link(name, format_)
            name = found[name].below
        return found

    def link(self, name: str, format_: str = "qcow2") -> Link:
        """One image, what stands in it checked.

        :raises ShareTrouble: it is not as the driver wrote it.
        """
        path = self.path(name)
        try:
            if format_ == "raw":
                with qcow2.open_regular(path) as file:
                    size = os.fstat(file.fileno()).st_size
                link = Link(name, "raw", None, None)
            else:
                header = qcow2.inspect(path)
                size = header.virtual_size
                below = header.backing_file
                link = Link(
                    name,
                    "qcow2",
                    None if below is None else self.own(below),
                    header.backing_format,
                )
        except (OSError, qcow2.ImageError) as error:
            raise ShareTrouble(f"{path}: {error}") from error
        if size > self.volume.size * GIB:
            raise ShareTrouble(
                f"{path} is {size} bytes large, beyond the volume's "
                f"{self.volume.size} GiB"
            )
        return link

    def base_format(self) -> str:
        """The format of the image as created: recorded, never probed.

        :raises ShareTrouble: nothing is recorded, and it may be anything.
        """
        recorded = self.volume.admin_metadata
        for key in ("base_format", "format"):
            if key in recorded:
                return str(recorded[key])
        if not self.there(self.name):
            return "qcow2"
        with qcow2.open_regular(self.path(self.name)) as file:
            if file.read(4) in (b"QFI\xfb", b"KDMV", b"LUKS"):
                raise ShareTrouble(
                    f"nobody knows the format of {self.path(self.name)}"
                )
        return "raw"

    # -- what is left over

    def pending(self, book: Book, but: str = "") -> list[str]:
        """Overlays of creates that failed while the guest may use them.

        :param but: the id of a snapshot that does not count.
        """
        overlays = [
            self.overlay_of(snapshot.id)
            for snapshot in self.volume.snapshots
            if snapshot.id not in book.overlays and snapshot.id != but
        ]
        return [
            overlay
            for overlay in overlays
            if overlay != book.active and self.there(overlay)
        ]

    def sweep(self, book: Book, deleted: str) -> None:
        """Remove the images that nothing needs any more.

        Needed is what the chain has, what is recorded or pending, and
        whatever one of these stands on.

        :param deleted: the id of the snapshot that is gone.
        """
        needed = {*book.overlays.values(), *self.pending(book, deleted)}
        for name in [book.active, *needed]:
            if self.there(name):
                needed |= self.chain(name).keys()
        for name in self.images() - needed:
            self.path(name).unlink()
