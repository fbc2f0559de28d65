# SPDX-License-Identifier: Apache-2.0
"""Having a machine search, and what it found made short."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace

import hypothesis
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.stateful import run_state_machine_as_test

from assisted_kit.errors import AssistedKitError
from assisted_kit.subject import Subject
from conformance.machine.contradiction import Contradiction
from conformance.machine.machines import declared
from conformance.machine.machines import Findings
from conformance.machine.machines import OperationsMachine
from conformance.machine.program import Program
from conformance.machine.story import Story

LONG = 1000
"""Steps of a run in which every rule of the machine has to fire."""


class NeverFired(AssistedKitError):
    """A long run has never done what the machine declares to do."""


def search(
    machine: type[OperationsMachine],
    subject: Subject,
    *,
    seed: int,
    examples: int,
    steps: int,
    known: Sequence[Program] = (),
) -> Findings:
    """Have a machine tell stories until one fails, or so many are told.

    :param seed: the same one chooses the same stories.
    :param examples: the number of stories.
    :param steps: of each.
    :param known: programs that are told first.
    :raises NeverFired: in a long run.
    """
    findings = Findings(subject)
    bases = subject.adapter.bases
    for program in known:
        if program.base not in bases:
            # What is done in it is what it is known for.
            program = replace(program, base=bases[0])
        story = retold(subject, program)
        try:
            found = replay(story, program)
        finally:
            story.close()
        findings.evaluated += story.checks.evaluated
        if found is not None:
            findings.see(story, found)
            return findings

    def make() -> OperationsMachine:
        return machine(findings)

    settings = hypothesis.settings(
        max_examples=examples,
        stateful_step_count=steps,
        database=None,
        deadline=None,
        phases=(hypothesis.Phase.generate,),
        suppress_health_check=list(hypothesis.HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
    )
    try:
        with _no_directory_of_hypothesis():
            run_state_machine_as_test(
                hypothesis.seed(seed)(make),  # type: ignore[arg-type]
                settings=settings,
            )
    except Exception:
        # Whatever hypothesis makes of it, that is what was found.
        if findings.contradiction is None:
            raise
    else:
        _see_all_fired(machine, findings)
    return findings


@contextmanager
def _no_directory_of_hypothesis() -> Iterator[None]:
    """Have it keep what it keeps elsewhere than where the user is."""
    with tempfile.TemporaryDirectory() as directory:
        set_hypothesis_home_dir(directory)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


def _see_all_fired(
    machine: type[OperationsMachine], findings: Findings
) -> None:
    carried_out = findings.fired.total()
    if carried_out < LONG:
        return
    never = [
        name.replace("_", " ")
        for name in declared(machine, findings.subject.adapter.capabilities)
        if not findings.fired[name]
    ]
    if never:
        raise NeverFired(
            f"in {carried_out} steps the state machine has never chosen: "
            f"{', '.join(never)}; try another seed, or more examples"
        )


def replay(story: Story, program: Program) -> Contradiction | None:
    """Tell a program again, without the steps that make no sense any more.

    :returns: what it found, if it found anything.
    """
    try:
        for step in program.steps:
            if story.can(step):
                story.do(step)
        story.end()
    except Contradiction as found:
        return found
    return None


def retold(subject: Subject, program: Program) -> Story:
    """An open story, to tell a program in."""
    story = Story(subject, base=program.base, nova=program.nova)
    story.open()
    return story


def failing_part(
    subject: Subject, program: Program, kind: str
) -> Program | None:
    """A program up to where it fails in this way; None if it does not."""
    if program.base not in subject.adapter.bases:
        return None
    story = retold(subject, program)
    try:
        found = replay(story, program)
        return story.program if found and found.kind == kind else None
    finally:
        story.close()
