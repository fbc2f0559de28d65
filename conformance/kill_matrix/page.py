# SPDX-License-Identifier: Apache-2.0
"""The matrix as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from conformance.catalogue import BY_ID
from conformance.causes import defect_of
from conformance.kill_matrix.matrix import Matrix
from conformance.kill_matrix.matrix import Row
from fakes.broken import BROKEN
from fakes.broken.registry import BrokenDriver

FILE = Path(__file__).parents[2] / "docs" / "kill-matrix.rst"
"""Where the page is, in a checkout."""

_HEAD = """\
.. SPDX-License-Identifier: Apache-2.0

The kill matrix
===============

Every rule on every broken driver: which of them fails which rules. Made by

.. code-block:: console

    $ tox -e kill-matrix

which runs what has changed since it last ran, and keeps what it found in
``conformance/kill_matrix/matrix.json``; ``tox -e kill-matrix -- --all`` runs
everything anew, for hours. A digest of each rule (its text, and the classes of
its tests with what they use of their module) and of each driver (its class,
with what it uses of the other fakes) tells what has changed; the kit's tests
compare them. What all rules share is in no digest.

It keeps in which way a driver failed each rule as well: digests of the tests,
and of what was expected, observed and raised in each. By them a dossier finds
the defects that fail like a vendor's driver (``docs/dossiers.rst``).

A driver *names* the rules that its defect is about; what it fails *beyond*
those is listed as well. *Not arranged* are the rules whose tests begin with
what the driver does not do, a snapshot say: they say nothing of it.
"""


def page(matrix: Matrix) -> str:
    """The whole page."""
    return "\n".join(_lines(matrix)) + "\n"


def _lines(matrix: Matrix) -> Iterator[str]:
    judged = [
        (broken, matrix.rows[broken.name])
        for broken in BROKEN
        if broken.name in matrix.rows and not matrix.rows[broken.name].stale
    ]
    failed = {rule for _, row in judged for rule in row.failed}
    yield _HEAD
    yield f"* broken drivers: {len(BROKEN)}, of which {len(judged)} were put"
    yield "  before all rules since they or a rule last changed;"
    yield f"* rules: {len(BY_ID)}, of which {len(failed)} are failed by those;"
    yield f"* pairs of them: {len(judged) * len(BY_ID):,}, of which"
    yield f"  {sum(len(row.failed) for _, row in judged):,} fail."
    yield ""
    yield from _headed("By driver")
    for broken, row in judged:
        yield from _driver(broken, row)
    yield from _headed("By rule")
    yield "How many of these drivers fail each rule."
    yield ""
    for rule in BY_ID:
        names = [b.driver.__name__ for b, row in judged if rule in row.failed]
        yield f"* ``{rule}``: {len(names)}"
    missing = [b for b in BROKEN if b not in [each for each, _ in judged]]
    if missing:
        yield ""
        yield from _headed("Not judged yet")
        for broken in missing:
            yield f"* ``{broken.driver.__name__}``"


def _headed(title: str) -> Iterator[str]:
    yield title
    yield "-" * len(title)
    yield ""


def _driver(broken: BrokenDriver, row: Row) -> Iterator[str]:
    named = set(broken.rules)
    yield f"``{broken.driver.__name__}``"
    yield f"    {defect_of(broken.driver)}."
    yield ""
    yield f"    *Names:* {_listed(named & row.failed)}"
    if beyond := row.failed - named:
        yield ""
        yield f"    *Beyond:* {_listed(beyond)}"
    if unfailed := named - row.failed:
        yield ""
        yield f"    *Names and passes:* {_listed(unfailed)}"
    if row.not_arranged:
        yield ""
        yield f"    *Not arranged:* {_listed(row.not_arranged)}"
    if row.undecided:
        yield ""
        yield f"    *Undecided:* {_listed(row.undecided)}"
    yield ""


def _listed(rules: set[str]) -> str:
    return ", ".join(sorted(rules)) or "none"
