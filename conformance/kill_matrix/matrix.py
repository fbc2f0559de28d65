# SPDX-License-Identifier: Apache-2.0
"""The matrix: what each broken driver failed, and what is out of date."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from importlib import resources
from pathlib import Path
from typing import Any
from typing import NamedTuple

from assisted_kit.outcomes import Outcome

FILE = Path(str(resources.files(__package__) / "matrix.json"))
"""Where the matrix is kept."""

UNREMARKABLE = (Outcome.PASSED, Outcome.SKIPPED, Outcome.NOT_APPLICABLE)
"""How a rule ends that says nothing against a driver."""


PARTS = ("failed", "not_arranged", "undecided", "stale")
"""The sets of rules in a row; what is in none of them is unremarkable."""


class Ended(NamedTuple):
    """How a rule ended on a driver."""

    status: str
    ways: tuple[str, ...] = ()
    """In which its tests failed, if they did (``conformance.ways``)."""


@dataclass(slots=True)
class Row:
    """A broken driver, and how the rules ended."""

    digest: str = ""
    """The driver's when it was judged."""
    failed: set[str] = field(default_factory=set)
    """Rules that it failed."""
    not_arranged: set[str] = field(default_factory=set)
    """Rules whose tests begin with what it does not do."""
    undecided: set[str] = field(default_factory=set)
    """Rules that could not be evaluated on it for another reason."""
    stale: set[str] = field(default_factory=set)
    """Rules that it is to be put before again."""
    ways: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """In which it failed each rule, by the rule's id."""

    def judged(self, endings: Mapping[str, Ended]) -> None:
        """Take over how rules ended."""
        for rule, (status, ways) in endings.items():
            self.forget([rule])
            if status == Outcome.FAILED:
                self.failed.add(rule)
                self.ways[rule] = ways
            elif status == Outcome.NOT_ARRANGED:
                self.not_arranged.add(rule)
            elif status not in UNREMARKABLE:
                self.undecided.add(rule)

    def forget(self, rules: Iterable[str]) -> None:
        """Know nothing of some rules any more."""
        for rule in rules:
            for part in PARTS:
                getattr(self, part).discard(rule)
            self.ways.pop(rule, None)


@dataclass(slots=True)
class Matrix:
    """All rows, and the rules that they are about."""

    rules: dict[str, str] = field(default_factory=dict)
    """Each rule's digest; where a row was judged with another one it says
    that it is stale."""
    rows: dict[str, Row] = field(default_factory=dict)
    """By the driver's name."""

    @classmethod
    def load(cls, file: Path = FILE) -> Matrix:
        """Read the matrix; an empty one where there is no file."""
        if not file.exists():
            return cls()
        content = json.loads(file.read_text())
        return cls(
            content["rules"],
            {
                name: Row(
                    digest=row["digest"],
                    ways={
                        rule: tuple(ways.split())
                        for rule, ways in row.get("ways", {}).items()
                    },
                    **{part: set(row.get(part, ())) for part in PARTS},
                )
                for name, row in content["drivers"].items()
            },
        )

    def save(self, file: Path = FILE) -> None:
        """Write the matrix, so that it is the same or a whole new one."""
        content = {
            "rules": self.rules,
            "drivers": {
                name: _row_as_dict(row)
                for name, row in sorted(self.rows.items())
                # A driver that was never judged has nothing to keep.
                if row.stale != self.rules.keys()
            },
        }
        new = file.with_suffix(".new")
        new.write_text(json.dumps(content, indent=1) + "\n")
        new.replace(file)

    def update(
        self, rules: Mapping[str, str], drivers: Mapping[str, str]
    ) -> None:
        """Mark stale what was judged with another digest than these.

        And failed rules of which it is not known in which way they failed.

        :param rules: all rules' digests.
        :param drivers: all broken drivers' digests.
        """
        changed = {
            rule
            for rule, digest in rules.items()
            if self.rules.get(rule) != digest
        }
        gone = self.rules.keys() - rules.keys()
        self.rules = dict(rules)
        self.rows = {name: self.rows.get(name, Row()) for name in drivers}
        for name, row in self.rows.items():
            if row.digest != drivers[name]:
                row.digest = drivers[name]
                row.stale = set(rules)
            row.stale |= changed | (row.failed - row.ways.keys())
            row.forget(gone)

    def out_of_date(self) -> dict[str, int]:
        """How many rules each driver is to be put before again."""
        return {
            name: len(row.stale)
            for name, row in self.rows.items()
            if row.stale
        }

    def passed(self, driver: str, rules: Iterable[str]) -> list[str]:
        """Those of the rules that a driver is known not to fail."""
        row = self.rows.get(driver)
        if row is None:
            return []
        remarkable = set().union(*(getattr(row, part) for part in PARTS))
        return [rule for rule in rules if rule not in remarkable]


def _row_as_dict(row: Row) -> dict[str, Any]:
    parts: dict[str, Any] = {
        part: sorted(getattr(row, part)) for part in PARTS
    }
    # A line for each rule, so that a change of one is seen as such.
    parts["ways"] = {
        rule: " ".join(ways) for rule, ways in sorted(row.ways.items())
    }
    return {
        "digest": row.digest,
        **{name: rules for name, rules in parts.items() if rules},
    }
