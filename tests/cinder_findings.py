# SPDX-License-Identifier: Apache-2.0
"""What the suite finds wrong with Cinder 29's NfsDriver, rule by rule."""

from __future__ import annotations

from collections.abc import Mapping

NFS_DRIVER = "cinder.volume.drivers.nfs:NfsDriver"

FINDINGS: Mapping[str, str] = {
    "CRE-002": "LIVE-7: the overlay's backing format is probed: a raw volume "
    "that holds a qcow2 image is backed as qcow2",
    "DEL-003": "LIVE-3: a report of done is not verified on disk; the file "
    "is removed though nothing was merged",
    "DEL-005": "a delete that was carried out after its time-out fails for "
    "ever, or merges and removes a file that another snapshot needs",
    "DEL-006": "LIVE-14: the header that a stopped guest's merge wrote is "
    "not looked at",
    "ERR-004": "LIVE-11: after an error or a time-out the guest's overlay "
    "is recorded nowhere, and the next connection uses the old image",
    "ERR-005": "LIVE-17: the overlay of a failed create stays where it is, "
    "with what the guest has written to it",
    "REP-005": "LIVE-17: as ERR-005, with an error report of any wording",
    "REP-007": "LIVE-8: base_format is saved before Nova is called",
    "REP-009": "LIVE-17 for the create; for the delete as DEL-005",
    "SEC-002": "whatever the info file names is removed when it has no "
    "backing file, a file of another volume or outside the share included",
    "SEC-003": "an info file that holds an empty object or list is taken for "
    "no snapshots, and the base image is attached",
}
"""Rule that it fails to the defect behind it, as it is known."""
