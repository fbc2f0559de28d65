# SPDX-License-Identifier: Apache-2.0
"""What is said of a good driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class GoodDriver:
    """A driver that conforms, and what it does differently."""

    driver: type[Any]
    """The driver's class, or the adapter that constructs it."""
    difference: str

    @property
    def name(self) -> str:
        """``module:Class``."""
        return f"{self.driver.__module__}:{self.driver.__name__}"
