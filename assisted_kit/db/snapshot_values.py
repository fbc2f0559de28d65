# SPDX-License-Identifier: Apache-2.0
"""What is stored of a snapshot in flight: keys and values."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from assisted_kit.lifecycle import Phase
from assisted_kit.updates import ModelUpdate

PHASE = "manager:phase"
ATTEMPT = "manager:attempt"
DEADLINE = "manager:deadline"
COMPUTE_CALL = "manager:compute_call"
COMPUTE_TOLD_TO = "manager:compute_told_to"
COMPUTE_FAILED = "manager:compute_failed"
PREVIOUS_STATUS = "manager:previous_status"
SNAPSHOT_STATUS = "snapshot_status"
COMPUTE_PROGRESS = "compute_progress"

EARLIER_ATTEMPT = (
    SNAPSHOT_STATUS,
    COMPUTE_PROGRESS,
    "delete_info:type",
    "delete_info:file_to_merge",
    "delete_info:merge_target_file",
)
"""What entering the phase ``begin`` removes (section 2)."""


CINDERS = "0"
"""The number of an operation that nothing is stored of."""


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """One operation on one snapshot, whichever process carries it."""

    snapshot_id: str
    volume_id: str
    number: str
    """Grows with every operation begun on the snapshot."""

    @property
    def is_cinders(self) -> bool:
        """Whether Cinder began it, before the database was upgraded."""
        return self.number == CINDERS

    @property
    def stored(self) -> str | None:
        """What is stored of its number, None for nothing."""
        return None if self.is_cinders else self.number


@dataclasses.dataclass(frozen=True, slots=True)
class InFlight:
    """A snapshot in flight, as found in the database."""

    attempt: Attempt
    status: str
    phase: Phase | None
    """None: a legacy driver's call was under way."""
    admin_metadata: Mapping[str, str]
    owner: str | None
    """The process that has the claim on the volume's chain, if any has."""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What a transition stores beside status and phase."""

    update: ModelUpdate = dataclasses.field(default_factory=ModelUpdate)
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    admin_metadata: Mapping[str, str | None] = dataclasses.field(
        default_factory=dict
    )
    connection_info: Mapping[str, Mapping[str, Any]] = dataclasses.field(
        default_factory=dict
    )
    """By attachment id, the whole of it."""
