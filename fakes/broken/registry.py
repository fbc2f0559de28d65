# SPDX-License-Identifier: Apache-2.0
"""What is said of a broken driver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class BrokenDriver:
    """A broken driver and the rules that it breaks."""

    driver: type[Any]
    rules: tuple[str, ...]
    sources: tuple[str, ...] = ()
    """Where the field had this defect."""

    @property
    def name(self) -> str:
        """``module:Class``."""
        return f"{self.driver.__module__}:{self.driver.__name__}"
