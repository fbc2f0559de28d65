# SPDX-License-Identifier: Apache-2.0
"""The backing chain as it is on disk, validated before anybody opens it.

Headers are read in this process: 0.01 ms each, where a ``qemu-img info``
costs a process.  Nothing is opened *through* a header before every name,
format and size in it was checked (contract section 8; CVE-2014-3641,
CVE-2024-32498).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple
from typing import TypeAlias

from assisted_kit import qcow2
from reference_driver.errors import ForeignImage
from reference_driver.files import VolumeFiles

GIB = 1024**3

FORMATS = ("raw", "qcow2")
"""Those that an image may have."""

_NONE: Mapping[str, Image] = MappingProxyType({})


class Image(NamedTuple):
    """One image of a chain."""

    name: str
    format: str
    virtual_size: int
    """Bytes."""
    backing: str | None = None
    backing_format: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """Images from the active one down to the base image."""

    by_name: dict[str, Image]
    """In that order."""

    @classmethod
    def of(cls, images: Iterable[Image]) -> Chain:
        """A chain of these images, the active one first."""
        return cls({image.name: image for image in images})

    @property
    def images(self) -> tuple[Image, ...]:
        """The images without their names."""
        return tuple(self.by_name.values())

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    def __iter__(self) -> Iterator[Image]:
        return iter(self.by_name.values())

    def missing(self, names: Iterable[str]) -> frozenset[str]:
        """Those of some names that are not in the chain."""
        return frozenset(names).difference(self.by_name)

    def names(self) -> frozenset[str]:
        """The names of all its images."""
        return frozenset(self.by_name)

    @property
    def active(self) -> Image:
        """The image that an attachment uses."""
        return next(iter(self.by_name.values()))

    @property
    def base(self) -> Image:
        """The bottom of the chain."""
        return next(reversed(self.by_name.values()))

    def find(self, name: str) -> Image:
        """The image of that name.

        :raises KeyError: it is not in the chain.
        """
        return self.by_name[name]

    def without(self, name: str) -> Mapping[str, Image]:
        """Its images by their names, but for one."""
        return {k: v for k, v in self.by_name.items() if k != name}

    def above(self, name: str) -> Image | None:
        """The overlay whose backing file ``name`` is."""
        for image in self:
            if image.backing == name:
                return image
        return None


Settled: TypeAlias = Callable[[], Chain]
"""Reads a chain, and raises while something about it is in doubt."""


def header(files: VolumeFiles, name: str) -> qcow2.Header:
    """The header of a qcow2 image, which is encrypted if its volume is.

    :raises ImageError: it is not, it is and should not be, or it is damaged.
    """
    return qcow2.inspect(files.at(name), luks=files.encrypted)


def inspect(
    files: VolumeFiles, name: str, format_: str, size_gib: int
) -> Image:
    """One image, whatever stands in it checked.

    :param format_: the recorded format, ``raw`` or ``qcow2``; never probed.
    :param size_gib: the size of the volume, which no image may exceed.
    :raises ForeignImage: it is not as the driver made it.
    """
    path = files.at(name)
    with _refused(path):
        if format_ == "qcow2":
            return _checked(files, name, header(files, name), size_gib)
        if format_ == "raw":
            with qcow2.Layer.open(path, "raw", luks=files.encrypted) as layer:
                size = layer.virtual_size
            _check_size(path, size, size_gib)
            return Image(name, "raw", size)
    raise ForeignImage(
        f"{path} has the format {format_!r}; only raw and qcow2 may be"
    )


@contextlib.contextmanager
def _refused(path: str) -> Iterator[None]:
    """An image that cannot be read is none of ours."""
    try:
        yield
    except (FileNotFoundError, qcow2.ImageError) as error:
        raise ForeignImage(f"{path}: {error}") from error


def _checked(
    files: VolumeFiles, name: str, header: qcow2.Header, size_gib: int
) -> Image:
    """The image that has a header, if the driver would have made it so."""
    backing = header.backing_file
    if backing is not None:
        backing = files.own(backing)
        if header.backing_format not in FORMATS:
            raise ForeignImage(
                f"{files.at(name)} names {backing} as its backing file in "
                f"the format {header.backing_format!r}; only raw and qcow2 "
                f"may be"
            )
    size = header.virtual_size
    _check_size(files.at(name), size, size_gib)
    return Image(name, "qcow2", size, backing, header.backing_format)


def _check_size(path: str, size: int, size_gib: int) -> None:
    if size > size_gib * GIB:
        raise ForeignImage(
            f"{path} has a virtual size of {size} bytes, beyond the "
            f"{size_gib} GiB of the volume"
        )


def walk(
    files: VolumeFiles,
    active: str,
    *,
    base_format: str,
    size_gib: int,
    known: Mapping[str, Image] = _NONE,
) -> Chain:
    """The chain from ``active`` down.

    :param base_format: the recorded format of the image as created.
    :param known: images that this very hook has read and not changed since.
    :raises ForeignImage: an image is not as the driver made it.
    """
    read_on = _Overlays(files, size_gib)
    found: dict[str, Image] = {}
    above: Image | None = None
    name: str | None = active
    while name is not None:
        format_ = base_format if name == files.base else "qcow2"
        if name in found:
            raise ForeignImage(f"{files.path(name)} is its own backing file")
        if above is not None and above.backing_format != format_:
            raise ForeignImage(
                f"{files.path(above.name)} names {name} as "
                f"{above.backing_format}, but it was recorded as {format_}"
            )
        if name in known:
            above = known[name]
        elif format_ == "qcow2" and not files.encrypted:
            above = read_on.inspect(name)
        else:
            above = inspect(files, name, format_, size_gib)
        found[name] = above
        name = above.backing
    return Chain(found)


class _Overlays:
    """Inspects the overlays of a long chain, whose headers are alike."""

    def __init__(self, files: VolumeFiles, size_gib: int) -> None:
        self._files = files
        self._size_gib = size_gib
        self._read = qcow2.HeaderReader().read
        self._checked: qcow2.Header | None = None

    def inspect(self, name: str) -> Image:
        """As the function, for a qcow2 image that is not encrypted."""
        path = self._files.at(name)
        try:
            header, backing = self._read(path)
        except (FileNotFoundError, qcow2.ImageError) as error:
            raise ForeignImage(f"{path}: {error}") from error
        if header is self._checked:
            return Image(
                name,
                "qcow2",
                header.virtual_size,
                self._files.own(backing),
                header.backing_format,
            )
        self._checked = header
        return _checked(self._files, name, header, self._size_gib)


def is_empty(files: VolumeFiles, overlay: str) -> bool:
    """Whether nobody has ever written to an overlay."""
    with qcow2.Layer.open(
        files.path(overlay), "qcow2", luks=files.encrypted
    ) as layer:
        return layer.is_empty()


def is_on(files: VolumeFiles, overlay: str, name: str) -> bool:
    """Whether an overlay names ``name`` as its backing file.

    :raises ForeignImage: it names a file that is not the volume's own.
    """
    backing = header(files, overlay).backing_file
    return backing is not None and files.own(backing) == name


def users_of(files: VolumeFiles, name: str, chain: Chain) -> list[str]:
    """Our images that name ``name`` as their backing file.

    :param chain: the chain as it is now, of which no header is read again.
    """
    users = [image.name for image in chain if image.backing == name]
    for other in files.overlays(but=chain.by_name):
        try:
            backing = header(files, other).backing_file
        except qcow2.ImageError as error:
            # What it names cannot be known, so it may be this one.
            raise ForeignImage(f"{files.path(other)}: {error}") from error
        if backing is not None and files.own(backing) == name:
            users.append(other)
    return users
