# SPDX-License-Identifier: Apache-2.0
"""Locks on a volume's chain, which all processes of a back end share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from cinder import coordination


@contextlib.contextmanager
def chain(volume_id: str) -> Iterator[None]:
    """Ours from *begin* to the end of *complete* (section 4)."""
    with coordination.COORDINATOR.get_lock(f"assisted-chain-{volume_id}"):
        yield


class Gate:
    """What attaching a volume waits for.

    Shut while a hook works on a detached volume, and never while Nova works
    (section 4).
    """

    def __init__(self, volume_id: str) -> None:
        self._lock = coordination.COORDINATOR.get_lock(
            f"assisted-gate-{volume_id}"
        )
        self._shut = False

    def shut(self) -> None:
        """Let nobody attach the volume."""
        if not self._shut:
            self._lock.acquire()
            self._shut = True

    def open(self) -> None:
        """Let go on whoever waits."""
        if self._shut:
            self._shut = False
            self._lock.release()

    def __enter__(self) -> None:
        self.shut()

    def __exit__(self, *error: object) -> None:
        self.open()
