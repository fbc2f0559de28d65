# SPDX-License-Identifier: Apache-2.0
"""The report as a page of the documentation."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

from assisted_kit.outcomes import Outcome
from conformance.catalogue import BY_ID
from conformance.cinder_report.finding import Finding
from conformance.cinder_report.results import DRIVERS
from conformance.cinder_report.results import Judged
from conformance.cinder_report.results import Results

FILE = Path(__file__).parents[2] / "docs" / "cinder-29.rst"
"""Where the page is, in a checkout."""

_HEAD = """\
.. SPDX-License-Identifier: Apache-2.0

Cinder {version}'s own drivers
===========================

The drivers on RemoteFS that Cinder ships, before the suite: as they are, in
the legacy profile, and migrated to the hooks (``reference_driver.migrated``).
Made by

.. code-block:: console

    $ tox -e cinder-report

which judges what has changed since it last ran, runs the program of every
finding, and keeps the results in ``conformance/cinder_report/results.json``.
The kit's tests run the programs, and compare digests of the rules and of the
drivers with those that the results were found with.
"""

_PROGRAMS = """\
Findings
--------

Each with the shortest program that shows it. All of them begin with a
``bench``: the unmodified driver on an empty directory that stands in for its
share, Cinder's own objects in a database that Cinder's migrations have made,
and a Nova that does what the program says
(``conformance/cinder_report/bench.py``). A program returns what went wrong::

    python -m conformance.cinder_report.programs probed_backing_format
"""


def page(results: Results, findings: Sequence[Finding]) -> str:
    """The whole page."""
    lines = [
        _HEAD.format(version=results.cinder),
        *_summary(results),
        *_rules(results, findings),
        *_mends(results),
        _PROGRAMS,
        *(line for each in findings for line in _finding(each)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _short(driver: Judged) -> str:
    return driver.name.partition(":")[2]


def _summary(results: Results) -> Iterator[str]:
    yield "Drivers"
    yield "-------"
    yield ""
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield ""
    yield "   * - driver"
    columns = (
        Outcome.PASSED,
        Outcome.FAILED,
        Outcome.NOT_ARRANGED,
        Outcome.SKIPPED,
        Outcome.NOT_APPLICABLE,
    )
    for column in (*columns, "not judged yet"):
        yield f"     - {column}"
    for driver in DRIVERS:
        counts = Counter(results.drivers[driver.name].statuses.values())
        yield f"   * - ``{driver.name}``"
        for column in columns:
            yield f"     - {counts[column]}"
        yield f"     - {len(results.missing(driver.name))}"
    yield ""


def _rules(results: Results, findings: Sequence[Finding]) -> Iterator[str]:
    """Rule by rule, of those that a driver fails."""
    failed = [
        rule
        for rule in results.rules
        if any(
            row.statuses.get(rule, "") not in (*_GOOD, Outcome.NOT_ARRANGED)
            for row in results.drivers.values()
        )
    ]
    yield "Rules that one of them fails"
    yield "----------------------------"
    yield ""
    if not failed:
        yield "None that is known."
        yield ""
        return
    yield "**F** is failed, p passed, a dash left out or about other drivers,"
    yield "? not judged yet, and n not arranged: the driver does not do what"
    yield "the tests of the rule begin with. All others are passed by each"
    yield "driver that they are about, but for these, which are not arranged:"
    yield ""
    for driver in DRIVERS:
        statuses = results.drivers[driver.name].statuses
        left = [
            rule
            for rule, status in statuses.items()
            if status == Outcome.NOT_ARRANGED and rule not in failed
        ]
        if left:
            yield f"* ``{_short(driver)}``: {', '.join(left)}"
    yield ""
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield ""
    yield "   * - rule"
    for driver in DRIVERS:
        yield f"     - {_short(driver)}"
    yield "     - findings"
    for rule in failed:
        yield f"   * - {rule}: {BY_ID[rule].sentence}"
        for driver in DRIVERS:
            status = results.drivers[driver.name].statuses.get(rule, "")
            yield f"     - {_LETTERS.get(status, '**F**')}"
        behind = [each.name for each in findings if rule in each.rules]
        yield "     - " + ", ".join(f"`{name}`_" for name in behind)
    yield ""


_GOOD = ("", Outcome.PASSED, Outcome.SKIPPED, Outcome.NOT_APPLICABLE)
_LETTERS: Mapping[str, str] = {
    "": "?",
    Outcome.PASSED: "p",
    Outcome.NOT_ARRANGED: "n",
    Outcome.SKIPPED: "\\-",
    Outcome.NOT_APPLICABLE: "\\-",
}


def _mends(results: Results) -> Iterator[str]:
    """What the migrated drivers leave."""
    yield "What is left when they are migrated"
    yield "-----------------------------------"
    yield ""
    for driver in DRIVERS:
        if not driver.is_migrated:
            continue
        row = results.drivers[driver.name]
        left = [
            rule
            for rule, status in row.statuses.items()
            if status not in _GOOD
        ]
        missing = len(results.missing(driver.name))
        says = "nothing is known" if missing else "nothing: it is conformant"
        yield f"* ``{_short(driver)}``: {', '.join(left) or says}"
    yield ""


def _finding(finding: Finding) -> Iterator[str]:
    yield f".. _{finding.name}:"
    yield ""
    yield finding.title
    yield "~" * len(finding.title)
    yield ""
    yield finding.symptom
    yield ""
    yield f":Driver: {', '.join(finding.drivers)}"
    places = "; ".join(
        f"``cinder/{place.file}``, line {place.line}: ``{place.text}``"
        for place in finding.cause
    )
    yield f":Cause: {places}"
    yield f":Mend: {finding.suggestion}"
    if finding.rules:
        yield f":Rules: {', '.join(finding.rules)}"
    if finding.known:
        yield f":Known as: {finding.known}"
    yield ""
    yield ".. code-block:: python"
    yield ""
    yield textwrap.indent(finding.source, "    ")
    yield ""
