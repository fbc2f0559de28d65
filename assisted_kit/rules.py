# SPDX-License-Identifier: Apache-2.0
"""What a conformance rule is."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from assisted_kit.capabilities import Capability


class Level(enum.StrEnum):
    """RFC 2119's words; only MUST rules decide a verdict."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Profile(enum.StrEnum):
    """How the volume manager drives a driver (contract section 1)."""

    ASSISTED = "assisted"
    """By the four hooks."""
    LEGACY = "legacy"
    """By ``create_snapshot`` and ``delete_snapshot``, as it always did."""


HOOKS_ONLY = (Profile.ASSISTED,)
EVERY_DRIVER = (Profile.ASSISTED, Profile.LEGACY)


@dataclass(frozen=True, slots=True)
class Rule:
    """One claim about a driver, with where it comes from."""

    id: str
    level: Level
    sentence: str
    """What holds of a conforming driver."""
    reason: str
    """What goes wrong for users of a driver of which it does not hold."""
    section: str
    """The section of the contract that says it."""
    sources: tuple[str, ...] = ()
    """The bugs and CVEs behind it."""
    requires: tuple[Capability, ...] = ()
    """Capabilities without which the rule does not apply."""
    profiles: tuple[Profile, ...] = HOOKS_ONLY
    """The kinds of drivers of which the contract says it."""
