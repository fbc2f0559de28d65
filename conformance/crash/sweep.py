# SPDX-License-Identifier: Apache-2.0
"""An operation that is repeated, and dies at one point after the other."""

from __future__ import annotations

import abc
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextlib import contextmanager
from typing import Any

from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from conformance.crash.fork_server import ForkServer
from conformance.crash.killed import Killed
from conformance.deployment import Deployment


class Sweep(abc.ABC):
    """Has a service die at each point of an operation once."""

    victim = "volume service"
    """The service that dies."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.died_at = ""
        """The point; empty unless the last operation died."""
        self.died_in: Hook | None = None
        """The hook in which that was, if it was in one."""
        self.points: list[str] = []
        """All that it died at."""

    @property
    @abc.abstractmethod
    def is_over(self) -> bool:
        """Whether the last operation had no point left to die at."""

    @contextmanager
    def deadly(self, meanwhile: Callable[[], object]) -> Iterator[None]:
        """Have the body's operation die at the next point, and be carried on.

        By another service, from the database and the share alone.

        :param meanwhile: what is done while there is no such service.
        """
        self.died_at = ""
        self.died_in = None
        with self._armed():
            yield
            self._deployment.settle()
        if self.died_at:
            self._carry_on(meanwhile)

    def _carry_on(self, meanwhile: Callable[[], object]) -> None:
        """Have another volume service go on."""
        with self._deployment.service_down():
            meanwhile()

    @abc.abstractmethod
    def _armed(self) -> AbstractContextManager[None]:
        """Have the service that there is now die in the body."""

    def _died(self, where: str, hook: Hook | None = None) -> None:
        self.died_at = where
        self.died_in = hook
        self.points.append(where)


class HookSweep(Sweep):
    """Dies inside the hooks, at the points of *begin* first.

    The operation in which that has no more of them is the one that dies at
    the first of *complete*.
    """

    def __init__(
        self, deployment: Deployment, server: ForkServer, operation: Operation
    ) -> None:
        super().__init__(deployment)
        self._server = server
        self._left = {Hook.begin(operation): 1, Hook.complete(operation): 1}

    @property
    def is_over(self) -> bool:
        return not self._left

    @contextmanager
    def _armed(self) -> Iterator[None]:
        for hook, point in self._left.items():
            self._deployment.driver.call_instead(
                hook, self._calling(hook, point)
            )
        yield

    def _calling(self, hook: Hook, point: int) -> Callable[[Any], Any]:
        call = self._server.calling(
            self._deployment.share, self._deployment.base_format, hook, point
        )

        def call_and_see(snapshot_ref: Any) -> Any:
            try:
                returned = call(snapshot_ref)
            except Killed as killed:
                self._left[hook] += 1
                self._died(f"in {hook}, {killed.where}", hook)
                raise
            except Exception:
                # Nothing that it would do next is a point of the driver's.
                self._left.clear()
                raise
            self._left.pop(hook, None)
            return returned

        return call_and_see
