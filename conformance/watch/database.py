# SPDX-License-Identifier: Apache-2.0
"""Hooks that write the database (contract section 1).

Through references, through SQLAlchemy, or through sqlite3 beneath it.  A
database of the driver's own with other tables is its own business.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from assisted_kit.db.models import Base
from conformance.watch import calls
from conformance.watch.calls import DriverCall
from conformance.watch.calls import Sort

TABLES = frozenset(Base.metadata.tables)
"""Cinder's tables that the contract is about."""

_WRITE = re.compile(
    r"\s*(?:with\b.*?\)\s*)?"
    r"(insert\s+(?:or\s+\w+\s+)?into|replace\s+into|update(?:\s+or\s+\w+)?"
    r"|delete\s+from|drop\s+table(?:\s+if\s+exists)?"
    r"|alter\s+table)"
    r"\s+[\"`\[]?(\w+)",
    re.IGNORECASE | re.DOTALL,
)

SHOWN = 100
"""Characters of a statement that are shown: its values may be secrets."""


def written_table(statement: str) -> str | None:
    """The table of Cinder's that a statement writes, if it does."""
    found = _WRITE.match(statement)
    if found is None:
        return None
    table = found[2].lower()
    return table if table in TABLES else None


def _judge(call: DriverCall, statement: str) -> None:
    if call.is_hook and written_table(statement) is not None:
        shown = " ".join(statement.split())[:SHOWN]
        call.saw(Sort.DATABASE, f"executed {shown!r}")


def before_cursor_execute(
    _connection: Any, _cursor: Any, statement: str, *_others: Any
) -> None:
    """SQLAlchemy's event, of every engine."""
    call = calls.current()
    if call is not None:
        _judge(call, statement)


def _trace(statement: str) -> None:
    # Whoever uses the connection then may be somebody else.
    call = calls.current()
    if call is not None:
        _judge(call, statement)


def connecting(connect: Callable[..., Any]) -> Callable[..., Any]:
    """``sqlite3.connect``; the audit event comes before it can be traced."""

    def watched(*args: Any, **kwargs: Any) -> Any:
        connection = connect(*args, **kwargs)
        if calls.current() is not None:
            connection.set_trace_callback(_trace)
        return connection

    return watched


def saving(save: Callable[[Any], None]) -> Callable[[Any], None]:
    """``Ref.save``; it fails in a hook, or is a reference kept from before.

    A driver may swallow the failure, so the attempt is what counts.
    """

    def watched(ref: Any) -> None:
        call = calls.current()
        if call is not None and call.is_hook:
            call.saw(Sort.DATABASE, f"tried to save {ref!r}")
        with calls.aside():
            save(ref)

    return watched
