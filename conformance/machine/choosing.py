# SPDX-License-Identifier: Apache-2.0
"""Which steps there are to choose from, as a story stands."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

from assisted_kit.driver import Operation
from conformance.machine.mishaps import possible
from conformance.machine.program import Step
from conformance.machine.story import Story
from fakes.compute import Generation

COMMITS = range(1, 8)
"""Where the volume service is killed: as many as an operation has."""

MOST_NEW = 2
"""Volumes beside which no empty one is made."""

TAKE = "take_snapshot"
DELETE = "delete_snapshot"


CONNECTIONS = ("attach", "detach", "restart_guest")
CHAINS = ("take_snapshot", "delete_snapshot", "extend", "clone")


def steps(story: Story, operation: str) -> list[Step]:
    """The steps of one operation that make sense now, without mishaps."""
    return [
        step
        for step in _steps(story, operation)
        if story.can(step) and _is_news(story, step)
    ]


def _is_news(story: Story, step: Step) -> bool:
    """Whether something has happened since the last such step.

    A story that attaches and detaches for ever has nothing to tell.
    """
    before = story.program.steps[::-1]
    match step.operation:
        case "restart_service" | "upgrade_nova":
            since = _until(before, lambda s: s.operation == step.operation)
            return any(s.operation in CHAINS for s in since)
        case "write":
            about = _about(story, before, step)
            return about[:1] != ["write"]
        case "attach" | "detach" | "restart_guest":
            # A guest that is behind is detached and attached again.
            about = _about(story, before, step)
            return not all(name in CONNECTIONS for name in about[:2])
    return True


def _until(
    steps: Iterable[Step], ends: Callable[[Step], bool]
) -> Iterator[Step]:
    return itertools.takewhile(lambda step: not ends(step), steps)


def _about(story: Story, steps: Iterable[Step], step: Step) -> list[str]:
    """The operations on the volume of a step, the last one first."""
    volume = step.arguments["volume"]
    of_it = story.model.volumes[volume].snapshots
    return [
        each.operation
        for each in steps
        if each.arguments.get("volume") == volume
        or each.arguments.get("snapshot") in of_it
        or each.operation in ("restart_service", "deadline_passes")
    ]


def gone_wrong(story: Story, operation: str) -> list[Step]:
    """Those in which something goes wrong at Nova."""
    kind = Operation.CREATE if operation == TAKE else Operation.DELETE
    return [
        found
        for step in _steps(story, operation)
        for nova in possible(kind)
        if story.can(found := _with(step, nova=nova))
    ]


def killed(story: Story, operation: str) -> list[Step]:
    """Those in which the volume service is killed."""
    return [
        found
        for step in _steps(story, operation)
        for commit in COMMITS
        if story.can(found := _with(step, killed_at=commit))
    ]


def _with(step: Step, **more: object) -> Step:
    return Step(step.operation, {**step.arguments, **more})


def _steps(story: Story, operation: str) -> Iterator[Step]:
    model = story.model
    new_volume = f"V{model.made + 1}" if model.made else "V"
    match operation:
        case "create_volume":
            # The others are copies.
            if len(model.volumes) < MOST_NEW:
                yield Step(operation, {"volume": new_volume})
        case "take_snapshot":
            new_snapshot = f"s{model.taken + 1}"
            for volume in model.volumes:
                yield Step(
                    operation, {"volume": volume, "snapshot": new_snapshot}
                )
        case "delete_snapshot":
            for snapshot in model.snapshots:
                yield Step(operation, {"snapshot": snapshot})
        case "clone":
            for volume in model.volumes:
                yield Step(operation, {"volume": volume, "copy": new_volume})
        case "create_from_snapshot":
            for snapshot in model.snapshots:
                yield Step(
                    operation, {"snapshot": snapshot, "copy": new_volume}
                )
        case "upgrade_nova":
            for generation in Generation:
                yield Step(operation, {"generation": str(generation)})
        case "restart_service" | "report_arrives" | "deadline_passes":
            yield Step(operation)
        case _:
            for volume in model.volumes:
                yield Step(operation, {"volume": volume})
