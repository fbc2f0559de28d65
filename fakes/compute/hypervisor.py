# SPDX-License-Identifier: Apache-2.0
"""What libvirt and QEMU do to image files for an assisted snapshot.

Three operations on the chain of a running guest, and what Nova has instead
for an instance that is shut off.  Errors come with libvirt's words, since
they end up in front of somebody who will search for them.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from assisted_kit.image import Image
from fakes.compute import qemu
from fakes.compute.errors import HypervisorError
from fakes.compute.live_chain import LiveChain
from fakes.compute.live_chain import Passphrase
from fakes.compute.qemu import Extent
from fakes.compute.qemu import Write

# The head of a qcow2 image: magic, version, offset and size of the name of
# the backing file.
_QCOW2_HEAD = struct.Struct(">4sIQI")
_QCOW2_MAGIC = b"QFI\xfb"


class Hypervisor:
    """File effects, by QEMU's command-line tools."""

    def open(
        self,
        image: Image,
        *,
        shareable: bool = False,
        passphrase: Passphrase,
    ) -> LiveChain:
        """Open an image for a running guest.

        :param passphrase: that of the volume.
        :raises HypervisorError: it, or something below it, does not open.
        """
        return LiveChain.open(
            image, shareable=shareable, passphrase=passphrase
        )

    def read(self, chain: LiveChain, offset: int, length: int) -> bytes:
        """What a guest reads at ``offset``."""
        found = bytearray()
        for extent in qemu.extents(chain.images):
            start = max(offset, extent.start)
            end = min(offset + length, extent.end)
            if start < end:
                found += qemu.content(chain.images, extent, start, end - start)
        if len(found) != length:
            raise HypervisorError(
                f"Input/output error: {length} bytes at {offset} are beyond "
                f"the end of {chain.active.image}"
            )
        return bytes(found)

    def write(self, chain: LiveChain, writes: list[tuple[int, bytes]]) -> None:
        """What a guest writes; on disk when this returns."""
        if chain.active.image.format != "raw":
            qemu.write(
                chain.images,
                [Write(offset, data, len(data)) for offset, data in writes],
            )
            return
        file = chain.active.descriptor
        end = os.fstat(file).st_size
        for offset, data in writes:
            if offset + len(data) > end:
                raise HypervisorError(
                    f"Input/output error: {len(data)} bytes at {offset} are "
                    f"beyond the end of {chain.active.image}"
                )
            view = memoryview(data)
            while view:
                done = os.pwrite(file, view, offset)
                view, offset = view[done:], offset + done
        os.fdatasync(file)

    def switch(self, chain: LiveChain, overlay: Path, device: str) -> None:
        """Make an existing overlay the active image.

        QEMU checks that it is there and is qcow2.  It believes that the
        header names what is active now, and so does this.

        :raises HypervisorError: the overlay is missing or not qcow2.
        """
        name = check_overlay(overlay, device)
        chain.push(Image(overlay, "qcow2"), name)

    def commit(
        self, chain: LiveChain, top: str, base: str, device: str
    ) -> None:
        """Merge ``top``, and what is between, down into ``base``.

        :raises HypervisorError: the chain has no such images in that order,
            or their names are not relative.
        """
        first = self._index(chain, top, device)
        last = self._index(chain, base, device)
        if first == 0:
            raise HypervisorError(
                f"invalid argument: commit of '{device}' active layer "
                f"requires active flag"
            )
        if last <= first:
            raise HypervisorError(
                f"invalid argument: could not find image '{base}' beneath "
                f"'{top}' in chain for '{device}'"
            )
        name = chain.relative_name(first, last)
        target = chain.images[last:]
        chain.lock(commit_target=last)
        try:
            for index in range(last - 1, first - 1, -1):
                qemu.commit(chain.images[index], target)
            qemu.set_backing_file(
                chain.images[first - 1], name, target[0].image.format
            )
        finally:
            chain.lock()
        chain.drop(first, last, name)

    def pull(self, chain: LiveChain, base: str | None, device: str) -> None:
        """Copy what is above ``base`` into the active image.

        :param base: None for everything: the active image stands alone
            afterwards.
        :raises HypervisorError: the chain has no such image, or names that
            are not relative.
        """
        if base is None:
            if len(chain.images) > 1:
                self._pull(chain, len(chain.images))
                qemu.set_backing_file(chain.active, None, None)
                chain.drop(1, len(chain.images), None)
            return
        last = self._index(chain, base, device)
        if last == 0:
            raise _not_in_chain(base, device)
        name = chain.relative_name(1, last)
        if last == 1:
            return
        self._pull(chain, last)
        qemu.set_backing_file(
            chain.active, name, chain.images[last].image.format
        )
        chain.drop(1, last, name)

    def rebase(self, image: Image, base: str | None) -> None:
        """Nova's pull while the instance is shut off.

        It takes the format of the new backing file from its content: a raw
        base image that a guest wrote a qcow2 header to becomes qcow2.
        """
        if base is None:
            # ``qemu-img rebase -b ''`` would do, but reads the whole disk.
            chain = LiveChain.open(image, locked=False)
            try:
                self.pull(chain, None, "")
            finally:
                chain.close()
            return
        path = image.path.parent / os.path.basename(base)
        qemu.rebase(image, base, qemu.probed_format(path))

    def _index(self, chain: LiveChain, name: str, device: str) -> int:
        index = chain.find(name)
        if index is None:
            raise _not_in_chain(name, device)
        return index

    def _pull(self, chain: LiveChain, after: int) -> None:
        """Copy what the images from 1 up to before ``after`` hold."""
        pulled = chain.images[:after]
        # What reads as zeros without a backing file need not be written.
        hides = after < len(chain.images)
        writes = (
            write
            for extent in qemu.extents(pulled)
            if extent.present and extent.depth > 0
            for write in _copies(chain, extent, hides)
        )
        batch: list[Write] = []
        size = 0
        for write in writes:
            batch.append(write)
            size += len(write.data or b"")
            if size >= _COPY_BUFFER:
                qemu.write(chain.images, batch)
                batch, size = [], 0
        qemu.write(chain.images, batch)


_COPY_BUFFER = 16 * qemu.PIECE


def check_overlay(overlay: Path, device: str) -> str | None:
    """What libvirt looks at in an overlay: how it names its backing file.

    :raises HypervisorError: it is missing or not qcow2.
    """
    try:
        with overlay.open("rb") as file:
            head = file.read(_QCOW2_HEAD.size)
            magic, _, at, size = _QCOW2_HEAD.unpack(
                head.ljust(_QCOW2_HEAD.size, b"\0")
            )
            if magic != _QCOW2_MAGIC:
                raise HypervisorError(
                    f"internal error: unable to execute QEMU command "
                    f"'blockdev-add': Image is not in qcow2 format: {overlay}"
                )
            if not at:
                return None
            file.seek(at)
            return os.fsdecode(file.read(min(size, 1023)))
    except OSError as error:
        raise HypervisorError(
            f"missing existing file for disk {device}: {overlay}: "
            f"{error.strerror}"
        ) from error


def _copies(chain: LiveChain, extent: Extent, hides: bool) -> Iterator[Write]:
    if extent.zero:
        if hides:
            yield Write(extent.start, None, extent.length)
        return
    for start in range(extent.start, extent.end, qemu.PIECE):
        length = min(qemu.PIECE, extent.end - start)
        data = qemu.content(chain.images, extent, start, length)
        yield Write(start, data, length)


def _not_in_chain(name: str, device: str) -> HypervisorError:
    return HypervisorError(
        f"invalid argument: could not find image '{name}' in chain for "
        f"'{device}'"
    )
