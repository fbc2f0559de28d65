# SPDX-License-Identifier: Apache-2.0
"""What was asked of a run, beside the driver and its rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assisted_kit.exploration import DEFAULT
from assisted_kit.exploration import Exploration


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Handed from the command line to the processes that run the suite."""

    dossier: Path | None = None
    """The folder to write all about each failure to."""
    exhaustive: bool = False
    """Whether the fault matrix is run whole, not only every pair."""
    explore: Exploration = DEFAULT
    """How far the state machine goes."""

    def as_dict(self) -> dict[str, Any]:
        """What a process that is started is told."""
        return {
            "dossier": str(self.dossier.absolute()) if self.dossier else None,
            "exhaustive": self.exhaustive,
            "explore": [self.explore.given_seed, self.explore.given_examples],
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> RunOptions:
        """What a process that was started has been told."""
        return cls(
            Path(said["dossier"]) if said["dossier"] else None,
            said["exhaustive"],
            Exploration(*said["explore"]),
        )

    @property
    def of_pytest(self) -> list[str]:
        """The plugin's options that ask for the same."""
        words = [
            f"--assisted-{name}={value}"
            for name, value in self.explore.given.items()
        ]
        if self.dossier:
            words.append(f"--assisted-dossier={self.dossier}")
        if self.exhaustive:
            words.append("--assisted-exhaustive")
        return words


NOTHING_ASKED = RunOptions()
"""What a run does when nothing was said."""
