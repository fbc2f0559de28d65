# SPDX-License-Identifier: Apache-2.0
"""How long the compute service may take."""

from __future__ import annotations

from dataclasses import dataclass

from assisted_kit.driver import Operation


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines of the phase ``compute`` in seconds (section 4)."""

    create: float = 600.0
    delete: float = 7200.0

    def of(self, operation: Operation) -> float:
        """The deadline of an operation, from its start or last progress."""
        if operation is Operation.CREATE:
            return self.create
        return self.delete
