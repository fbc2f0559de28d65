# SPDX-License-Identifier: Apache-2.0
"""How each rule ended on each driver, and what is out of date."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from importlib import metadata
from importlib import resources
from importlib import util
from pathlib import Path

FILE = Path(str(resources.files(__package__) / "results.json"))
"""Where the results are kept."""

MIGRATED = "reference_driver.migrated"


@dataclass(frozen=True, slots=True)
class Judged:
    """A driver that is put before the suite."""

    name: str
    """``module:Class``."""
    module: str
    """Cinder's module of it."""

    @property
    def is_migrated(self) -> bool:
        """Whether it has the hooks."""
        return self.name.startswith(f"{MIGRATED}.")

    def digest(self) -> str:
        """Of the modules that its code is in, as they are installed.

        With how the kit constructs it; of a migrated one with all that the
        hooks and the mends take from the reference driver.
        """
        drivers = _package("cinder") / "volume" / "drivers"
        files = [
            drivers / f"{module}.py" for module in ("remotefs", self.module)
        ]
        files += sorted((_package("assisted_kit") / "cinder").glob("*.py"))
        if self.is_migrated:
            files += sorted(_package("reference_driver").glob("*.py"))
            files += sorted((_package(MIGRATED)).glob("*.py"))
        whole = hashlib.sha256()
        for file in files:
            whole.update(file.read_bytes())
        return whole.hexdigest()[:12]


DRIVERS = tuple(
    Judged(name, module)
    for module, kind in (
        ("nfs", "NfsDriver"),
        ("quobyte", "QuobyteDriver"),
        ("vzstorage", "VZStorageDriver"),
    )
    for name in (
        f"cinder.volume.drivers.{module}:{kind}",
        f"{MIGRATED}.drivers:Migrated{kind}",
    )
)
"""As Cinder ships them, and migrated."""


@dataclass(slots=True)
class Row:
    """A driver's results."""

    digest: str = ""
    statuses: dict[str, str] = field(default_factory=dict)
    """By the rules' ids, of those that are up to date."""


@dataclass(slots=True)
class Results:
    """All of it."""

    cinder: str = ""
    """The version that was judged."""
    rules: dict[str, str] = field(default_factory=dict)
    """Each rule's digest."""
    drivers: dict[str, Row] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path = FILE) -> Results:
        """Read them; there are none where there is no file."""
        if not file.exists():
            return cls()
        content = json.loads(file.read_text())
        return cls(
            content["cinder"],
            content["rules"],
            {name: Row(**row) for name, row in content["drivers"].items()},
        )

    def save(self, file: Path = FILE) -> None:
        """Write them, so that they are the same or whole new ones."""
        new = file.with_suffix(".new")
        new.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n")
        new.replace(file)

    def update(
        self, rules: Mapping[str, str], digests: Mapping[str, str]
    ) -> None:
        """Drop what was found with another rule, driver or Cinder.

        :param rules: each rule's digest.
        :param digests: each driver's.
        """
        self.cinder = metadata.version("cinder")
        same = {
            rule
            for rule, digest in rules.items()
            if self.rules.get(rule) == digest
        }
        self.rules = dict(rules)
        rows = {name: self.drivers.get(name, Row()) for name in digests}
        for name, row in rows.items():
            kept = same if row.digest == digests[name] else set()
            row.digest = digests[name]
            row.statuses = {
                rule: status
                for rule, status in sorted(row.statuses.items())
                if rule in kept
            }
        self.drivers = rows

    def missing(self, driver: str) -> list[str]:
        """The rules that a driver is to be put before."""
        row = self.drivers[driver]
        return [rule for rule in self.rules if rule not in row.statuses]


def _package(name: str) -> Path:
    """The directory of a package; nothing of it is imported."""
    spec = util.find_spec(name)
    assert spec is not None and spec.origin is not None, name
    return Path(spec.origin).parent
