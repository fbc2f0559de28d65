# SPDX-License-Identifier: Apache-2.0
"""Named rows of data for ddt."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

BASES = ("raw", "qcow2")
GUESTS = ("detached", "attached")


class Row(tuple[Any, ...]):
    """A row whose test is named by its values."""

    __name__: str


def row(*values: object, name: str = "") -> Row:
    """One row, named by its values unless a name is given."""
    made = Row(values)
    made.__name__ = (name or "_".join(str(v) for v in values)).replace(
        " ", "_"
    )
    return made


def crossed(*columns: Iterable[object]) -> list[Row]:
    """Every combination of the columns' values."""
    return [row(*values) for values in itertools.product(*columns)]
