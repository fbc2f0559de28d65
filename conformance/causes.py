# SPDX-License-Identifier: Apache-2.0
"""What may be wrong with a driver: defects that fail in the same way.

The broken drivers that prove the suite are a list of the field's defects,
each with the rules that it names; the kill matrix has what they fail besides.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from assisted_kit.rules import Rule

if TYPE_CHECKING:
    from fakes.broken import BrokenDriver

MOST = 5
"""Defects that are named at most."""


def likely(rule: Rule) -> list[str]:
    """Defects that fail a rule, as sentences with their sources.

    First those that name it, and of these the ones that fail few other
    rules: where this rule is all that fails, they are what it is for.
    """
    # Only a driver that fails has need of all these classes.
    from conformance.kill_matrix.matrix import Matrix
    from fakes.broken import BROKEN

    rows = Matrix.load().rows

    def failed(broken: BrokenDriver) -> set[str]:
        row = rows.get(broken.name)
        return {*broken.rules, *(row.failed if row else ())}

    known = [broken for broken in BROKEN if rule.id in failed(broken)]
    known.sort(key=lambda b: (rule.id not in b.rules, len(failed(b))))
    return [_sentence(broken) for broken in known[:MOST]]


def _sentence(broken: BrokenDriver) -> str:
    where = ", ".join((_name(broken.driver), *broken.sources))
    return f"{defect_of(broken.driver)} ({where})"


def defect_of(driver: type) -> str:
    """What is wrong with a broken driver, as a sentence without its dot."""
    first, *_ = (inspect.getdoc(driver) or "").split("\n\n")
    return " ".join(first.split()).rstrip(".")


def _name(driver: type) -> str:
    return f"{driver.__module__.rpartition('.')[2]}.{driver.__name__}"
