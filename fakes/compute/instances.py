# SPDX-License-Identifier: Apache-2.0
"""Instances and their disks: what a guest sees of its volumes."""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assisted_kit.image import Image
from assisted_kit.manager.volumes import VolumeOperations
from assisted_kit.refs import AttachmentRef
from fakes.compute.errors import HypervisorError
from fakes.compute.hypervisor import check_overlay
from fakes.compute.hypervisor import Hypervisor
from fakes.compute.live_chain import LiveChain

Locate = Callable[[Mapping[str, Any]], Image]
"""Stored (flat) connection information to the image that it names."""

PassphraseOf = Callable[[str], str | None]
"""A volume's id to what opens its images; None if it is not encrypted."""


class Disk:
    """A volume of an instance, as its guest and the hypervisor have it.

    :ivar connection_info: Nova's own copy, its block device mapping.  It
        decides what is opened at the next start, and nothing before that.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        locate: Locate,
        attachment: AttachmentRef,
        passphrase_of: PassphraseOf,
        *,
        device: str,
        shareable: bool,
    ) -> None:
        self.attachment = attachment
        self.volume_id: str = attachment.volume_id
        self.device = device
        self.connection_info: Mapping[str, Any] = copy.deepcopy(
            attachment.connection_info
        )
        self._hypervisor = hypervisor
        self._locate = locate
        self._passphrase_of = passphrase_of
        self._shareable = shareable
        self._chain: LiveChain | None = None
        self._image: Image | None = None
        # A guest's requests wait while an operation moves its data, and one
        # chain has one operation at a time.
        self._lock = threading.Lock()

    @property
    def image(self) -> Image:
        """The active image; of an instance shut off, the one defined."""
        with self._lock:
            return self._active()

    def chain(self) -> tuple[Image, ...]:
        """What the guest has open, the active image first.

        :raises HypervisorError: the instance is shut off.
        """
        with self._lock:
            return self._running().listed()

    def listed(self) -> tuple[Image, ...]:
        """The chain; of an instance shut off, the image defined."""
        with self._lock:
            if self._chain is None:
                return (self._active(),)
            return self._chain.listed()

    def held(self) -> tuple[Path, ...]:
        """The files that the guest has open, without waiting for anybody.

        Of an operation under way, those before it or those after it.
        """
        chain = self._chain
        return () if chain is None else tuple(i.path for i in chain.listed())

    def write(self, offset: int, data: bytes) -> None:
        """Write as the guest; the data is durable when this returns.

        :param offset: in bytes.
        :raises HypervisorError: the guest gets an I/O error, or the
            instance is shut off.
        """
        self.write_many([(offset, data)])

    def write_many(self, writes: Iterable[tuple[int, bytes]]) -> None:
        """Write in several places, in order; cheaper than one by one."""
        with self._lock:
            self._hypervisor.write(self._running(), list(writes))

    def read(self, offset: int, length: int) -> bytes:
        """Read as the guest.

        :raises HypervisorError: the guest gets an I/O error, or the
            instance is shut off.
        """
        with self._lock:
            return self._hypervisor.read(self._running(), offset, length)

    def open(self) -> None:
        """Open what connection information names, for a running guest.

        :raises HypervisorError: it does not open.
        """
        with self._lock:
            if self._chain is None:
                image = self._locate(self.connection_info)
                self._chain = self._hypervisor.open(
                    image,
                    shareable=self._shareable,
                    passphrase=lambda: self._passphrase_of(self.volume_id),
                )
                self._image = image

    def close(self) -> None:
        """Close the images; the definition keeps what was active."""
        with self._lock:
            chain, self._chain = self._chain, None
            if chain is not None:
                self._image = chain.active.image
                chain.close()

    def switch(self, new_file: str) -> dict[str, str]:
        """Nova's create: go on in an overlay beside the active image.

        :returns: the files concerned, with their formats.
        :raises HypervisorError: the overlay is missing or not qcow2.
        """
        with self._lock:
            overlay = Path(self._active().path.parent, new_file)
            if self._chain is not None:
                self._hypervisor.switch(self._chain, overlay, self.device)
            else:
                check_overlay(overlay, self.device)
                self._image = Image(overlay, "qcow2")
            return {new_file: "qcow2"}

    def commit(self, top: str, base: str) -> dict[str, str]:
        """Nova's delete below the active image: merge ``top`` down.

        :returns: the files concerned, with their formats.
        :raises HypervisorError: libvirt refuses, or QEMU fails.
        """
        with self._lock:
            chain = self._running()
            formats = {
                image.path.name: image.format
                for name in (top, base)
                if (index := chain.find(name)) is not None
                for image in (chain.listed()[index],)
            }
            self._hypervisor.commit(chain, top, base, self.device)
            return formats

    def pull(self, base: str | None) -> dict[str, str]:
        """Nova's delete into the active image: pull all above ``base``.

        :returns: the files concerned, with their formats.
        :raises HypervisorError: libvirt refuses, or QEMU fails.
        """
        with self._lock:
            active = self._active()
            if self._chain is not None:
                self._hypervisor.pull(self._chain, base, self.device)
            else:
                self._hypervisor.rebase(active, base)
            return {active.path.name: active.format}

    def _active(self) -> Image:
        if self._chain is not None:
            return self._chain.active.image
        if self._image is None:
            self._image = self._locate(self.connection_info)
        return self._image

    def _running(self) -> LiveChain:
        if self._chain is None:
            raise HypervisorError(
                f"Requested operation is not valid: domain is not running "
                f"(volume {self.volume_id})"
            )
        return self._chain


class Instance:
    """A virtual machine; :meth:`FakeNova.boot` makes one.

    :ivar uuid: the instance's id.
    :ivar active: whether it runs (Nova's vm_state ``active``) or is
        ``stopped``.
    """

    def __init__(
        self,
        hypervisor: Hypervisor,
        locate: Locate,
        passphrase_of: PassphraseOf,
    ) -> None:
        self.uuid = str(uuid.uuid4())
        self.active = True
        self._hypervisor = hypervisor
        self._locate = locate
        self._passphrase_of = passphrase_of
        self._disks: dict[str, tuple[Disk, VolumeOperations]] = {}
        self._lock = threading.RLock()

    def attach(
        self,
        volumes: VolumeOperations,
        volume_id: str,
        *,
        shareable: bool = False,
    ) -> Disk:
        """Attach a volume; a running guest opens it at once.

        :param volumes: the manager's, which the volume is attached by.
        :param shareable: others may have it open for writing as well.  Only
            raw images can be; a stopped instance opens none.
        :raises HypervisorError: it does not open, and is detached again.
        """
        with self._lock:
            device = f"vd{chr(ord('b') + len(self._disks))}"
            attachment = volumes.attach(
                volume_id,
                instance_uuid=self.uuid,
                connector={
                    "host": "compute-1",
                    "ip": "192.0.2.1",
                    "initiator": "iqn.1993-08.org.debian:01:compute-1",
                    "multipath": False,
                    "os_type": "linux",
                    "platform": "x86_64",
                    "mountpoint": f"/dev/{device}",
                },
            )
            try:
                disk = Disk(
                    self._hypervisor,
                    self._locate,
                    attachment,
                    self._passphrase_of,
                    device=device,
                    shareable=shareable,
                )
                if self.active:
                    disk.open()
            except BaseException:
                volumes.detach(volume_id, attachment)
                raise
            self._disks[volume_id] = (disk, volumes)
            return disk

    def detach(self, volume_id: str) -> None:
        """Detach a volume, after the operation that its disk is in."""
        with self._lock:
            disk, volumes = self._disks[volume_id]
            disk.close()
            volumes.detach(volume_id, disk.attachment)
            del self._disks[volume_id]

    def disk(self, volume_id: str) -> Disk:
        """The disk that a volume is; KeyError if it is not attached."""
        return self._disks[volume_id][0]

    @property
    def disks(self) -> tuple[Disk, ...]:
        """All attached volumes, the first one first."""
        with self._lock:
            return tuple(disk for disk, _ in self._disks.values())

    def held(self, volume_id: str) -> tuple[Path, ...]:
        """The files of a volume that are open, without waiting."""
        found = self._disks.get(volume_id)
        return () if found is None else found[0].held()

    def stop(self) -> None:
        """Shut off; the locks on the images are gone."""
        with self._lock:
            self.active = False
            for disk in self.disks:
                disk.close()

    def start(self) -> None:
        """Start: open what Nova's copies of connection information name.

        :raises HypervisorError: a disk does not open; it stays shut off.
        """
        with self._lock:
            try:
                for disk in self.disks:
                    disk.open()
            except BaseException:
                self.stop()
                raise
            self.active = True

    def restart(self) -> None:
        """A cold restart: stop and start."""
        self.stop()
        self.start()

    def reboot_hard(self, found: Mapping[str, Mapping[str, Any]]) -> None:
        """A cold restart for which connection information is read again.

        :param found: by the volumes' ids, what Cinder answers now.
        :raises HypervisorError: a disk does not open; it stays shut off.
        """
        self.stop()
        for disk in self.disks:
            disk.connection_info = copy.deepcopy(found[disk.volume_id])
        self.start()
