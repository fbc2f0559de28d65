# SPDX-License-Identifier: Apache-2.0
"""Gates: a volume is not attached while its chain is being rebuilt.

Contract section 4: while *begin* or *complete* of a detached volume runs,
``initialize_connection`` waits for it; it never waits for ``compute``.
"""

from __future__ import annotations

import threading


class Gates:
    """One lock a volume, which any thread may give back."""

    def __init__(self) -> None:
        self._gates: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, volume_id: str) -> threading.Lock:
        """The gate of a volume."""
        with self._lock:
            return self._gates.setdefault(volume_id, threading.Lock())

    def forget(self, volume_id: str) -> None:
        """Drop the gate of a volume that is gone."""
        with self._lock:
            self._gates.pop(volume_id, None)
