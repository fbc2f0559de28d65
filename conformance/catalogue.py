# SPDX-License-Identifier: Apache-2.0
"""The rules, in the order in which they are reported.

Each says what holds of a conforming driver, and nothing that the contract
does not say.
"""

from __future__ import annotations

from collections.abc import Mapping

from assisted_kit.capabilities import Capability
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
LAYOUT = (Capability.cinder_share_layout,)

INTERFACE = (
    Rule(
        "SIG-001",
        MUST,
        "The four hooks exist, and each can be called with exactly one "
        "positional argument.",
        "Overrides whose signature drifted failed with TypeError in one "
        "driver only, at the first snapshot in production.",
        "section 1",
        ("bug 2042102", "bug 1437290"),
    ),
    Rule(
        "SIG-002",
        MUST,
        "supports_assisted_snapshots is a bool, and true.",
        "The manager decides by it whether it calls the hooks at all; a "
        "method or a string there is always true.",
        "section 1",
    ),
)

UPDATES = (
    Rule(
        "UPD-001",
        MUST,
        "What a hook returns is None or a model update in which every key "
        "and value is a driver's to set.",
        "Keys that nobody knows were dropped silently, and a status set by "
        "a driver broke the manager's state machine.",
        "section 2",
        ("bug 1487952",),
    ),
    Rule(
        "UPD-002",
        MUST,
        "Of an attached volume, create begin requests that the compute "
        "service switch to a new overlay.",
        "Without the request the guest goes on writing into the image that "
        "has become the snapshot's data. Four drivers lost it by a wrapper "
        "that returned nothing.",
        "section 2, the compute request",
        ("bug 1437271", "bug 1441050", "bug 1674611", "commit fb48a1fe6"),
    ),
    Rule(
        "UPD-003",
        MUST,
        "The overlay that create begin requests is on disk, beside the "
        "active image.",
        "Nova looks for it in the active image's directory; anywhere else "
        "the snapshot fails after the guest was quiesced.",
        "section 2, the compute request",
        ("bug 1421550",),
    ),
    Rule(
        "UPD-004",
        MUST,
        "Deleting a snapshot whose overlay is not active, of an attached "
        "volume, requests the commit of its overlay into the overlay's "
        "backing file.",
        "A commit of another file, or into another one, changes what the "
        "remaining snapshots hold.",
        "section 3, deleting",
        ("bug 1468445",),
        LAYOUT,
    ),
    Rule(
        "UPD-005",
        MUST,
        "Deleting the snapshot whose overlay is active, of an attached "
        "volume, requests a pull down to the backing file of the "
        "overlay's backing file, or of everything when there is none.",
        "With another name the compute service pulls too little, and the "
        "file that is removed afterwards is still needed.",
        "section 3, deleting",
        ("bug 1262880",),
        LAYOUT,
    ),
    Rule(
        "UPD-006",
        MUST,
        "Of a detached volume, begin requests nothing.",
        "There is no guest to switch: the compute service would refuse, "
        "and the operation fail.",
        "section 9, detached volumes",
    ),
)

CREATE = (
    Rule(
        "CRE-001",
        MUST,
        "An overlay is qcow2, as large as the volume, and names the image "
        "that was active by its bare name, with its recorded format.",
        "A wrong size cuts the guest's disk off; an absolute name breaks "
        "the next delete; without a format the backing file is probed.",
        "section 3",
        ("bug 1438027", "bug 2119353", "bug 2138330"),
    ),
    Rule(
        "CRE-002",
        MUST,
        "A raw volume whose guest wrote a qcow2 header is still raw.",
        "Whoever probes lets the guest name any file of the host as its "
        "backing file.",
        "section 3",
        ("bug 2073146", "bug 1524274", "CVE-2015-7548"),
    ),
    Rule(
        "CRE-003",
        MUST,
        "When a snapshot of an attached volume is available, the "
        "attachment names the overlay, as qcow2.",
        "A guest that is restarted from stale connection information "
        "writes to the image that is the snapshot's data, or opens qcow2 "
        "as raw and does not boot.",
        "section 4",
        ("bug 1860913", "bug 1989514"),
    ),
    Rule(
        "CRE-004",
        MUST,
        "Create begin, called again after a crash, finishes the job with "
        "the same result.",
        "A service that restarts in the middle leaves snapshots that "
        "nobody can complete or delete.",
        "section 4",
        ("bug 1310526",),
    ),
    Rule(
        "CRE-005",
        MUST,
        "An overlay that the compute service was told of is never made anew.",
        "It may be what the guest writes to; truncated, all of it is gone.",
        "section 2, the compute request",
        ("bug 1310526",),
    ),
)

DELETE = (
    Rule(
        "DEL-001",
        MUST,
        "Deleting a snapshot that has neither a record nor a file "
        "succeeds, without a request, as often as it is asked.",
        "Snapshots that failed to be created could never be deleted.",
        "section 3, deleting",
        ("bug 1252864", "bug 1651817"),
    ),
    Rule(
        "DEL-002",
        MUST,
        "When a snapshot is deleted, the file that is no longer needed is "
        "gone from the share.",
        "Orphans fill the share, and survive the volume.",
        "section 3, deleting",
        ("bug 1300303",),
        LAYOUT,
    ),
    Rule(
        "DEL-003",
        MUST,
        "When done is reported, but the file to be removed is still in "
        "the chain, complete raises and files stay.",
        "Nova takes a job that it cannot find for one that succeeded; who "
        "believes it removes the guest's data.",
        "section 5",
        ("bug 1530275", "bug 1627134", "bug 1643017"),
    ),
    Rule(
        "DEL-004",
        MUST,
        "Delete complete, called again after a crash, finishes the job "
        "with the same result.",
        "A service that restarts in the middle leaves snapshots that "
        "nobody can complete or delete.",
        "section 4",
        ("bug 1586604",),
    ),
    Rule(
        "DEL-005",
        MUST,
        "A delete that the compute service carried out and never reported "
        "converges when it is repeated, and merges nothing again.",
        "The retry merged the wrong file, or failed for ever.",
        "section 3, deleting",
        ("bug 1311182",),
    ),
    Rule(
        "DEL-006",
        MUST,
        "When done is reported, but the new header names another format "
        "than recorded, complete raises and files stay.",
        "Nova merges under a stopped guest by a command that probes: a raw "
        "image whose guest wrote a qcow2 header is read as qcow2 then.",
        "section 5",
        ("bug 2073146", "CVE-2015-7548"),
    ),
)

DATA = (
    Rule(
        "DAT-001",
        MUST,
        "Taking a snapshot changes no byte of the volume or of any "
        "snapshot, at any depth.",
        "What a guest wrote and was told is durable must stay readable.",
        "section 5",
        ("bug 1251425",),
    ),
    Rule(
        "DAT-002",
        MUST,
        "Deleting a snapshot of a detached volume, at any position, "
        "changes no byte of the volume or of any other snapshot.",
        "Deleting the first snapshot silently changed what the second one "
        "held.",
        "section 5",
        ("bug 1468445",),
    ),
    Rule(
        "DAT-003",
        MUST,
        "Deleting a snapshot of an attached volume, at any position, "
        "changes no byte of the volume or of any other snapshot.",
        "What was merged, removed or recorded wrongly shows when the guest "
        "is restarted, or the snapshot is used.",
        "section 5",
        ("bug 1262880", "bug 1438027"),
    ),
    Rule(
        "DAT-004",
        MUST,
        "Snapshots taken, deleted and taken again, while the guest comes "
        "and goes, keep every byte.",
        "Recorded formats and files that are right after one operation "
        "lead the next one astray.",
        "section 5",
        ("bug 1860913", "commit 8c03308ed"),
    ),
    Rule(
        "DAT-005",
        MUST,
        "A volume created from a snapshot holds what was there when the "
        "snapshot was taken, at any depth.",
        "The copy held what the guest wrote later, or failed from the "
        "second snapshot on.",
        "section 5",
        ("bug 1222907", "bug 2074377"),
        (Capability.create_from_snapshot,),
    ),
)

ERRORS = (
    Rule(
        "ERR-001",
        MUST,
        "Of a volume with more than one attachment, begin raises before "
        "it makes a file.",
        "The compute service refuses such a volume; the overlay was left "
        "behind, or one attachment of two was switched.",
        "section 1",
        ("bug 1528548", "bug 1533834"),
    ),
    Rule(
        "ERR-002",
        MUST,
        "When the compute service refuses a create, the active image and "
        "the info file are as before, and another snapshot can be taken.",
        "A retry failed on the file that was there already, and the next "
        "attachment used an overlay that nobody had switched to.",
        "section 5",
        ("bug 1713735", "bug 1657585"),
    ),
    Rule(
        "ERR-003",
        MUST,
        "When the compute service refuses a delete, the active image and "
        "the info file are as before, and a retry works.",
        "The info file had lost the snapshot whose file was in the chain "
        "still; formats were recorded that nothing had.",
        "section 5",
        ("bug 1919487",),
    ),
    Rule(
        "ERR-004",
        MUST,
        "A guest that was switched to the overlay, although nobody ever "
        "reported it, keeps every byte through a restart.",
        "The next attachment used the old image, and what the guest had "
        "written since was lost without a word.",
        "section 5",
        ("bug 1759473", "bug 1310526"),
    ),
    Rule(
        "ERR-005",
        MUST,
        "Deleting a snapshot whose create was never reported, or reported "
        "to have failed, keeps every byte that the guest wrote.",
        "The overlay was removed with what the guest had written to it, "
        "or the guest stayed on a file that nobody recorded.",
        "section 5",
        ("bug 1310526", "bug 1629371"),
    ),
    Rule(
        "ERR-006",
        MUST,
        "While a create is pending, another snapshot is refused and "
        "nothing is changed.",
        "The new overlay was put on an image that the guest may have left, "
        "and the chain forked.",
        "section 5",
        ("bug 1311182",),
    ),
)

SECURITY = (
    Rule(
        "SEC-001",
        MUST,
        "A chain in which a header names a foreign backing file is "
        "refused, and nothing is changed.",
        "A guest that can write a header reads any file of the host.",
        "section 8",
        ("CVE-2014-3641", "bug 1350504"),
        LAYOUT,
    ),
    Rule(
        "SEC-002",
        MUST,
        "An info file that names a file outside the volume is refused, "
        "and that file is left alone.",
        "Info files are on a share that others can write; a name from one "
        "was removed, or attached, as it stood.",
        "section 8",
        requires=LAYOUT,
    ),
    Rule(
        "SEC-003",
        MUST,
        "A damaged info file is an error, and never taken for no snapshots.",
        "An empty info file, as a crash leaves it, made the base image "
        "active again: everything since the first snapshot was gone.",
        "section 3",
        ("commit 792da5dbb",),
        LAYOUT,
    ),
)

RULES: tuple[Rule, ...] = (
    *INTERFACE,
    *UPDATES,
    *CREATE,
    *DELETE,
    *DATA,
    *ERRORS,
    *SECURITY,
)
"""Every rule."""

BY_ID: Mapping[str, Rule] = {rule.id: rule for rule in RULES}
