# SPDX-License-Identifier: Apache-2.0
"""An operation that is repeated, and dies at one point after the other."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from assisted_kit.driver import Hook
from assisted_kit.driver import Operation
from conformance.crash.fork_server import ForkServer
from conformance.crash.killed import Killed
from conformance.deployment import Deployment


class Sweep:
    """Has the volume service die at each point of an operation once.

    At those of *begin* first.  The operation in which that has no more of
    them is the one that dies at the first of *complete*.
    """

    def __init__(
        self, deployment: Deployment, server: ForkServer, operation: Operation
    ) -> None:
        self._deployment = deployment
        self._server = server
        self._left = {Hook.begin(operation): 1, Hook.complete(operation): 1}
        self.died_at = ""
        """The hook and the point; empty unless the last operation died."""
        self.points: list[str] = []
        """All that it died at."""
        self.died_in: Hook | None = None

    @property
    def is_over(self) -> bool:
        """Whether the last operation had no point left to die at."""
        return not self._left

    @contextmanager
    def deadly(self, meanwhile: Callable[[], object]) -> Iterator[None]:
        """Have the body's operation die at the next point, and be carried on.

        By another volume service, from the database and the share alone.

        :param meanwhile: what is done while there is no volume service.
        """
        deployment = self._deployment
        self.died_at = ""
        self.died_in = None
        for hook, point in list(self._left.items()):
            deployment.driver.call_instead(hook, self._calling(hook, point))
        yield
        deployment.settle()
        if self.died_at:
            with deployment.service_down():
                meanwhile()

    def _calling(self, hook: Hook, point: int) -> Callable[[Any], Any]:
        call = self._server.calling(
            self._deployment.share, self._deployment.base_format, hook, point
        )

        def call_and_see(snapshot_ref: Any) -> Any:
            try:
                returned = call(snapshot_ref)
            except Killed as killed:
                self._left[hook] += 1
                self.died_in = hook
                self.died_at = f"{hook}, {killed.point}"
                self.points.append(self.died_at)
                raise
            except Exception:
                # Nothing that it would do next is a point of the driver's.
                self._left.clear()
                raise
            self._left.pop(hook, None)
            return returned

        return call_and_see
