# SPDX-License-Identifier: Apache-2.0
"""The figures of a run as tables: for a terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

TITLES: Mapping[str, str] = {
    "hooks_vs_floor": "Hooks against the floor",
    "manager_share": "The manager's share",
    "drivers": "Cinder's NfsDriver, migrated, and the reference driver",
    "drivers_report_ms": "From a report to the end of a create, milliseconds",
    "drivers_waiting": "Snapshots that wait for Nova",
    "report_to_complete_ms": "From a report to complete, milliseconds",
    "in_flight": "Snapshots in flight",
    "suite": "The suite on the reference driver",
}


def as_text(results: Mapping[str, Any]) -> str:
    """Tables for a terminal."""
    return "\n\n".join(
        "\n".join([TITLES[name], "", *_lines(_rows(found))])
        for name, found in results.items()
    )


def as_rst(results: Mapping[str, Any]) -> str:
    """Tables for the documentation, each under a heading."""
    parts = []
    for name, found in results.items():
        title = TITLES[name]
        parts.append(f"{title}\n{'-' * len(title)}\n")
        parts.append(_rst_table(_rows(found)))
    return "\n".join(parts)


def _rows(found: Any) -> list[list[str]]:
    """A heading and one row for each entry."""
    entries: Sequence[Mapping[str, Any]] = (
        [found] if isinstance(found, Mapping) else found
    )
    if not entries:
        return [["not measured here"]]
    heading = [name.replace("_", " ") for name in entries[0]]
    return [heading, *([*map(_cell, each.values())] for each in entries)]


def _cell(value: object) -> str:
    return "-" if value is None else str(value)


def _lines(rows: list[list[str]]) -> Iterable[str]:
    widths = _widths(rows)
    for row in rows:
        cells = (
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _rst_table(rows: list[list[str]]) -> str:
    rule = "  ".join("=" * width for width in _widths(rows))
    heading, *others = _lines(rows)
    return "\n".join([rule, heading, rule, *others, rule, ""])


def _widths(rows: list[list[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*rows, strict=True)]
