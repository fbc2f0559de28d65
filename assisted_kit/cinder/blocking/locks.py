# SPDX-License-Identifier: Apache-2.0
"""Locks on a volume's chain, which all processes of a back end share.

A driver's method may call another one of its own: who holds a lock gets it
again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cinder import coordination

_CHAIN = "assisted-chain-{}"
_GATE = "assisted-gate-{}"

_threads = threading.local()


@contextlib.contextmanager
def chain(volume_id: str) -> Iterator[None]:
    """Ours from *begin* to the end of *complete* (section 4)."""
    lock = _Lock(_CHAIN.format(volume_id))
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def forget(volume_id: str) -> None:
    """The volume is gone: nobody wants its locks any more."""
    for kind in (_CHAIN, _GATE):
        coordination.synchronized_remove(kind.format(volume_id))


class Gate:
    """What attaching a volume waits for.

    Shut while a hook works on a detached volume, and never while Nova works
    (section 4).
    """

    def __init__(self, volume_id: str) -> None:
        self._lock = _Lock(_GATE.format(volume_id))
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


class _Lock:
    """One of Cinder's, for a thread as often as it likes."""

    def __init__(self, name: str) -> None:
        self._name = name

    def acquire(self) -> None:
        held = _held_here()
        if self._name not in held:
            lock = coordination.COORDINATOR.get_lock(self._name)
            lock.acquire()
            held[self._name] = _Held(lock)
        held[self._name].times += 1

    def release(self) -> None:
        held = _held_here()
        found = held[self._name]
        found.times -= 1
        if not found.times:
            del held[self._name]
            found.lock.release()


@dataclass(slots=True)
class _Held:
    lock: Any
    times: int = 0


def _held_here() -> dict[str, _Held]:
    """What this thread holds."""
    found: dict[str, _Held] = _threads.__dict__.setdefault("held", {})
    return found
