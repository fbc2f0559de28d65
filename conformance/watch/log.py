# SPDX-License-Identifier: Apache-2.0
"""What a driver logs, at every level and through every logger.

Whatever levels are configured: what is logged for debugging is in
somebody's file some day.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from conformance.watch import calls
from conformance.watch.calls import DriverCall

VERBOSE = ("fasteners", "sqlalchemy")
"""Libraries that below a warning tell each statement and lock.

Nothing that a driver wants to be known is among it, and a test shows only the
last lines.
"""

LIMIT = 10_000
"""Records that are kept of one test."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One record of the driver's."""

    call: DriverCall
    level: str
    logger: str
    text: str
    when: float = field(default_factory=time.perf_counter, compare=False)
    """Seconds of ``time.perf_counter``."""

    def __str__(self) -> str:
        return f"{self.level} {self.logger}: {self.text}"


class DriverLog:
    """Keeps what is logged on a driver's threads."""

    def __init__(self) -> None:
        self._records: list[Logged] = []
        self._lock = threading.Lock()
        self._formatter = logging.Formatter()
        self._configured: Callable[..., bool] | None = None

    @property
    def records(self) -> list[Logged]:
        """What was logged, in order."""
        with self._lock:
            return list(self._records)

    def is_enabled_for(
        self, original: Callable[..., bool]
    ) -> Callable[..., bool]:
        """``Logger.isEnabledFor``: every level is, for a driver."""
        self._configured = original

        def is_enabled_for(logger: Any, level: int) -> bool:
            return original(logger, level) or calls.current() is not None

        return is_enabled_for

    def handle(self, original: Callable[..., None]) -> Callable[..., None]:
        """``Logger.handle``: handlers get what they would have got."""

        def handle(logger: Any, record: logging.LogRecord) -> None:
            call = calls.current()
            if call is not None and not _is_verbose(record):
                self._keep(call, record)
            configured = self._configured
            if (
                call is None
                or configured is None
                or configured(logger, record.levelno)
            ):
                original(logger, record)

        return handle

    def _keep(self, call: DriverCall, record: logging.LogRecord) -> None:
        try:
            with calls.aside():
                text = self._formatter.format(record)
        except Exception as error:  # a wrong statement is the driver's
            text = f"{record.msg!r} % {record.args!r}: {error}"
        entry = Logged(call, record.levelname, record.name, text)
        with self._lock:
            if len(self._records) < LIMIT:
                self._records.append(entry)


def _is_verbose(record: logging.LogRecord) -> bool:
    library = record.name.partition(".")[0]
    return library in VERBOSE and record.levelno < logging.WARNING
