# SPDX-License-Identifier: Apache-2.0
"""What a hostile image or info file can name, and what is around it."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

MARKER = "marker"
"""A file outside the share that nobody may open."""

SOCKET = "nbd"
"""A socket beside it, at which somebody listens."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """An image of a volume, in whose place a hostile one is put."""

    image: Path
    below: Path
    """Its backing file."""
    below_format: str
    size: int
    """Bytes of the volume."""
    another: Path
    """The image of another volume on the share."""
    outside: Path
    """A directory that is not on the share."""
    port: int
    """Where somebody listens on 127.0.0.1."""

    def name(self, template: str) -> str:
        """A name for these surroundings.

        Not by ``str.format``: names of QEMU's have braces of their own.
        """
        share = self.image.parent
        for word, value in {
            "{own}": self.image.name,
            "{below}": self.below.name,
            "{another}": self.another.name,
            "{share}": str(share),
            "{share_name}": share.name,
            "{outside}": str(self.outside),
            "{up}": os.path.relpath(self.outside, share),
            "{port}": str(self.port),
        }.items():
            template = template.replace(word, value)
        return template


Put: TypeAlias = Callable[[Surroundings], None]
"""Puts a hostile image in the place of the one that is there."""

Images: TypeAlias = Mapping[str, Put]
"""Hostile images by what is wrong with them."""
