# SPDX-License-Identifier: Apache-2.0
"""The compute service killed at each point of its part of an operation."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager

from assisted_kit.driver import Operation
from conformance.crash.sweep import Sweep
from conformance.deployment import Deployment
from fakes.compute.faults import DEATHS
from fakes.compute.faults import Fault


class ComputeSweep(Sweep):
    """Nobody carries on for it, so that the deadline passes.

    Unless it has reported the end.
    """

    victim = "compute service"

    def __init__(self, deployment: Deployment, operation: Operation) -> None:
        super().__init__(deployment)
        self._operation = operation
        self._left = list(DEATHS)
        self.is_reported = False
        """Whether it died after it had reported the end."""

    @property
    def is_over(self) -> bool:
        return not self._left

    @contextmanager
    def _armed(self) -> Iterator[None]:
        death = self._left.pop(0)
        self.is_reported = death is Fault.DIE_AFTER_REPORT
        self._deployment.faults.on(self._operation, death)
        self._died(f"at its point {death.value!r}")
        yield

    def _carry_on(self, meanwhile: Callable[[], object]) -> None:
        meanwhile()
        if not self.is_reported:
            self._deployment.let_deadline_pass()
