# SPDX-License-Identifier: Apache-2.0
"""A short attempt at each ability that a driver may have.

For those that a driver does not declare: what works all the same is worth
knowing, since none of its rules was verified.  The contract asks for none of
this, so nothing here can fail a driver.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

from assisted_kit.capabilities import Capability
from assisted_kit.image import Image
from assisted_kit.lifecycle import Status
from conformance import oracle
from conformance import share_layout
from conformance import storage
from conformance.encrypted import EncryptedVolume
from conformance.volume import GIB
from conformance.volume import VolumeUnderTest

if TYPE_CHECKING:
    from conformance.case import ConformanceTest

CHUNK = 1024 * 1024
QCOW2_CRYPT_METHOD = slice(32, 36)
LUKS_MAGIC = b"LUKS\xba\xbe"


def works(test: ConformanceTest, capability: Capability) -> bool:
    """Whether the driver of a test can do it, as far as an attempt tells.

    :raises Exception: whatever a driver that cannot do it raises.
    """
    return PROBES[capability](test)


def _base(test: ConformanceTest, base: str) -> bool:
    volume = test.given_volume(base)
    return volume.active().format == base and volume.difference() is None


def _raw_base(test: ConformanceTest) -> bool:
    return _base(test, "raw")


def _qcow2_base(test: ConformanceTest) -> bool:
    return _base(test, "qcow2")


def _overlay_files(test: ConformanceTest) -> bool:
    volume = test.given_volume(attached=True)
    before = volume.active()
    volume.take_snapshot()
    after = volume.active()
    return after.format == "qcow2" and storage.backing(after.path) == before


def _cinder_share_layout(test: ConformanceTest) -> bool:
    volume = test.given_volume(snapshots=1)
    share = volume.deployment.share
    snapshot_id = volume.snapshots[0].id
    overlay = f"{volume.name}.{snapshot_id}"
    info = share_layout.info(share, volume.name)
    return info == {"active": overlay, snapshot_id: overlay}


def _reads_as(volume: VolumeUnderTest, copy: Any) -> bool:
    connection = volume.deployment.driver.initialize_connection(
        copy, {"host": "kit"}
    )
    image = volume.deployment.image(connection["data"])
    return oracle.compare(image, volume.ledger) is None


def _create_from_snapshot(test: ConformanceTest) -> bool:
    volume = test.given_volume(snapshots=2)
    return volume.copy_difference(volume.snapshots[0]) is None


def _clone(test: ConformanceTest) -> bool:
    volume = test.given_volume()
    manager = volume.deployment.manager
    return _reads_as(volume, manager.volumes.clone(volume.id))


def _cascade(test: ConformanceTest) -> bool:
    volume = test.given_volume(snapshots=3)
    oldest, middle, newest = volume.snapshots
    order = [middle.id, newest.id, oldest.id]
    volume.deployment.manager.cascade.delete(volume.id, order=order)
    return all(s.status == Status.DELETED for s in volume.snapshots)


def _extend_with_snapshots(test: ConformanceTest) -> bool:
    volume = test.given_volume(snapshots=1)
    volume.deployment.manager.volumes.extend(volume.id, 2)
    volume.ledger.size = 2 * GIB
    return volume.difference() is None


def _revert(test: ConformanceTest) -> bool:
    volume = test.given_volume(snapshots=1)
    snapshot = volume.snapshots[0]
    volume.deployment.driver.revert_to_snapshot(
        volume.deployment.context, volume.ref(), snapshot.ref()
    )
    return oracle.compare(volume.active(), snapshot.ledger) is None


class _ImageService:
    """Takes one image, as Glance does, and keeps its digest."""

    def __init__(self) -> None:
        self.digest = ""

    def update(
        self,
        context: Any,
        image_id: str,
        image_meta: Mapping[str, Any],
        data: Any = None,
        *others: Any,
        **options: Any,
    ) -> None:
        """Upload ``data``, a file."""
        self.digest = _digest(data)


def _digest(file: Any) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _upload(test: ConformanceTest) -> bool:
    volume = test.given_volume(snapshots=1)
    images = _ImageService()
    meta = {
        "id": "00000000-0000-0000-0000-000000000001",
        "disk_format": "raw",
        "container_format": "bare",
    }
    volume.deployment.driver.copy_volume_to_image(
        volume.deployment.context, volume.ref(), images, meta
    )
    expected = volume.deployment.share / "expected"
    volume.ledger.write_image(expected)
    with expected.open("rb") as file:
        return images.digest == _digest(file)


def _encryption(test: ConformanceTest) -> bool:
    key = test.subject.adapter.encryption_key()
    return _is_encrypted(EncryptedVolume(test.deploy(), key).active())


def _is_encrypted(image: Image) -> bool:
    with Path(image.path).open("rb") as file:
        header = file.read(104)
    if image.format == "qcow2":
        return any(header[QCOW2_CRYPT_METHOD])
    return header.startswith(LUKS_MAGIC)


PROBES: Mapping[Capability, Callable[[ConformanceTest], bool]] = {
    Capability.overlay_files: _overlay_files,
    Capability.cinder_share_layout: _cinder_share_layout,
    Capability.raw_base: _raw_base,
    Capability.qcow2_base: _qcow2_base,
    Capability.create_from_snapshot: _create_from_snapshot,
    Capability.clone: _clone,
    Capability.cascade: _cascade,
    Capability.extend_with_snapshots: _extend_with_snapshots,
    Capability.revert: _revert,
    Capability.upload: _upload,
    Capability.encryption: _encryption,
}
"""An attempt at each capability."""
