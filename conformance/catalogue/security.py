# SPDX-License-Identifier: Apache-2.0
"""Nothing that was read from a share is trusted."""

from __future__ import annotations

from assisted_kit.capabilities import Capability
from assisted_kit.rules import EVERY_DRIVER
from assisted_kit.rules import Level
from assisted_kit.rules import Rule

MUST = Level.MUST
OVERLAYS = (Capability.overlay_files,)
LAYOUT = (Capability.cinder_share_layout,)

RULES = (
    Rule(
        "SEC-001",
        MUST,
        "A chain in which a header names a foreign backing file is "
        "refused, and nothing is changed.",
        "A guest that can write a header reads any file of the host.",
        "section 8",
        ("CVE-2014-3641", "CVE-2015-1851", "bug 1350504"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-002",
        MUST,
        "An info file that names a file outside the volume is refused, "
        "and that file is left alone.",
        "Info files are on a share that others can write; a name from one "
        "was removed, or attached, as it stood.",
        "section 8",
        ("Cinder 29, _delete_snapshot",),
        requires=LAYOUT,
        profiles=EVERY_DRIVER,
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
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-004",
        MUST,
        "A link or a FIFO in place of an image is refused, and the call "
        "returns.",
        "A link makes a file outside the volume its image; a FIFO stops "
        "whoever opens it, and with it the volume service.",
        "section 8",
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-005",
        MUST,
        "An image whose data is in an external file is refused, and nothing "
        "is changed.",
        "A guest that can write a header reads any file of the host, and "
        "writes to it.",
        "section 8",
        ("bug 2059809", "CVE-2024-32498"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-006",
        MUST,
        "A header that gives its backing file any other format than raw or "
        "qcow2 is refused, and nothing is changed.",
        "Formats such as VMDK name further files, which nobody validates.",
        "section 3",
        ("bug 1996188", "CVE-2022-47951"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-007",
        MUST,
        "A header that says qcow2 of a base image that was recorded as raw "
        "is refused, and nothing is changed.",
        "The base image's guest wrote a header of its own there, and names "
        "in it what it likes.",
        "section 3",
        ("bug 2071734", "CVE-2024-40767"),
        requires=(Capability.overlay_files, Capability.raw_base),
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-008",
        MUST,
        "An image that was recorded as qcow2 and is something else is "
        "refused, and nothing is changed.",
        "A descriptor of another format, put in its place, names any file "
        "of the host.",
        "section 8",
        (
            "bug 2071734",
            "CVE-2024-40767",
            "bug 1996188",
        ),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-009",
        MUST,
        "An image whose virtual size is beyond the volume's is refused, and "
        "nothing is changed.",
        "A guest that can write a header has a larger disk than it pays "
        "for, and fills the share.",
        "section 8",
        ("bug 2059809", "bug 2073146"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-010",
        MUST,
        "A chain that has a loop, or lacks a backing file, is refused, and "
        "nothing is changed.",
        "Who follows a loop never comes to an end; who makes the best of "
        "what is left of a chain loses the rest.",
        "section 8",
        ("bug 1224030",),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-011",
        MUST,
        "An info file whose active image is not one of the volume's own "
        "files is refused, and nothing is changed.",
        "The guest is attached to whatever file somebody wrote there.",
        "section 8",
        ("Cinder 29, _delete_snapshot",),
        requires=LAYOUT,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-012",
        MUST,
        "A foreign name from an info file or a header never reaches a "
        "command.",
        "As an option it changes what the command does; as a pseudo-file "
        "such as json: or nbd: it opens what its author likes.",
        "section 8",
        ("bug 2073275", "CVE-2024-4467"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-013",
        MUST,
        "An absolute name of an own file in the volume's directory counts "
        "as its bare name.",
        "Nova has written such names under stopped guests; who refuses them "
        "can neither attach nor delete what is in the field.",
        "section 3",
        ("bug 2103742", "bug 2119353"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-014",
        MUST,
        "An image whose header contradicts itself, is cut off, lies about a "
        "length or has features that nobody knows is refused, and nothing "
        "is changed.",
        "Who goes on all the same reads what the author of the header "
        "likes, or takes all memory for a table that is not there.",
        "section 8",
        ("CVE-2014-0144", "CVE-2014-0146", "CVE-2015-5162"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-015",
        MUST,
        "No file outside the share is opened and nobody is connected to, "
        "whatever an image or an info file names.",
        "Names are validated before a file is opened through them: a driver "
        "that has a command look first has opened what it then refuses.",
        "section 8",
        ("CVE-2014-3641", "CVE-2024-4467", "CVE-2024-32498"),
        requires=OVERLAYS,
        profiles=EVERY_DRIVER,
    ),
    Rule(
        "SEC-016",
        MUST,
        "An image that is replaced while a snapshot operation is under way "
        "leads nothing outside the share: no file is opened, nobody is "
        "connected to.",
        "A share is written by others at any time, and what begin has "
        "validated is not what complete finds.",
        "section 8",
        ("CVE-2024-32498",),
        requires=OVERLAYS,
    ),
)
