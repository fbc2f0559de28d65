# SPDX-License-Identifier: Apache-2.0
"""The chain that a guest has open.

QEMU reads the headers once, when it opens a chain.  From then on the chain
in memory is what counts: it does not change when somebody edits a header,
renames a file or unlinks it, and only the hypervisor's own operations
change it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assisted_kit import qcow2
from assisted_kit.image import Image
from fakes.compute import image_lock
from fakes.compute import qemu
from fakes.compute.errors import HypervisorError
from fakes.compute.image_lock import ImageLock
from fakes.compute.image_lock import Use

FORMATS = ("raw", "qcow2")

Passphrase = Callable[[], str | None]
"""Tells the passphrase of a volume; None if it is not encrypted."""

_CRYPT_METHOD = 32
"""Where a qcow2 image says whether it is encrypted, in four bytes."""


def _nobody_knows() -> None:
    return None


@dataclass(eq=False, slots=True)
class OpenImage(qemu.Opened):
    """One image of the chain."""

    name: str | None
    """How the overlay above names it; None for the active image."""
    lock: ImageLock

    def close(self) -> None:
        """Close the file, which drops its lock."""
        self.lock.hold(image_lock.UNUSED)
        os.close(self.descriptor)


class LiveChain:
    """Open images, the active one first.  Not for two threads at once."""

    def __init__(
        self,
        images: list[OpenImage],
        *,
        locked: bool,
        shareable: bool,
        passphrase: Passphrase,
    ) -> None:
        self.images = images
        self._locked = locked
        self._shareable = shareable
        self._passphrase = passphrase

    @classmethod
    def open(
        cls,
        image: Image,
        *,
        locked: bool = True,
        shareable: bool = False,
        passphrase: Passphrase = _nobody_knows,
    ) -> LiveChain:
        """Open an image and all that the headers say is below it.

        :param locked: as a running guest does; otherwise without locks.
        :param shareable: others may write as well (a multi-attach volume).
        :param passphrase: that of the volume, asked for when an image of
            the chain is encrypted.
        :raises HypervisorError: something in the chain does not open.
        """
        if shareable and image.format != "raw":
            raise HypervisorError(
                "shared access for disk requires use of supported storage "
                f"format, not {image.format}"
            )
        chain = cls(
            [], locked=locked, shareable=shareable, passphrase=passphrase
        )
        try:
            for found, name in _discover(image):
                chain.images.append(_open(found, name, passphrase))
            chain.lock()
            if locked:
                for open_image, use in chain.uses():
                    open_image.lock.check(use)
        except BaseException:
            chain.close()
            raise
        return chain

    @property
    def active(self) -> OpenImage:
        """What the guest writes to."""
        return self.images[0]

    def listed(self) -> tuple[Image, ...]:
        """The images, the active one first."""
        return tuple(open_image.image for open_image in self.images)

    def push(self, overlay: Image, name: str | None) -> None:
        """Open an overlay on top.

        :param name: how its header names what was active so far.
        """
        self.active.name = name
        self.images.insert(0, _open(overlay, None, self._passphrase))
        self.lock()

    def drop(self, first: int, after: int, name: str | None) -> None:
        """Close the images from ``first`` up to before ``after``.

        :param name: how the remaining overlay names the image below now.
        """
        dropped = self.images[first:after]
        del self.images[first:after]
        if first < len(self.images):
            self.images[first].name = name
        for open_image in dropped:
            open_image.close()
        self.lock()

    def find(self, name: str) -> int | None:
        """The index of an image by libvirt's rules, None if there is none.

        A name is what an overlay calls the image, the image's absolute
        path, or relative to the directory of the overlay above.  The active
        image has no overlay above it, so its bare name finds nothing.
        """
        for index, open_image in enumerate(self.images):
            path = open_image.image.path
            if name in (open_image.name, str(path)):
                return index
            if index > 0:
                directory = self.images[index - 1].image.path.parent
                if directory / name == path:
                    return index
        return None

    def relative_name(self, first: int, last: int) -> str:
        """How the overlay above ``first`` may name ``last`` relatively.

        :raises HypervisorError: a name in between is absolute or missing.
        """
        path = ""
        for open_image in self.images[first : last + 1]:
            name = open_image.name
            if not name or name.startswith("/"):
                raise HypervisorError(
                    "Requested operation is not valid: can't keep relative "
                    "backing relationship"
                )
            path = os.path.join(os.path.dirname(path), name)
        return path

    def lock(self, commit_target: int | None = None) -> None:
        """Hold the locks of the chain as it is.

        :param commit_target: index of the image that a commit writes to.
        """
        if self._locked:
            for open_image, use in self.uses(commit_target):
                open_image.lock.hold(use)

    def uses(
        self, commit_target: int | None = None
    ) -> Iterator[tuple[OpenImage, Use]]:
        """Each image with how it is used."""
        target = -1 if commit_target is None else commit_target
        for index, open_image in enumerate(self.images):
            if index == target:
                use = image_lock.COMMIT_TARGET
            elif index < target:
                use = (
                    image_lock.ABOVE_COMMIT_TARGET
                    if index
                    else image_lock.ACTIVE_ABOVE_COMMIT_TARGET
                )
            elif index:
                use = image_lock.BACKING
            elif self._shareable:
                use = image_lock.ACTIVE_SHAREABLE
            elif open_image.image.format == "raw":
                use = image_lock.ACTIVE_RAW
            else:
                use = image_lock.ACTIVE_QCOW2
            yield open_image, use

    def close(self) -> None:
        """Close all; the locks are gone."""
        for open_image in self.images:
            open_image.close()
        self.images.clear()


def _discover(image: Image) -> Iterator[tuple[Image, str | None]]:
    """An image and what its headers lead to, with the names used there.

    As libvirt does, which reads the headers itself and tells QEMU the whole
    chain.
    """
    path, format = image.path.absolute(), image.format
    name: str | None = None
    passed: set[Path] = set()
    while True:
        if format not in FORMATS:
            raise HypervisorError(
                f"{path}: unsupported configuration: unknown driver format "
                f"value '{format}'"
            )
        if path in passed:
            raise HypervisorError(
                f"internal error: backing store for {path} is self-referential"
            )
        passed.add(path)
        yield Image(path, format), name
        if format == "raw":
            # It has no header that could lead on.
            return
        header = _header(path)
        name = header.backing_file
        if name is None:
            return
        below = Path(os.path.normpath(path.parent / name))
        if header.backing_format is None:
            raise HypervisorError(
                f"Requested operation is not valid: format of backing image "
                f"'{below}' of image '{path}' was not specified in the image "
                f"metadata"
            )
        path, format = below, header.backing_format


def _header(path: Path) -> qcow2.Header:
    # A link is followed, as libvirt and QEMU do.
    target = os.path.realpath(path)
    try:
        return qcow2.inspect(target, luks=qcow2.is_luks(target))
    except qcow2.NotQcow2 as error:
        raise HypervisorError(
            f"Could not open '{path}': Image is not in qcow2 format"
        ) from error
    except qcow2.ImageError as error:
        raise HypervisorError(f"Could not open {error}") from error
    except OSError as error:
        raise _not_opened(path, error) from error


def _not_opened(path: Path, error: OSError) -> HypervisorError:
    return HypervisorError(f"Could not open '{path}': {error.strerror}")


def _open(image: Image, name: str | None, passphrase: Passphrase) -> OpenImage:
    # The guest writes to a raw image without a tool in between.
    writable = image.format == "raw" and name is None
    mode = os.O_RDWR if writable else os.O_RDONLY
    try:
        descriptor = os.open(image.path, mode | os.O_CLOEXEC)
    except OSError as error:
        raise _not_opened(image.path, error) from error
    encrypted = image.format == "qcow2" and _is_encrypted(descriptor)
    return OpenImage(
        image,
        descriptor,
        passphrase() if encrypted else None,
        name,
        ImageLock(descriptor),
    )


def _is_encrypted(descriptor: int) -> bool:
    return any(os.pread(descriptor, 4, _CRYPT_METHOD))
