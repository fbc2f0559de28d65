# SPDX-License-Identifier: Apache-2.0
"""What of Nova the rules rest on: what was read there, and which rules."""

from __future__ import annotations

from collections.abc import Mapping

NOVA: Mapping[tuple[str, str], tuple[str, str]] = {
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
