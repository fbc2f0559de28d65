# SPDX-License-Identifier: Apache-2.0
"""SQLite's particulars: which connections there are, and when it is busy.

oslo.db opens a connection for every use of a database file, which costs
more than a transaction does, and lends the one connection of an in-memory
database to any number of threads at a time, whose transactions then become
one. It also renews a connection after an hour, which empties an in-memory
database. The plug-in below replaces that.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa
import tenacity
from sqlalchemy import event
from sqlalchemy import pool
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import interfaces

PLUGIN = "assisted_kit_sqlite"

# The low byte is the error; the others say more about it (BUSY_SNAPSHOT is
# BUSY), see https://www.sqlite.org/rescode.html.
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

KEPT = 16
"""Connections to a file that are kept for the next use."""

_BUSY_TIMEOUT = 60
"""Seconds that a writer waits for the others.

SQLite lets whoever comes first have the lock, and not who waits longest: with
the driver's own 5 s one of many threads comes away with nothing on a host that
is busy.
"""


def with_plugin(url: sa.URL) -> sa.URL:
    """Return the URL such that an engine made of it has `Connections`."""
    plugins.register(PLUGIN, __name__, Connections.__name__)
    return url.update_query_dict({"plugin": PLUGIN}, append=True)


def is_lock_error(error: BaseException | None) -> bool:
    """Say whether the driver reports a lock that somebody else holds.

    That is "database is locked" and "database table is locked". An error
    that SQLAlchemy has wrapped carries the driver's as ``orig``.
    """
    if isinstance(error, sa.exc.DBAPIError):
        error = error.orig
    # Errors that SQLite did not raise itself carry no code.
    code = getattr(error, "sqlite_errorcode", None)
    return (
        isinstance(error, sqlite3.Error)
        and code is not None
        and code & 0xFF in _LOCKED
    )


class Connections(interfaces.CreateEnginePlugin):
    """Keep connections, one for an in-memory database, and write ahead.

    A file's connections are pooled, one for each thread that wants one, and
    its journal is a write-ahead log: readers and the one writer don't wait
    for each other. Writers wait for each other for a minute. An in-memory
    database has exactly one connection, and a thread that wants it waits
    until it is given back; a thread that wants a second one waits in vain
    and gets
    `sqlalchemy.exc.TimeoutError` after 30 s.
    """

    def __init__(self, url: sa.URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        # StaticPool is how oslo.db says that the database is in memory.
        if kwargs.get("poolclass") is pool.StaticPool:
            kwargs.update(pool_size=1, max_overflow=0)
        else:
            # With fewer, threads would queue for those that queue for the
            # lock, in no order: some are passed over for half a minute.
            kwargs.update(pool_size=KEPT, max_overflow=-1)
            if "timeout" not in url.query:
                arguments = kwargs.setdefault("connect_args", {})
                arguments.setdefault("timeout", _BUSY_TIMEOUT)
        kwargs.update(
            poolclass=pool.QueuePool, pool_recycle=-1, pool_pre_ping=False
        )

    def update_url(self, url: sa.URL) -> sa.URL:
        """Leave the URL as it is; SQLAlchemy has removed the plug-in."""
        return url

    def engine_created(self, engine: sa.Engine) -> None:
        """Have every new connection write ahead, and begin quickly."""
        event.listen(engine, "connect", _write_ahead)
        event.listen(engine, "begin", _begin)


# Of several processes that open a new file at once one makes the log, and
# SQLite tells the others so without waiting as it does for other locks.
@tenacity.retry(
    retry=tenacity.retry_if_exception(is_lock_error),
    stop=tenacity.stop_after_delay(_BUSY_TIMEOUT),
    wait=tenacity.wait_random(0, 0.01),
    reraise=True,
)
def _write_ahead(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL").close()


def _begin(connection: sa.Connection) -> None:
    """Begin a transaction, as oslo.db's listener would after this one.

    That one takes SQLAlchemy's whole way to a statement, which is longer than
    many a transaction; by the mark it sees that nothing is left to do.
    """
    if "in_transaction" not in connection.info:
        connection.connection.cursor().execute("BEGIN")
        connection.info["in_transaction"] = True
