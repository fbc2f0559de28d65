# SPDX-License-Identifier: Apache-2.0
"""What is said of a defect that the field has had."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect of Cinder, Nova or QEMU, and what becomes of it here.

    It has rules that a driver with the defect fails, or a reason why no
    rule can be about it, or both where only a part of it is a driver's.
    """

    sources: tuple[str, ...]
    """Where it can be looked up: Launchpad bugs, CVEs, commits of Cinder
    or Nova, and LIVE-n, those that Cinder 29 still has."""
    sentence: str
    """What went wrong."""
    rules: tuple[str, ...] = ()
    """The ids of the rules that a driver with the defect fails."""
    reason: str = ""
    """Why there is no rule, or none for a part of it."""
    tests: tuple[str, ...] = ()
    """The kit's own tests of what is not a driver's, as
    ``module::function``."""
