# SPDX-License-Identifier: Apache-2.0
"""Operations in any order, chosen by a state machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import ddt
from testtools.content import text_content

from assisted_kit import exploration
from assisted_kit.capabilities import Capability
from conformance.case import ConformanceTest
from conformance.case import verifies
from conformance.machine import known
from conformance.machine import saving
from conformance.machine import Story
from conformance.machine.contradiction import Contradiction
from conformance.machine.program import Program
from conformance.machine.shrinking import shrunk
from conformance.rows import expanded
from conformance.rows import row

if TYPE_CHECKING:
    from conformance.machine.machines import Findings
    from conformance.machine.machines import OperationsMachine

# Hypothesis takes a tenth of the time that a process takes to start, and
# most processes have no use for it: it is imported where it is used.


class MachineTest(ConformanceTest):
    """Contract section 5: whatever fails, in whatever order."""

    @verifies("MCH-001")
    def test_operations_in_any_order(self) -> None:
        from conformance.machine.machines import OperationsMachine

        self._search(OperationsMachine, known.OPERATIONS)

    @verifies("MCH-002")
    def test_failures_in_any_order(self) -> None:
        from conformance.machine.machines import FailuresMachine

        self._search(FailuresMachine, known.FAILURES)

    def _search(
        self, machine: type[OperationsMachine], told: Sequence[Program]
    ) -> None:
        from conformance.machine import searching

        asked = exploration.from_environment()
        try:
            findings = searching.search(
                machine,
                self.subject,
                seed=asked.seed,
                examples=asked.examples,
                steps=asked.steps,
                known=told,
            )
        except searching.NeverFired:
            # That says nothing of the driver.
            self.assisted_evidence = 0
            raise
        self._tell(machine, findings)
        self.assisted_evidence += findings.evaluated
        if findings.program is not None:
            self._fail_by(findings, findings.program)

    def _tell(
        self, machine: type[OperationsMachine], findings: Findings
    ) -> None:
        """What was done, and what this driver has no use for, as a detail."""
        from conformance.machine.machines import declared
        from conformance.machine.machines import rules_of

        used = declared(machine, self.subject.adapter.capabilities)
        said = [
            f"{findings.fired[name]:>6} x {name.replace('_', ' ')}"
            if name in used
            else f"  left out {name.replace('_', ' ')}: not declared"
            for name in rules_of(machine)
        ]
        self.addDetail("steps", text_content("\n".join(said)))

    def _fail_by(self, findings: Findings, program: Program) -> None:
        """Fail with the shortest program that fails alike, and save it."""
        from conformance.machine import searching

        found = findings.contradiction
        assert found is not None
        if findings.is_stuck:
            # Each try would wait as long.
            self._fail(program, found)
        kind = found.kind
        program = shrunk(
            program,
            lambda p: searching.failing_part(self.subject, p, kind),
        )
        story = searching.retold(self.subject, program)
        self.addCleanup(story.close)
        again = searching.replay(story, program)
        # For what the message shows, which is made before the clean-up.
        self.deployment, self.volume = story.deployment, story.told_last
        self._fail(program, again or found)

    def _fail(self, program: Program, found: Contradiction) -> None:
        self.assisted_program = f"{program}\n{self._saved(program, found)}"
        self.claim(False, found.expected, found.observed)

    def _saved(self, program: Program, found: Contradiction) -> str:
        """Save the program, and say where."""
        try:
            file = saving.save(
                program,
                self.subject,
                self.assisted_rule.id,
                found,
                self.volume.names() if self.volume else {},
                Path(saving.DIRECTORY),
            )
        except saving.NotSaved as error:
            return str(error)
        return f"saved; to repeat it: pytest {file}"

    def _repeat(self) -> list[str]:
        return [*super()._repeat(), *exploration.from_environment().options]


@expanded
class OptionalOperationTest(ConformanceTest):
    """What only some drivers can do, in a story in any case."""

    @ddt.data(
        row("clone", requires=[Capability.clone]),
        row(
            "create_from_snapshot",
            requires=[Capability.create_from_snapshot],
        ),
        row("extend", requires=[Capability.extend_with_snapshots]),
    )
    @ddt.unpack
    @verifies("MCH-001")
    def test_optional_operation(self, operation: str) -> None:
        story = Story(self.subject, base=self.subject.adapter.bases[0])
        story.open()
        self.addCleanup(story.close)
        self.deployment = story.deployment
        try:
            self._tell_of(story, operation)
        except Contradiction as found:
            self.volume = story.told_last
            self.assisted_program = str(story.program)
            self.claim(False, found.expected, found.observed)
        self.assisted_evidence += story.checks.evaluated

    def _tell_of(self, story: Story, operation: str) -> None:
        story.create_volume(volume="V")
        story.write(volume="V")
        story.take_snapshot(volume="V", snapshot="s1")
        story.write(volume="V")
        match operation:
            case "clone":
                story.clone(volume="V", copy="V2")
                story.write(volume="V2")
            case "create_from_snapshot":
                story.create_from_snapshot(snapshot="s1", copy="V2")
                story.write(volume="V2")
            case "extend":
                story.extend(volume="V")
                story.write(volume="V")
        story.delete_snapshot(snapshot="s1")
        story.end()
