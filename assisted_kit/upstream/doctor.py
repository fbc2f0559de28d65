# SPDX-License-Identifier: Apache-2.0
"""What has changed upstream since the rules were written."""

from __future__ import annotations

import contextlib
import enum
import json
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from assisted_kit.upstream import fingerprints
from assisted_kit.upstream.fingerprints import NotInstalled
from assisted_kit.upstream.symbols import Symbol
from assisted_kit.upstream.symbols import symbols


class Change(enum.StrEnum):
    """How a symbol differs from what was recorded."""

    GONE = "gone"
    SIGNATURE = "other parameters"
    CONTENT = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """A symbol that is not what the rules take it for."""

    symbol: Symbol
    change: Change
    before: str = ""
    """The parameters as they were."""
    now: str = ""


@dataclass(slots=True)
class Diagnosis:
    """What was compared, and what differs."""

    version: str
    recorded_version: str
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def rules(self) -> list[str]:
        """The rules that a change touches."""
        touched = {r for d in self.differences for r in d.symbol.rules}
        return sorted(touched)


def diagnose(package: str) -> Diagnosis:
    """Compare an installed package with what was recorded of it.

    :raises NotInstalled: it is not installed.
    """
    root = fingerprints.root_of(package)
    recorded = fingerprints.recorded()[package]
    diagnosis = Diagnosis(
        fingerprints.version_of(package), str(recorded["version"])
    )
    for symbol in symbols(package):
        signature, digest = recorded[f"{symbol.module}:{symbol.name}"]
        diagnosis.compared += 1
        found = fingerprints.read(symbol, root)
        if found is None:
            difference = Difference(symbol, Change.GONE)
        elif found.signature != signature:
            difference = Difference(
                symbol, Change.SIGNATURE, signature, found.signature
            )
        elif found.digest != digest:
            difference = Difference(symbol, Change.CONTENT)
        else:
            continue
        diagnosis.differences.append(difference)
    return diagnosis


def diagnose_all() -> dict[str, Diagnosis]:
    """That of Cinder, and of Nova if it is installed.

    :raises NotInstalled: Cinder is not.
    """
    found = {"cinder": diagnose("cinder")}
    with contextlib.suppress(NotInstalled):
        found["nova"] = diagnose("nova")
    return found


def record(package: str, root: Path, version: str) -> None:
    """Take down the fingerprints that :func:`diagnose` compares with.

    :param root: the directory with the package's source.
    :raises NotInstalled: a symbol is not there; nothing is changed then.
    """
    taken: dict[str, object] = {"version": version}
    for symbol in symbols(package):
        found = fingerprints.read(symbol, root)
        if found is None:
            raise NotInstalled(f"there is no {symbol} in {root}")
        taken[f"{symbol.module}:{symbol.name}"] = list(found)
    content = {**fingerprints.recorded(), package: taken}
    fingerprints.FILE.write_text(json.dumps(content, indent=1) + "\n")


def lines(found: Mapping[str, Diagnosis]) -> Iterator[str]:
    """Diagnoses, to be read."""
    for package, diagnosis in found.items():
        yield (
            f"{package} {diagnosis.version}: {diagnosis.compared} symbols "
            f"compared with {diagnosis.recorded_version}, "
            f"{len(diagnosis.differences)} differ"
        )
        for difference in diagnosis.differences:
            yield from _lines(difference)
        if diagnosis.differences:
            yield f"    rules to look at: {', '.join(diagnosis.rules)}"
    if "nova" not in found:
        yield "nova is not installed, and was not looked at"


def _lines(difference: Difference) -> Iterator[str]:
    symbol = difference.symbol
    yield f"    {symbol}: {difference.change}"
    if difference.change is Change.SIGNATURE:
        yield f"        was {difference.before}"
        yield f"        is  {difference.now}"
    yield f"        {symbol.meaning}: {', '.join(symbol.rules)}"


def as_dict(found: Mapping[str, Diagnosis]) -> dict[str, Any]:
    """Diagnoses, for other programs."""
    return {
        package: {
            "version": diagnosis.version,
            "recorded_version": diagnosis.recorded_version,
            "compared": diagnosis.compared,
            "rules": diagnosis.rules,
            "differences": [
                {
                    "symbol": str(each.symbol),
                    "change": each.change.value,
                    "rules": list(each.symbol.rules),
                }
                for each in diagnosis.differences
            ],
        }
        for package, diagnosis in found.items()
    }
