# SPDX-License-Identifier: Apache-2.0
"""A program: what is done to volumes, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any

WORDS: Mapping[str, str] = {
    "create_volume": "create volume {volume}",
    "delete_volume": "delete volume {volume}",
    "attach": "attach {volume} to a guest",
    "detach": "detach {volume}",
    "write": "a guest writes to {volume}",
    "extend": "extend {volume} by 1 GiB",
    "clone": "clone {volume} as {copy}",
    "create_from_snapshot": "create volume {copy} from {snapshot}",
    "take_snapshot": "take snapshot {snapshot} of {volume}",
    "delete_snapshot": "delete {snapshot}",
    "restart_guest": "restart the guest of {volume} cold",
    "restart_service": "restart the volume service",
    "upgrade_nova": "Nova is of generation {generation} from now on",
    "report_arrives": "the report that Nova held back arrives",
    "deadline_passes": "the deadline passes",
}
"""Every operation, in the words of those who use it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, with the names of what it is done to."""

    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        said = WORDS[self.operation].format_map(self.arguments)
        if nova := self.arguments.get("nova"):
            said += f"; Nova {nova}"
        if point := self.arguments.get("killed_at"):
            said += f"; the volume service is killed at its commit {point}"
        return said

    def code(self) -> str:
        """The step as a call of a story's method."""
        given = ", ".join(
            f'{name}="{value}"'
            if isinstance(value, str)
            else f"{name}={value}"
            for name, value in self.arguments.items()
        )
        return f"story.{self.operation}({given})"


@dataclass(frozen=True, slots=True)
class Program:
    """Steps, and what they are done with.

    :ivar base: the format of new volumes' base images.
    :ivar nova: the generation of the compute service at the beginning.
    """

    base: str
    nova: str
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        steps = [f"{n:>2}. {step}" for n, step in enumerate(self.steps, 1)]
        start = (
            f"new volumes are {self.base}, Nova is of generation {self.nova}"
        )
        return "\n".join([start, *steps])

    def and_then(self, step: Step) -> Program:
        """The same with one step more."""
        return replace(self, steps=(*self.steps, step))

    def without(self, first: int, count: int) -> Program:
        """The same with ``count`` steps less, from step ``first`` on."""
        kept = self.steps[:first] + self.steps[first + count :]
        return replace(self, steps=kept)

    def instead(self, index: int, step: Step) -> Program:
        """The same with another step in the place of one."""
        steps = list(self.steps)
        steps[index] = step
        return replace(self, steps=tuple(steps))
