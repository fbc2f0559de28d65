# SPDX-License-Identifier: Apache-2.0
"""The files of one volume on the share (contract section 3).

::

    volume-1234             the base image as created, raw or qcow2
    volume-1234.aaaa        the overlay made when snapshot aaaa was taken
    volume-1234.info        which image is active, and each snapshot's overlay

Some drivers of the family end the names of images in an extension::

    volume-1234.img, volume-1234.aaaa.img, volume-1234.img.info
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Container
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference_driver.errors import ForeignImage

_TEMPORARY = "tmp-snap-"
"""What Cinder's driver calls the overlay of a snapshot that it made itself."""

_OVERLAY_SUFFIX = rf"\.(?:{_TEMPORARY})?[0-9a-f-]+"

UNFINISHED = ".new"
"""Ends the name of a file that is being made."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the files of a share are named, and who may use them."""

    extension: str = ""
    """Ends the name of each image, ``.img`` say."""
    ignores_case: bool = False
    """Whether the share does (SMB), so that whoever else wrote a name may
    have written it in another case."""
    mode: int = 0o660
    """Of new base images; overlays get that of the image below."""


_AS_CINDERS = Layout()


class VolumeFiles:
    """Names and paths of one volume's files.

    Built from ``volume.name``, never from the id: they differ once a
    volume was migrated (bug 1798468).
    """

    def __init__(
        self, directory: Path, volume: Any, layout: Layout = _AS_CINDERS
    ) -> None:
        self.directory = directory
        self._prefix = f"{directory}/"
        self._layout = layout
        self.base: str = f"{volume.name}{layout.extension}"
        self.info: str = f"{self.base}.info"
        self.volume = volume
        self.encrypted = bool(volume.encryption_key_id)
        self._own = re.compile(
            f"{re.escape(volume.name)}({_OVERLAY_SUFFIX})?"
            f"{re.escape(layout.extension)}",
            re.IGNORECASE if layout.ignores_case else 0,
        )
        self._seen: set[str] = set()

    def overlay(self, snapshot_id: str) -> str:
        """The name of the overlay made when a snapshot is taken."""
        return self.own(self._with_suffix(f".{snapshot_id}"))

    def temporary_overlay(self, snapshot_id: str) -> str:
        """What Cinder's driver calls that of a snapshot it made itself."""
        return self.own(self._with_suffix(f".{_TEMPORARY}{snapshot_id}"))

    def _with_suffix(self, suffix: str) -> str:
        return f"{self.volume.name}{suffix}{self._layout.extension}"

    def own(self, name: object) -> str:
        """``name``, provided that it is the name of one of our images.

        An absolute name of a file in the volume's own directory counts as
        its bare name, and where the share ignores case any name as ours is.

        :raises ForeignImage: it is anything else.
        """
        if isinstance(name, str):
            # The info file and the headers name the same files.
            if name in self._seen:
                return name
            bare = name.removeprefix(self._prefix)
            match = self._own.fullmatch(bare)
            if match:
                if self._layout.ignores_case:
                    bare = self._with_suffix((match[1] or "").lower())
                self._seen.add(bare)
                return bare
        raise ForeignImage(
            f"{name!r} is no image of {self.base} in {self.directory}"
        )

    def path(self, name: str) -> Path:
        """The absolute path of one of our files."""
        return self.directory / name

    def at(self, name: str) -> str:
        """The same as a string, of which a long chain takes many."""
        return self._prefix + name

    def exists(self, name: str) -> bool:
        """Whether the file is there; a link of that name counts."""
        return os.path.lexists(self.at(name))

    def images(self, *, but: Container[str] = ()) -> list[str]:
        """The names of our images on the share.

        :param but: names that are left out.
        """
        return sorted(
            own
            for name in os.listdir(self.directory)
            if self._is_image(name) and (own := self.own(name)) not in but
        )

    def everything(self) -> list[str]:
        """The names of all files that were made for the volume."""
        return sorted(
            name
            for name in os.listdir(self.directory)
            if self._is_image(name.removesuffix(UNFINISHED))
            or name.removesuffix(UNFINISHED) == self.info
        )

    def _is_image(self, name: str) -> bool:
        return self._own.fullmatch(name) is not None

    def overlays(self, *, but: Container[str] = ()) -> list[str]:
        """The names of our images, without that of the base image.

        :param but: names that are left out as well.
        """
        return [name for name in self.images(but=but) if name != self.base]

    def make(
        self,
        name: str,
        write: Callable[[Path], object],
        *,
        like: Path | None = None,
        sync_directory: bool = True,
    ) -> None:
        """Make or replace a file: there is a whole one or there is none.

        :param sync_directory: false if its name need not be on disk yet.
        :param write: fills the path that it is given.
        :param like: an image whose owner and mode the new one gets, so
            that whoever runs the guest can open it (bug 1286376); a base
            image has the layout's mode.
        """
        temporary = self.path(f"{name}{UNFINISHED}")
        self._start(temporary)
        try:
            write(temporary)
            self._finish(temporary, like)
            self._replace(temporary, self.path(name))
        except BaseException:
            self._unlink(temporary)
            raise
        if sync_directory:
            self.sync_directory()

    def _start(self, temporary: Path) -> None:
        """Have nothing there that a killed :meth:`make` left."""
        self._unlink(temporary)

    def write_new(self, temporary: Path, content: bytes) -> None:
        """Fill the path that :meth:`make` has given, following no link.

        :raises OSError: something was put there meanwhile.
        """
        flags = os.O_WRONLY | os.O_NOFOLLOW | self._how_to_create
        with (
            opened(temporary, flags) as descriptor,
            open(descriptor, "wb", closefd=False) as file,
        ):
            file.write(content)

    _how_to_create = os.O_CREAT | os.O_EXCL
    """Flags for a file that :meth:`_start` has left to its writer."""

    def _finish(self, temporary: Path, like: Path | None) -> None:
        """Give a new file its owner and mode, and have it on disk."""
        with opened(temporary, os.O_RDONLY | os.O_NOFOLLOW) as descriptor:
            if self._has_changed(descriptor, like):
                os.fsync(descriptor)
            else:
                # Whoever wrote it may have had its data on disk before.
                os.fdatasync(descriptor)

    def _replace(self, temporary: Path, path: Path) -> None:
        """Rename a new file, over an old one if there is one."""
        os.replace(temporary, path)

    def _unlink(self, path: Path) -> None:
        """Remove a file that may be there."""
        path.unlink(missing_ok=True)

    def _has_changed(self, descriptor: int, like: Path | None) -> bool:
        """Give a new file its owner and mode; whether it had others."""
        if like is not None:
            return _liken(descriptor, like)
        return _set_mode(descriptor, self._layout.mode)

    def remove_unused(self, name: str, chain: Collection[str]) -> None:
        """Remove an image, unless the active image's chain needs it.

        :raises ForeignImage: it does.
        """
        if name in chain:
            raise ForeignImage(f"{self.path(name)} is in use")
        self.remove(name)

    def remove(self, name: str) -> None:
        """Remove a file, and what a killed :meth:`make` left of it."""
        for path in (self.path(name), self.path(f"{name}{UNFINISHED}")):
            self._unlink(path)
        self.sync_directory()

    def sync_directory(self) -> None:
        """Have what was made, renamed and removed there on disk."""
        flags = os.O_RDONLY | os.O_DIRECTORY
        with opened(self.directory, flags) as descriptor:
            os.fsync(descriptor)


@contextlib.contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """A file's descriptor, for as long as the body takes."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _liken(descriptor: int, model: Path) -> bool:
    """Give a file the owner and mode of another.

    :returns: whether they differed.
    """
    own, wanted = os.fstat(descriptor), model.stat(follow_symlinks=False)
    differs_in_mode = _set_mode(descriptor, stat.S_IMODE(wanted.st_mode))
    owner = wanted.st_uid, wanted.st_gid
    differs_in_owner = (own.st_uid, own.st_gid) != owner
    if differs_in_owner:
        os.fchown(descriptor, *owner)
    return differs_in_mode or differs_in_owner


def _set_mode(descriptor: int, mode: int) -> bool:
    """Give a file a mode; whether it had another one."""
    differs = stat.S_IMODE(os.fstat(descriptor).st_mode) != mode
    if differs:
        os.fchmod(descriptor, mode)
    return differs
