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
    races: bool = False
    """Whether it may fail any rule, once in a while: by its defect it depends
    on which of two threads is faster, on a busy host most of all."""

    @property
    def name(self) -> str:
        """``module:Class``."""
        return f"{self.driver.__module__}:{self.driver.__name__}"
