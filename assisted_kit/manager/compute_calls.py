# SPDX-License-Identifier: Apache-2.0
"""Asking the compute service, and what its answer is worth (section 5)."""

from __future__ import annotations

import enum
import logging
from collections.abc import Mapping
from typing import Any
from typing import Protocol

from assisted_kit import compute_request
from assisted_kit.db.snapshot_values import InFlight
from assisted_kit.driver import Operation

LOG = logging.getLogger(__name__)

REFUSALS = frozenset({400, 401, 403, 404, 409})
"""HTTP statuses with which Nova says that it will do nothing."""

NO_CONNECTION = frozenset(
    {
        "ConnectionRefusedError",
        "ConnectTimeoutError",
        "NewConnectionError",
        "gaierror",
    }
)
"""Exceptions by class name that say that no connection could be opened.

They are looked for among the causes: keystoneauth raises ConnectFailure for
a connection that broke after the work as well.
"""


BROKEN_CONNECTION = frozenset(
    {
        "BrokenPipeError",
        "ConnectionAbortedError",
        "ConnectionResetError",
        "ProtocolError",
        "ReadTimeout",
        "ReadTimeoutError",
        "RemoteDisconnected",
    }
)
"""Exceptions by class name that say that there was a connection.

Among the causes may be an earlier or later try that found none: that says
nothing about what this one carried to Nova.
"""


class ComputeApi(Protocol):
    """Nova's assisted snapshots, as Cinder's ``compute.API`` has them."""

    def create_volume_snapshot(
        self, context: Any, volume_id: str, create_info: Mapping[str, Any]
    ) -> Any:
        """Ask that the guest be switched to the overlay."""

    def delete_volume_snapshot(
        self, context: Any, snapshot_id: str, delete_info: Mapping[str, Any]
    ) -> Any:
        """Ask that files be merged under the guest."""


class Answer(enum.StrEnum):
    """The values of ``manager:compute_call``."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


def ask(
    compute: ComputeApi,
    context: Any,
    operation: Operation,
    found: InFlight,
) -> Answer:
    """Send the request that is stored; never raises."""
    attempt, stored = found.attempt, found.admin_metadata
    try:
        if operation is Operation.CREATE:
            compute.create_volume_snapshot(
                context,
                attempt.volume_id,
                compute_request.create_info(attempt.snapshot_id, stored),
            )
        else:
            compute.delete_volume_snapshot(
                context,
                attempt.snapshot_id,
                compute_request.delete_info(attempt.volume_id, stored),
            )
    except Exception as error:
        answer = _answer(error)
        LOG.warning(
            "the compute service's answer to the %s of snapshot %s counts "
            "as %s: %s: %s",
            operation,
            attempt.snapshot_id,
            answer,
            type(error).__name__,
            error,
        )
        return answer
    return Answer.ACCEPTED


def _answer(error: Exception) -> Answer:
    status = getattr(error, "code", None) or getattr(
        error, "http_status", None
    )
    if isinstance(status, int):
        refused = status in REFUSALS
    else:
        kinds = {
            cls.__name__
            for cause in _causes(error)
            for cls in type(cause).__mro__
        }
        refused = bool(kinds & NO_CONNECTION) and not (
            kinds & BROKEN_CONNECTION
        )
    # Unless it was refused it may have been carried out: only a report or
    # the deadline will tell.
    return Answer.REFUSED if refused else Answer.UNKNOWN


def _causes(error: BaseException) -> list[BaseException]:
    """The error and everything it was raised from, or wraps."""
    causes: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if not isinstance(cause, BaseException) or cause in causes:
            continue
        causes.append(cause)
        waiting += [cause.__cause__, cause.__context__, *cause.args]
        # urllib3's MaxRetryError keeps what went wrong here.
        waiting.append(getattr(cause, "reason", None))
    return causes
