# SPDX-License-Identifier: Apache-2.0
"""What a session of tests is going to run, and on which drivers.

Made where the tests are collected, and told to wherever the results come
together: another process, mostly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any


@dataclass(frozen=True, slots=True)
class DriverFacts:
    """What is known of a driver before its first test."""

    name: str
    """``module:Class``."""
    profile: str | None = None
    declared: Sequence[str] = ()
    """The names of the capabilities that it declares."""
    selected: bool = False
    """Whether somebody asked for some of the suite only."""
    left_out: Sequence[str] = ()
    """Tests that the session does not have for it, and why."""
    combinations: Sequence[int] = ()
    """How many of the fault matrix the session has, and of how many; empty
    if none."""


@dataclass(frozen=True, slots=True)
class PlannedTest:
    """A test that is to run."""

    name: str
    rule_id: str
    """Empty for a test of no rule, whose outcome counts for nothing."""
    requires: Sequence[str] = ()
    """The names of the capabilities that it uses."""
    subject: str = ""
    """The key of its driver in :attr:`Plan.drivers`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a session is to run."""

    drivers: Mapping[str, DriverFacts] = field(default_factory=dict)
    """By the class that names it; empty: what options or environment say."""
    tests: Sequence[PlannedTest] = ()
    tampered: Sequence[str] = ()
    """What of the suite is not the suite's own."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON and pytest-xdist can carry it."""
        return {
            "drivers": {
                key: [*map(_plain, dataclasses.astuple(facts))]
                for key, facts in self.drivers.items()
            },
            "tests": [
                [*map(_plain, dataclasses.astuple(test))]
                for test in self.tests
            ],
            "tampered": list(self.tampered),
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Plan:
        """The plan of which :meth:`as_dict` tells."""
        return cls(
            {key: DriverFacts(*f) for key, f in said["drivers"].items()},
            [PlannedTest(*test) for test in said["tests"]],
            said["tampered"],
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
