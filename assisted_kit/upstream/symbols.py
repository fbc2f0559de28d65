# SPDX-License-Identifier: Apache-2.0
"""What of Cinder and Nova the rules rest on.

A rule is about any driver; what it expects of the volume and the compute
service around the driver, and what it knows to go wrong, was read in these
places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function, a class's attribute or a module's constant."""

    package: str
    """``cinder`` or ``nova``."""
    module: str
    """Dotted, without the package."""
    name: str
    """``Class.function``, ``function`` or ``CONSTANT``."""
    meaning: str
    """What was read there."""
    rules: tuple[str, ...]
    """The rules that rest on it."""

    def __str__(self) -> str:
        return f"{self.package}.{self.module}:{self.name}"


_REMOTEFS = "RemoteFSSnapDriverBase"

_CINDER = {
    ("volume.drivers.remotefs", f"{_REMOTEFS}._create_snapshot"): (
        "the info file, the attachment and the formats are written after Nova",
        "CRE-003 CRE-007 FMT-003 HKS-004 LAY-002 UPD-002",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._create_snapshot_online"): (
        "a create waits for progress 90% and at most 600 s",
        "ERR-004 ERR-005 REP-001 REP-005 REP-009",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._do_create_snapshot"): (
        "how an overlay is made, and in which format its backing file",
        "CRE-001 CRE-002 CRE-006 CRE-007 HKS-007 SEC-016",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._delete_snapshot"): (
        "what is merged into what, and in which order it is recorded",
        "CRH-002 DAT-002 DEL-001 DEL-002 DEL-005 DEL-013 FMT-001",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._delete_snapshot_online"): (
        "the request to merge, and base_format before it",
        "DAT-003 DEL-003 DEL-006 REP-007 UPD-004 UPD-005",
    ),
    (
        "volume.drivers.remotefs",
        f"{_REMOTEFS}._nova_assisted_vol_snap_delete",
    ): (
        "a delete waits for progress 90% and at most 7200 s",
        "DEL-005 REP-002 REP-006 REP-009",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._delete_stale_snapshot"): (
        "a file without a backing file is removed",
        "DEL-005 SEC-002",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._write_info_file"): (
        "the info file is truncated and written in place",
        "LAY-003",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._read_info_file"): (
        "a missing info file means no snapshots",
        "LAY-005 SEC-002 SEC-003 SEC-011",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._qemu_img_info_base"): (
        "which names a header may have as its backing file",
        "SEC-001 SEC-005 SEC-006",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._img_commit"): (
        "how an overlay is merged, and that it is removed at once",
        "CRH-002 ENC-003 HKS-007",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._rebase_img"): (
        "how an overlay is put on another image",
        "DAT-002 HKS-007",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._create_cloned_volume"): (
        "a clone is a copy of a temporary snapshot",
        "ABL-003 ABL-004 CAL-008",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}.get_active_image_from_info"): (
        "which image is in use",
        "CON-004 LAY-001",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._get_new_snap_path"): (
        "how an overlay is named",
        "LAY-004 UPD-003",
    ),
    ("volume.drivers.nfs", "NfsDriver.initialize_connection"): (
        "which image an attachment is told of, and what is looked at before",
        "CON-001 CON-003 FMT-004 SEC-009 SEC-014",
    ),
    ("volume.drivers.nfs", "NfsDriver._copy_volume_from_snapshot"): (
        "how a volume is made from a snapshot",
        "ABL-002 ABL-005 DAT-005",
    ),
    ("volume.drivers.nfs", "NfsDriver.extend_volume"): (
        "which image is resized, and when that is refused",
        "ABL-006 ABL-007",
    ),
    ("volume.drivers.nfs", "NfsDriver.delete_volume"): (
        "which files of a volume are removed",
        "CAL-007",
    ),
    (
        "api.contrib.snapshot_actions",
        "SnapshotActionsController._update_snapshot_status",
    ): (
        "which reports are taken in which status",
        "REP-001 REP-002 REP-003 REP-004 REP-009",
    ),
    ("api.schemas.snapshot_actions", "update_snapshot_status"): (
        "the fields of a report",
        "REP-003 REP-004",
    ),
    ("api.validation.validators", "_validate_progress"): (
        "what counts as a progress",
        "REP-003 UPD-001 UPD-007",
    ),
    ("volume.manager", "VolumeManager.create_snapshot"): (
        "what becomes of a snapshot's status when it was taken, or not",
        "ERR-002 REP-001",
    ),
    ("volume.manager", "VolumeManager.delete_snapshot"): (
        "what becomes of a snapshot's status when it is deleted, or busy",
        "ERR-003 REP-002",
    ),
    ("volume.manager", "VolumeManager._revert_to_snapshot_generic"): (
        "a driver without revert_to_snapshot is reverted by copying",
        "ABL-008",
    ),
    ("volume.driver", "BaseVD.snapshot_revert_use_temp_snapshot"): (
        "whether a snapshot is taken before a revert",
        "ABL-008",
    ),
}

_NOVA = {
    ("virt.libvirt.driver", "LibvirtDriver.volume_snapshot_create"): (
        "the report of a create, and the connection read again after it",
        "CRE-003 REP-001 REP-005",
    ),
    ("virt.libvirt.driver", "LibvirtDriver._volume_snapshot_create"): (
        "how a guest is switched to an overlay",
        "CRE-001 CRE-006",
    ),
    ("virt.libvirt.driver", "LibvirtDriver.volume_snapshot_delete"): (
        "the report of a delete",
        "REP-002 REP-006",
    ),
    ("virt.libvirt.driver", "LibvirtDriver._volume_snapshot_delete"): (
        "commit, pull and the rebase of a stopped guest",
        "DAT-003 DEL-003 DEL-006",
    ),
    ("virt.libvirt.driver", "LibvirtDriver._volume_refresh_connection_info"): (
        "when the connection is read again",
        "CON-001 CRE-003",
    ),
    (
        "virt.libvirt.driver",
        "LibvirtDriver._volume_snapshot_update_status",
    ): (
        "a report that fails is logged and forgotten",
        "DEL-005 ERR-004 REP-009",
    ),
    ("virt.libvirt.guest", "BlockDevice.is_job_complete"): (
        "a job that is gone counts as done",
        "DEL-003",
    ),
    ("volume.cinder", "API.update_snapshot_status"): (
        "every report has progress 90%",
        "REP-001 REP-002 REP-005 REP-006",
    ),
    ("compute.api", "API.volume_snapshot_create"): (
        "in which states of an instance a create is refused",
        "ERR-002 ERR-009",
    ),
    ("compute.api", "API.volume_snapshot_delete"): (
        "in which states of an instance a delete is refused",
        "ERR-003 ERR-009",
    ),
    (
        "api.openstack.compute.assisted_volume_snapshots",
        "AssistedVolumeSnapshotsController.create",
    ): (
        "how a create is refused",
        "ERR-002",
    ),
    (
        "api.openstack.compute.assisted_volume_snapshots",
        "AssistedVolumeSnapshotsController.delete",
    ): (
        "how a delete is refused",
        "ERR-003",
    ),
    (
        "api.openstack.compute.schemas.assisted_volume_snapshots",
        "create",
    ): (
        "the fields of a request to create",
        "UPD-002 UPD-003",
    ),
}


def symbols(package: str) -> Iterator[Symbol]:
    """What the rules rest on in ``cinder`` or ``nova``."""
    found = {"cinder": _CINDER, "nova": _NOVA}[package]
    for (module, name), (meaning, rules) in found.items():
        yield Symbol(package, module, name, meaning, tuple(rules.split()))
