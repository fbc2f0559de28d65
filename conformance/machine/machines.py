# SPDX-License-Identifier: Apache-2.0
"""The state machines: hypothesis chooses the steps of a story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize
from hypothesis.stateful import precondition
from hypothesis.stateful import rule
from hypothesis.stateful import RuleBasedStateMachine

from assisted_kit.capabilities import Capability
from assisted_kit.subject import Subject
from conformance.machine import choosing
from conformance.machine.contradiction import Contradiction
from conformance.machine.program import Program
from conformance.machine.program import Step
from conformance.machine.story import Story
from fakes.compute import Generation

CHOOSES = "assisted_chooses"
"""The attribute of a rule of a machine that has its name."""

PICK = st.integers(0, 59)
"""Which of the steps that make sense, counted round and round."""

BEFORE_CLONES = ("take_snapshot", "extend", "write")
"""What is done to a volume that is cloned then, in this order."""

REQUIRED: dict[str, tuple[Capability, ...]] = {
    "clone": (Capability.clone,),
    "create_from_snapshot": (Capability.create_from_snapshot,),
    "extend": (Capability.extend_with_snapshots,),
    "create_goes_wrong": (Capability.overlay_files,),
    "delete_goes_wrong": (Capability.overlay_files,),
    "report_arrives": (Capability.overlay_files,),
    "deadline_passes": (Capability.overlay_files,),
}
"""The rules of the machines that only some drivers have a use for."""


class Findings:
    """What machines have done, and the first thing that they found."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.fired: Counter[str] = Counter()
        """How often each rule of the machine was carried out."""
        self.evaluated = 0
        self.program: Program | None = None
        self.contradiction: Contradiction | None = None
        self.is_stuck = False
        """Whether a call of the driver does not return."""

    def see(self, story: Story, found: Contradiction) -> None:
        """Take down what a story has found."""
        self.program = story.program
        self.contradiction = found
        self.is_stuck = bool(story.deployment.patience.given_up)


Choose = Callable[[Story], Sequence[Step]]


def _chooses(name: str, choose: Choose) -> Any:
    """A rule that carries out one of the steps that make sense."""

    @precondition(lambda self: bool(self.chosen(choose)))
    @rule(pick=PICK)
    def carry_out(self: OperationsMachine, pick: int) -> None:
        found = self.chosen(choose)
        self.carry_out(name, found[pick % len(found)])

    carry_out.__name__ = name
    setattr(carry_out, CHOOSES, name)
    return carry_out


def _does(operation: str) -> Any:
    return _chooses(operation, lambda s: choosing.steps(s, operation))


def _clones() -> Any:
    """A rule that clones a volume to which something was done before.

    Steps that are chosen one by one hardly ever come in an order in which a
    copy is of more than one image.
    """

    def choose(story: Story) -> Sequence[Step]:
        return choosing.steps(story, "clone")

    @precondition(lambda self: bool(self.chosen(choose)))
    @rule(pick=PICK, before=st.sets(st.sampled_from(BEFORE_CLONES)))
    def clone(self: OperationsMachine, pick: int, before: set[str]) -> None:
        found = self.chosen(choose)
        step = found[pick % len(found)]
        for operation in BEFORE_CLONES:
            if operation in before:
                self.carry_out_on(step.arguments["volume"], operation)
        if step in self.chosen(choose):
            self.carry_out("clone", step)

    setattr(clone, CHOOSES, "clone")
    return clone


def _goes_wrong(name: str, step: str) -> Any:
    return _chooses(name, lambda s: choosing.gone_wrong(s, step))


def _killed(name: str, step: str) -> Any:
    return _chooses(name, lambda s: choosing.killed(s, step))


class OperationsMachine(RuleBasedStateMachine):
    """Operations that all go well."""

    def __init__(self, findings: Findings) -> None:
        super().__init__()
        self._findings = findings
        self._story: Story | None = None
        self._choices: dict[Choose, Sequence[Step]] = {}
        self._is_over = False

    NEEDS_NOVA = False
    """Whether it begins attached: only then Nova has anything to do."""

    @initialize(
        base=st.integers(0, 1),
        nova=st.sampled_from(list(Generation)),
        attached=st.booleans(),
    )
    def begin(self, base: int, nova: Generation, attached: bool) -> None:
        """A volume that a guest has written to."""
        bases = self._findings.subject.adapter.bases
        self._story = Story(
            self._findings.subject,
            base=bases[base % len(bases)],
            nova=str(nova),
        )
        self._story.open()
        self._perform(Step("create_volume", {"volume": "V"}))
        if attached or self.NEEDS_NOVA:
            self._perform(Step("attach", {"volume": "V"}))
        self._perform(Step("write", {"volume": "V"}))

    create_volume = _does("create_volume")
    delete_volume = _does("delete_volume")
    attach = _does("attach")
    detach = _does("detach")
    write = _does("write")
    extend = _does("extend")
    clone = _clones()
    create_from_snapshot = _does("create_from_snapshot")
    take_snapshot = _does("take_snapshot")
    delete_snapshot = _does("delete_snapshot")
    # Twice, since what happens to chains is what it is about.
    take_another_snapshot = _does("take_snapshot")
    delete_another_snapshot = _does("delete_snapshot")
    restart_guest = _does("restart_guest")
    restart_service = _does("restart_service")
    upgrade_nova = _does("upgrade_nova")

    def chosen(self, choose: Choose) -> Sequence[Step]:
        """What there is to choose from; the same until the next step."""
        if self._story is None or self._is_over:
            return ()
        if choose not in self._choices:
            self._choices[choose] = choose(self._story)
        return self._choices[choose]

    def carry_out(self, name: str, step: Step) -> None:
        """Carry a step out, and count it for the rule that chose it."""
        self._findings.fired[name] += 1
        self._perform(step)

    def carry_out_on(self, volume: str, operation: str) -> None:
        """Carry it out on this volume, if that makes sense now."""
        assert self._story is not None
        for step in choosing.steps(self._story, operation):
            if step.arguments["volume"] == volume:
                self.carry_out(operation, step)

    def _perform(self, step: Step) -> None:
        assert self._story is not None
        self._choices.clear()
        self._watched(lambda story: story.do(step))

    def _watched(self, call: Callable[[Story], None]) -> None:
        story = self._story
        assert story is not None
        try:
            call(story)
        except BaseException as error:
            self._is_over = True
            findings = self._findings
            if isinstance(error, Contradiction) and not findings.program:
                findings.see(story, error)
            raise

    def teardown(self) -> None:
        """See once more that everything is there, and clean up."""
        story = self._story
        if story is None:
            return
        try:
            if not self._is_over:
                self._watched(lambda story: story.end())
        finally:
            self._findings.evaluated += story.checks.evaluated
            story.close()


class FailuresMachine(OperationsMachine):
    """The same, and what goes wrong at Nova and with the service."""

    NEEDS_NOVA = True

    create_goes_wrong = _goes_wrong("create_goes_wrong", choosing.TAKE)
    delete_goes_wrong = _goes_wrong("delete_goes_wrong", choosing.DELETE)
    another_delete_goes_wrong = _goes_wrong(
        "delete_goes_wrong", choosing.DELETE
    )
    service_killed_in_create = _killed(
        "service_killed_in_create", choosing.TAKE
    )
    service_killed_in_delete = _killed(
        "service_killed_in_delete", choosing.DELETE
    )
    report_arrives = _does("report_arrives")
    deadline_passes = _does("deadline_passes")


def rules_of(machine: type[OperationsMachine]) -> list[str]:
    """The names of a machine's rules."""
    return sorted(
        {
            getattr(member, CHOOSES)
            for cls in machine.__mro__
            for member in vars(cls).values()
            if hasattr(member, CHOOSES)
        }
    )


def declared(
    machine: type[OperationsMachine], capabilities: frozenset[Capability]
) -> list[str]:
    """Those that a driver with these capabilities has a use for.

    Where no volume is copied there may be a second one all the same.
    """
    return [
        name
        for name in rules_of(machine)
        if capabilities.issuperset(REQUIRED.get(name, ()))
    ]
