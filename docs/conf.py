# SPDX-License-Identifier: Apache-2.0
"""Sphinx's configuration; the lists are made from the code they are of."""

from importlib import metadata
from pathlib import Path

from assisted_kit.capabilities import Capability
from assisted_kit.lifecycle import TRANSITIONS
from conformance.catalogue import RULES
from conformance.defects import BY_SUBJECT
from conformance.faults import matrix
from conformance.faults.expectations import ENDS
from conformance.faults.expectations import ENDS_OF
from conformance.faults.selection import selected
from conformance.hostile import counts as hostile_counts
from fakes.broken import BROKEN

project = "Assisted Kit"
author = "The Assisted Kit authors"
release = metadata.version("assisted-kit")

exclude_patterns = ["_build"]
html_theme = "alabaster"
html_show_copyright = False

GENERATED = Path(__file__).parent / "generated"


def rules():
    """Every rule, as a definition list."""
    broken_by = {
        rule: [b for b in BROKEN if rule in b.rules]
        for rule in (r.id for r in RULES)
    }
    for rule in RULES:
        names = ", ".join(
            f"``{b.driver.__name__}``" for b in broken_by[rule.id]
        )
        yield f"``{rule.id}`` ({rule.level})"
        yield f"    {rule.sentence}"
        yield ""
        yield f"    {rule.reason}"
        yield ""
        sources = "; ".join((f"contract {rule.section}", *rule.sources))
        yield f"    *Source:* {sources}. *Broken by:* {names}."
        if rule.requires:
            needed = ", ".join(f"``{c.name}``" for c in rule.requires)
            yield f"    *Requires:* {needed}."
        yield ""


def defects():
    """Every defect, as a definition list for each subject."""
    for subject, found in BY_SUBJECT.items():
        yield subject
        yield "-" * len(subject)
        yield ""
        for defect in found:
            yield ", ".join(defect.sources)
            yield f"    {defect.sentence}"
            yield ""
            if defect.rules:
                rules = ", ".join(f"``{rule}``" for rule in defect.rules)
                yield f"    *Rules:* {rules}."
                yield ""
            if defect.reason:
                yield f"    *Not a rule's:* {defect.reason}"
                yield ""
            if defect.tests:
                tests = ", ".join(f"``{test}``" for test in defect.tests)
                yield f"    *The kit's own tests:* {tests}."
                yield ""


def capabilities():
    """Every capability, as a definition list."""
    for capability in Capability:
        default = "declared by default" if capability.default else "optional"
        yield f"``{capability.name}`` ({default})"
        yield f"    {capability.sentence}"
        yield ""


def fault_counts():
    """How many combinations there are, and how many a run has."""
    there = len(matrix.combinations())
    by_rule = selected(exhaustive=False)
    chosen = sum(map(len, by_rule.values()))
    counts = ", ".join(f"{len(v)} for ``{k}``" for k, v in by_rule.items())
    yield f"There are {there:,} combinations. A run has {chosen} of them:"
    yield f"{counts}. With ``--exhaustive`` it has them all for every rule."
    yield ""


def faults():
    """What goes wrong and how it ends, as a table."""
    yield ".. list-table::"
    yield "    :header-rows: 1"
    yield ""
    yield "    * - What goes wrong"
    yield "      - How the operation ends"
    for wrong in matrix.Wrong:
        ends = {}
        for position in matrix.Position:
            end = ENDS_OF.get(wrong, {}).get(position) or ENDS[wrong]
            ends.setdefault(end.value, []).append(position)
        yield f"    * - {wrong}"
        for end, positions in ends.items():
            where = f" ({', '.join(positions)})" if len(ends) > 1 else ""
            prefix = "      -" if end == next(iter(ends)) else " " * 7
            yield f"{prefix} {end}{where}"
            yield ""


def impossible():
    """Which values never meet, as a list."""
    for why in matrix.IMPOSSIBLE:
        yield f"* {why}"
    yield ""


def hostile():
    """How many hostile cases there are, as they are counted."""
    yield ".. code-block:: console"
    yield ""
    yield "    $ python -m conformance.hostile"
    yield from (f"    {line}" for line in hostile_counts.lines())
    yield ""


def transitions():
    """The state machine, as a table."""
    yield ".. list-table::"
    yield "    :header-rows: 1"
    yield ""
    for row in (("State", "Event", "Next state"), *TRANSITIONS):
        first, *others = (str(cell) for cell in row)
        yield f"    * - {first}"
        yield from (f"      - {cell}" for cell in others)


def write_lists(app):
    """Write what the pages include."""
    GENERATED.mkdir(exist_ok=True)
    lists = (rules, defects, capabilities, transitions)
    lists += (fault_counts, faults, impossible, hostile)
    for make in lists:
        text = "\n".join(make()) + "\n"
        (GENERATED / f"{make.__name__}.inc").write_text(text)


def setup(app):
    """Have the lists made before the pages are read."""
    app.connect("builder-inited", write_lists)
