# SPDX-License-Identifier: Apache-2.0
"""An image file: what connection information leads to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Image:
    """A file and the format that it is to be opened with, never a guess."""

    path: Path
    format: str
    """``raw`` or ``qcow2``."""

    def __str__(self) -> str:
        return f"{self.path.name} ({self.format})"
