# SPDX-License-Identifier: Apache-2.0
"""What Nova was asked, did and reported, for the message of a failure."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import TypeVar

from assisted_kit.driver import Operation
from assisted_kit.reports import ACTION


@dataclass(frozen=True, slots=True)
class Call:
    """A call that Nova's API received, and its answer."""

    operation: Operation
    snapshot_id: str
    volume_id: str
    info: Any
    """``create_info`` or ``delete_info`` as it was handed over."""
    answer: str

    def __str__(self) -> str:
        return (
            f"Nova was asked to {self.operation} snapshot "
            f"{self.snapshot_id} of volume {self.volume_id}: "
            f"{_json(self.info)} -> {self.answer}"
        )


@dataclass(frozen=True, slots=True)
class EffectBegun:
    """The hypervisor starts to change files."""

    operation: Operation
    snapshot_id: str
    images: tuple[str, ...]
    """The guest's chain at that time, the active image first."""

    def __str__(self) -> str:
        return (
            f"the {self.operation} of {self.snapshot_id} starts on the chain "
            f"{' -> '.join(self.images)}"
        )


@dataclass(frozen=True, slots=True)
class EffectEnded:
    """The hypervisor is done with the files, or has failed."""

    operation: Operation
    snapshot_id: str
    images: tuple[str, ...]
    error: str | None = None

    def __str__(self) -> str:
        outcome = "" if self.error is None else f" with {self.error!r}"
        return (
            f"the {self.operation} of {self.snapshot_id} ends{outcome}, the "
            f"chain is {' -> '.join(self.images)}"
        )


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was sent, and what the status API answered."""

    snapshot_id: str
    body: Mapping[str, Any]
    answer: str

    def __str__(self) -> str:
        return (
            f"Nova reported on {self.snapshot_id}: "
            f"{_json(self.body[ACTION])} -> {self.answer}"
        )


@dataclass(frozen=True, slots=True)
class Refresh:
    """Nova read an attachment's connection information again."""

    volume_id: str
    instance_uuid: str
    connection_info: Mapping[str, Any] | None
    """None: there is no such attachment any more."""

    def __str__(self) -> str:
        info = self.connection_info
        # Not the whole of it: a driver may keep secrets there.
        found = (
            "no attachment"
            if info is None
            else f"name {info.get('name')!r}, format {info.get('format')!r}"
        )
        return (
            f"instance {self.instance_uuid} read the connection information "
            f"of volume {self.volume_id} again: {found}"
        )


@dataclass(frozen=True, slots=True)
class Mishap:
    """A planned fault took effect."""

    operation: Operation
    snapshot_id: str
    what: str

    def __str__(self) -> str:
        return (
            f"planned for the {self.operation} of {self.snapshot_id}: "
            f"{self.what}"
        )


Record = Call | EffectBegun | EffectEnded | Report | Refresh | Mishap
R = TypeVar("R", Call, EffectBegun, EffectEnded, Report, Refresh, Mishap)


class History:
    """Records in the order in which things happened; for any thread."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._times: list[float] = []
        self._lock = threading.Lock()

    def add(self, record: Record) -> None:
        """Append a record."""
        with self._lock:
            self._records.append(record)
            self._times.append(time.perf_counter())

    def timed(self) -> list[tuple[float, Record]]:
        """The records with the time of each, by ``time.perf_counter``."""
        with self._lock:
            return list(zip(self._times, self._records, strict=True))

    def of(self, kind: type[R]) -> list[R]:
        """The records of one kind."""
        return [record for record in self if isinstance(record, kind)]

    def about(self, snapshot_id: str) -> list[Record]:
        """The records that name a snapshot."""
        return [
            record
            for record in self
            if getattr(record, "snapshot_id", None) == snapshot_id
        ]

    def __iter__(self) -> Iterator[Record]:
        with self._lock:
            return iter(tuple(self._records))

    def __len__(self) -> int:
        with self._lock:
            return len(self._records)

    def __str__(self) -> str:
        return "\n".join(str(record) for record in self)


def _json(value: Any) -> str:
    return json.dumps(value, default=repr)
