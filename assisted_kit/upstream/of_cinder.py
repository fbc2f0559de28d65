# SPDX-License-Identifier: Apache-2.0
"""What of Cinder the rules rest on: what was read there, and which rules."""

from __future__ import annotations

from collections.abc import Mapping

_REMOTEFS = "RemoteFSSnapDriverBase"

CINDER: Mapping[tuple[str, str], tuple[str, str]] = {
    ("volume.drivers.remotefs", f"{_REMOTEFS}._create_snapshot"): (
        "the info file, the attachment and the formats are written after Nova",
        "CRE-003 CRE-007 FMT-003 HKS-004 LAY-002 UPD-002",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._create_snapshot_online"): (
        "a create waits for progress 90% and at most 600 s",
        "DEL-010 ERR-004 ERR-005 REP-001 REP-005 REP-009",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._do_create_snapshot"): (
        "how an overlay is made, and in which format its backing file",
        "CRE-001 CRE-002 CRE-006 CRE-007 HKS-007 SEC-007 SEC-008 SEC-016",
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
        "CON-001 CON-003 FMT-004 SEC-009 SEC-010 SEC-014",
    ),
    ("volume.drivers.nfs", "NfsDriver._copy_volume_from_snapshot"): (
        "how a volume is made from a snapshot",
        "ABL-002 ABL-005 ABL-015 DAT-005",
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
    ("volume.drivers.remotefs", f"{_REMOTEFS}._create_volume_from_snapshot"): (
        "which snapshots are copied, and what a copy is told",
        "ABL-001 ABL-002 CAL-008",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._get_higher_image_path"): (
        "what is on a snapshot's overlay",
        "DEL-001 DEL-002",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._get_snapshot_backing_file"): (
        "what a snapshot's overlay is on",
        "ABL-001",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._is_volume_attached"): (
        "by what a volume counts as attached",
        "CAL-002 UPD-006 UPD-014",
    ),
    ("volume.drivers.remotefs", f"{_REMOTEFS}._revert_to_snapshot"): (
        "there is no revert of the driver's own",
        "ABL-008",
    ),
    (
        "volume.drivers.remotefs",
        f"{_REMOTEFS}.snapshot_revert_use_temp_snapshot",
    ): (
        "no snapshot is taken before a revert",
        "ABL-008",
    ),
    ("volume.drivers.remotefs", "RemoteFSDriver._do_create_volume"): (
        "how a volume is made, and which format is recorded",
        "ABL-004 ENC-001 FMT-003 LAY-009",
    ),
    ("volume.drivers.remotefs", "RemoteFSDriver._create_sparsed_file"): (
        "a file that is there becomes the volume's",
        "LAY-009",
    ),
    (
        "volume.drivers.remotefs",
        "RemoteFSSnapDriverDistributed.create_snapshot",
    ): (
        "the lock of a create",
        "CCY-001 HKS-005",
    ),
    (
        "volume.drivers.remotefs",
        "RemoteFSSnapDriverDistributed.delete_snapshot",
    ): (
        "the lock of a delete",
        "CCY-001 HKS-005",
    ),
    (
        "volume.drivers.remotefs",
        "RemoteFSSnapDriverDistributed.create_volume_from_snapshot",
    ): (
        "the lock of a copy, which is the new volume's",
        "ABL-001 CCY-001",
    ),
    (
        "volume.drivers.remotefs",
        "RemoteFSSnapDriverDistributed.extend_volume",
    ): (
        "the lock of an extend",
        "ABL-006 ABL-010",
    ),
    ("volume.drivers.nfs", "NfsDriver.create_snapshot"): (
        "the lock of a create, and what its name loads",
        "CCY-001 UPD-006",
    ),
    ("volume.drivers.quobyte", "QuobyteDriver.create_snapshot"): (
        "one lock for all volumes of the service",
        "CCY-001 CON-001 HKS-005",
    ),
    ("volume.drivers.quobyte", "QuobyteDriver.initialize_connection"): (
        "which image an attachment is told of",
        "CON-001 SEC-001 SEC-004 SEC-011 SEC-015",
    ),
    ("volume.drivers.quobyte", "QuobyteDriver.ensure_volume_format"): (
        "which format an attachment is told of",
        "CON-004 FMT-004",
    ),
    ("volume.drivers.quobyte", "QuobyteDriver.extend_volume"): (
        "an image is resized in the format that it looks like",
        "ABL-012 HKS-007",
    ),
    ("volume.drivers.quobyte", "QuobyteDriver.delete_volume"): (
        "which files of a volume are removed",
        "CAL-007 SEC-002",
    ),
    ("volume.drivers.quobyte", "QuobyteDriver.create_volume_from_snapshot"): (
        "the lock of a copy",
        "ABL-001 CCY-001",
    ),
    ("volume.drivers.quobyte", "QuobyteDriver._create_volume_from_snapshot"): (
        "which snapshots are copied, and what a copy is told",
        "ABL-014 CAL-008",
    ),
    ("volume.drivers.quobyte", "QuobyteDriver._copy_volume_from_snapshot"): (
        "how a volume is made from a snapshot",
        "ABL-003 ABL-005 ABL-015",
    ),
    ("volume.drivers.vzstorage", "VZStorageDriver.get_volume_format"): (
        "a raw volume's format is iso",
        "CON-003 CON-006 LAY-009",
    ),
    ("volume.drivers.vzstorage", "VZStorageDriver.initialize_connection"): (
        "which image an attachment is told of",
        "CON-003 FMT-004 SEC-004 SEC-011 SEC-015",
    ),
    ("volume.drivers.vzstorage", "VZStorageDriver._do_create_volume"): (
        "no format is recorded for a new volume",
        "ABL-003 CAL-001 CCY-001 DAT-001",
    ),
    ("volume.drivers.vzstorage", "VZStorageDriver._do_extend_volume"): (
        "an image is resized in the format that it looks like",
        "ABL-012 HKS-007",
    ),
    ("volume.drivers.vzstorage", "VZStorageDriver.delete_volume"): (
        "which files of a volume are removed",
        "CAL-007 SEC-002",
    ),
    ("volume.drivers.vzstorage", "VZStorageDriver._delete_snapshot_qcow2"): (
        "what is kept of images beside them, and what is on an overlay",
        "DEL-001 DEL-002",
    ),
    (
        "volume.drivers.vzstorage",
        "VZStorageDriver._copy_volume_from_snapshot",
    ): (
        "how a volume is made from a snapshot",
        "ABL-001 ABL-003",
    ),
    ("policies.snapshot_actions", "snapshot_actions_policies"): (
        "who may report",
        "FLT-002 REP-001",
    ),
    ("objects.fields", "SnapshotStatus"): (
        "the names of the statuses",
        "REP-001 REP-002 REP-006",
    ),
    ("volume.api", "API.delete_snapshot"): (
        "from which statuses a snapshot is deleted, and what is not reset",
        "REP-003 REP-009",
    ),
    ("interface.base", "_get_method_info"): (
        "what of a driver's interface is checked",
        "SIG-001 SIG-002",
    ),
}
