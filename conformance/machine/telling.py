# SPDX-License-Identifier: Apache-2.0
"""Telling a story: each step is taken down, carried out and checked."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any
from typing import Concatenate
from typing import ParamSpec
from typing import TypeVar

from assisted_kit.capabilities import Capability
from assisted_kit.subject import Subject
from conformance.deployment import Deployment
from conformance.machine.checks import Checks
from conformance.machine.contradiction import Contradiction
from conformance.machine.model import Model
from conformance.machine.program import Program
from conformance.machine.program import Step
from conformance.machine.told import ToldVolume
from conformance.violation import OperationFailed
from fakes.compute import Generation

P = ParamSpec("P")
S = TypeVar("S", bound="Telling")


class Telling:
    """A deployment around a driver, and what was done in it so far.

    :param base: the format of new volumes' base images.
    :param nova: the generation of the compute service at the beginning.
    """

    def __init__(
        self, subject: Subject, *, base: str = "raw", nova: str = "dual"
    ) -> None:
        self.subject = subject
        self.program = Program(base, nova)
        self.model = Model()
        self.volumes: dict[str, ToldVolume] = {}
        self.told_last: ToldVolume | None = None
        """The volume that the last step was about."""
        self.checks = Checks(self.model, self.volumes)
        self.deployment = Deployment(
            subject, base_format=base, generation=Generation(nova)
        )
        self._names: dict[str, str] = {}
        self._longer_names: dict[str, str] = {}

    def open(self) -> None:
        """Set everything up."""
        self.deployment.setUp()

    def close(self) -> None:
        """Stop everything, and remove it."""
        self.deployment.cleanUp()

    def end(self) -> None:
        """See once more, thoroughly, that everything is as it should be.

        :raises Contradiction: something is not.
        """
        with self._contradictions():
            self.checks.all(thorough=True)

    def has(self, *capabilities: Capability) -> bool:
        """Whether the driver declares all of these."""
        return self.subject.adapter.capabilities.issuperset(capabilities)

    # -- steps

    def can(self, step: Step) -> bool:
        """Whether a step makes sense now, and what it leads to is known."""
        can: Callable[..., bool] = getattr(self, f"can_{step.operation}")
        return can(**step.arguments)

    def do(self, step: Step) -> None:
        """Carry a step out.

        :raises Contradiction: it, or anything after it, is not as it
            should be.
        """
        getattr(self, step.operation)(**step.arguments)

    def carry_out(self, step: Step, operation: Callable[[], object]) -> None:
        """Take a step down, carry it out, and look at everything after."""
        self.program = self.program.and_then(step)
        name = step.arguments.get("volume")
        name = name or self._volume_of(step.arguments.get("snapshot"))
        self.told_last = self.volumes.get(str(name), self.told_last)
        if self.told_last is not None:
            self.told_last.chain_before = self.told_last.draw()
        with self._contradictions():
            for volume in self.volumes.values():
                volume.moves()
            operation()
            # Faults that no request has come for.
            self.deployment.faults.forget()
            for volume in self.volumes.values():
                volume.holds_still()
            self.checks.all()
            for name, volume in self.volumes.items():
                volume.look(self.model.volumes[name])

    def _volume_of(self, snapshot: object) -> str | None:
        found = self.model.snapshots.get(str(snapshot))
        return found.volume if found else None

    @contextmanager
    def _contradictions(self) -> Iterator[None]:
        """Have everything that is raised said in one way."""
        try:
            yield
        except Contradiction:
            raise
        except OperationFailed as error:
            raise Contradiction(
                "status", error.expected, error.observed
            ) from error
        except Exception as error:  # whatever the driver raises
            raise Contradiction(
                f"raises {type(error).__name__}",
                f"to {self.program.steps[-1]} goes well",
                f"{type(error).__name__}: {error}",
            ) from error

    def settle(self, volume: ToldVolume) -> None:
        """Wait until what was started is over or waits for a report."""
        volume.settle()

    def refused(
        self, volume: ToldVolume, operation: Callable[[], object]
    ) -> None:
        """See that an operation raises, and changes nothing."""
        before = volume.state()
        try:
            operation()
        except Exception as error:  # whatever the driver raises
            observed = f"{type(error).__name__}: {error}"
        else:
            observed = ""
        self.checks.claim(
            bool(observed),
            "what was refused",
            f"to {self.program.steps[-1]} is refused, since an earlier "
            f"operation is in doubt",
            "it was carried out",
        )
        self.checks.unchanged(volume, before)

    # -- names

    def call(self, name: str, long: str, longer: str = "") -> None:
        """Have messages say ``name`` for an id, and for a longer name."""
        self._names[long] = f"<id of {name}>" if longer else name
        if longer:
            self._longer_names[longer] = name

    def names(self) -> Mapping[str, str]:
        """Long names to short ones, the longest first."""
        return {**self._longer_names, **self._names}


def told(
    method: Callable[Concatenate[S, P], None],
) -> Callable[Concatenate[S, P], None]:
    """Make a method an operation of programs.

    Arguments that are None were not said.
    """
    signature = inspect.signature(method)

    @functools.wraps(method)
    def tell(self: S, /, *arguments: P.args, **named: P.kwargs) -> None:
        bound = signature.bind(self, *arguments, **named).arguments
        said: dict[str, Any] = {
            name: value
            for name, value in list(bound.items())[1:]
            if value is not None
        }
        self.carry_out(
            Step(method.__name__, said),
            lambda: method(self, *arguments, **named),
        )

    return tell
