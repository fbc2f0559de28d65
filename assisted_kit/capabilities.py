# SPDX-License-Identifier: Apache-2.0
"""Optional abilities of drivers: one name, one sentence, one default each.

A driver declares what it can do in ``assisted_capabilities``, or its
configuration file does.  A rule for an ability that is not declared is
skipped, and the result says so.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable

from assisted_kit.errors import AssistedKitError


class Capability(enum.Enum):
    """An optional ability; the value is its sentence and its default."""

    overlay_files = (
        "Snapshots are qcow2 overlays that the compute service switches the "
        "guest to (contract section 3).",
        True,
    )
    cinder_share_layout = (
        "Overlays and the info file are named as Cinder has them on disk "
        "(contract section 3).",
        False,
    )
    raw_base = ("A new volume's base image can be raw.", True)
    qcow2_base = ("A new volume's base image can be qcow2.", False)
    create_from_snapshot = (
        "A volume can be created from a snapshot at any position.",
        True,
    )
    clone = ("A detached volume can be cloned.", True)
    cascade = (
        "The snapshots of a volume can be deleted in any order while the "
        "volume is being deleted.",
        True,
    )
    extend_with_snapshots = (
        "A detached volume that has snapshots can be extended.",
        False,
    )
    revert = (
        "A detached volume can be reverted to its newest snapshot.",
        False,
    )
    upload = ("A detached volume can be uploaded as an image.", False)
    encryption = ("Encrypted volumes can be created and snapshotted.", False)

    @property
    def sentence(self) -> str:
        """What the driver can do."""
        return self.value[0]

    @property
    def default(self) -> bool:
        """Whether a driver that declares nothing is taken to have it."""
        return self.value[1]


class UnknownCapability(AssistedKitError):
    """A capability that the kit does not know."""


DEFAULT = frozenset(c for c in Capability if c.default)
"""What a driver that declares nothing is taken to have."""


def parse(names: Iterable[str]) -> frozenset[Capability]:
    """The capabilities of these names.

    :raises UnknownCapability: naming it, and those that there are; or they
        are one string.
    """
    if isinstance(names, str):
        raise UnknownCapability(
            f"{names!r} is a string: capabilities are a set of names, as in "
            f"{{{names!r}}}"
        )
    found = set()
    for name in names:
        try:
            found.add(Capability[name])
        except KeyError as error:
            raise UnknownCapability(
                f"unknown capability {name!r}; there are "
                f"{', '.join(c.name for c in Capability)}"
            ) from error
    return frozenset(found)
