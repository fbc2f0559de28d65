# SPDX-License-Identifier: Apache-2.0
"""What the suite finds wrong with Cinder 29's NfsDriver, rule by rule."""

from __future__ import annotations

from collections.abc import Mapping

NFS_DRIVER = "cinder.volume.drivers.nfs:NfsDriver"

FINDINGS: Mapping[str, str] = {
    "ABL-004": "LIVE-7: as CRE-002, of a clone's first snapshot",
    "ABL-005": "a copy is made by a snapshot whose backing file's format is "
    "probed (nfs.py:734); for a clone LIVE-7 as well",
    "ABL-015": "the size that was asked of a copy is not looked at "
    "(nfs.py:740)",
    "CAL-007": "LIVE-17: only the active image and the info file are removed "
    "(nfs.py:614), and orphans stay",
    "CRE-002": "LIVE-7: the overlay's backing format is probed: a raw volume "
    "that holds a qcow2 image is backed as qcow2",
    "CRE-007": "LIVE-7: as CRE-002",
    "DEL-003": "LIVE-3: a report of done is not verified on disk; the file is "
    "removed though nothing was merged",
    "DEL-005": "a delete that was carried out after its time-out fails for "
    "ever, or merges and removes a file that another snapshot needs",
    "DEL-006": "LIVE-14: the header that a stopped guest's merge wrote is not "
    "looked at",
    "DEL-010": "LIVE-17: nobody looks for the overlay of a refused create, "
    "and the file that it is on is removed",
    "DEL-013": "LIVE-7: the format of what is below is probed before the "
    "overlay above is put on it (remotefs.py:1531)",
    "ENC-001": "an encrypted image is recorded as what others are "
    "(remotefs.py:335), so that a guest gets it as raw",
    "ERR-004": "LIVE-11: after an error or a time-out the guest's overlay is "
    "recorded nowhere, and the next connection uses the old image",
    "ERR-005": "LIVE-17: the overlay of a failed create stays where it is, "
    "with what the guest has written to it",
    "FMT-003": "LIVE-6: without a recorded format create raises KeyError when "
    "all else is done (remotefs.py:1873)",
    "FMT-004": "without a recorded format initialize_connection and create "
    "take what the image looks like (nfs.py:163, remotefs.py:1597)",
    "HKS-007": "LIVE-7, and qemu-img commit and rebase are not told the "
    "format of the overlay (remotefs.py:947 and 970)",
    "LAY-003": "the info file is truncated and written in place "
    "(remotefs.py:852)",
    "LAY-005": "a missing info file always means no snapshots: "
    "initialize_connection and create take the base image, delete does "
    "nothing (remotefs.py:984, 1135 and 1307)",
    "LAY-009": "truncate leaves what a file of that name held "
    "(remotefs.py:420), and an info file of that name is taken for the new "
    "volume's",
    "REP-005": "LIVE-17: as ERR-005, with an error report of any wording",
    "REP-007": "LIVE-8: base_format is saved before Nova is called",
    "REP-009": "LIVE-17 for the create; for the delete as DEL-005",
    "SEC-001": "initialize_connection looks at the header of the active image "
    "alone, and not at those below it (nfs.py:163)",
    "SEC-002": "whatever the info file names is removed when it has no "
    "backing file, a file of another volume or outside the share included, "
    "and with the volume whatever it names as active (nfs.py:609)",
    "SEC-003": "an info file that holds an empty object or list is taken for "
    "no snapshots, and the base image is attached",
    "SEC-004": "a link is followed (remotefs.py:1322 and 1597, nfs.py:163), "
    "and whoever opens a FIFO to inspect it waits for good "
    "(format_inspector.py:921)",
    "SEC-005": "as SEC-001",
    "SEC-006": "as SEC-001",
    "SEC-007": "LIVE-7: base_format is not compared with any header",
    "SEC-008": "LIVE-7: create takes the active image for what it looks like, "
    "not for what was recorded; as SEC-001 for the connection",
    "SEC-009": "only initialize_connection compares a virtual size with the "
    "volume's, and only the active image's (nfs.py:182)",
    "SEC-010": "create has qemu-img open the chain, a loop of it until there "
    "is no descriptor or no memory left (remotefs.py:1610); as SEC-001 for a "
    "missing backing file",
    "SEC-011": "initialize_connection takes whatever name the info file has "
    "(remotefs.py:1140)",
    "SEC-014": "as SEC-001, and initialize_connection takes whatever "
    "qemu-img info makes something of (nfs.py:163)",
    "SEC-015": "as SEC-004: a link to a file outside is followed, and the "
    "file is read",
}
"""Rule that it fails to the defect behind it, as it is known."""
