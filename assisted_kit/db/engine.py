# SPDX-License-Identifier: Apache-2.0
"""Open the database, and repeat a transaction that lost a race for it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec
from typing import TypeVar

import sqlalchemy as sa
import tenacity
from oslo_config import cfg
from oslo_db import exception
from oslo_db import options
from oslo_db.sqlalchemy import engines

from assisted_kit.db import sqlite

P = ParamSpec("P")
R = TypeVar("R")

# Options of oslo.db's that make up a connection. Those that are left out
# are read replicas, asyncio and oslo.db's own way of retrying.
_OPTIONS = (
    "sqlite_synchronous",
    "mysql_sql_mode",
    "mysql_wsrep_sync_wait",
    "connection_recycle_time",
    "max_pool_size",
    "max_overflow",
    "pool_timeout",
    "connection_debug",
    "connection_trace",
    "max_retries",
    "retry_interval",
    "connection_parameters",
)

# Seconds. The budget includes the last wait: none begins that could end
# after it.
_RETRY_BUDGET = 0.05
_LONGEST_WAIT = 0.005

# Attempts that a slow database gets. SQLite's lock errors come after a wait
# of their own.
_DEADLOCKS = 10


def create_engine(connection: str, *, durable: bool = True) -> sa.Engine:
    """Return an engine of oslo.db's for an SQLAlchemy URL, and connect.

    :param durable: false: SQLite does not wait for the disk. What was
        committed outlives the process, but not the machine.

    SQLite checks foreign keys and is set up as
    `assisted_kit.db.sqlite.Connections` says; a database file is made if
    there is none, and keeps its write-ahead log from then on. The engine
    may be used from any number of threads; a forked process opens its own
    connections.

    Errors are oslo.db's (`oslo_db.exception.DBError`), except that
    `sqlalchemy.exc.OperationalError` stays what it is, as with oslo.db.
    """
    settings: dict[str, object] = {}
    if not durable:
        settings["sqlite_synchronous"] = False
    return _create_engine(connection, settings)


def from_config(conf: cfg.ConfigOpts, default_file: str | Path) -> sa.Engine:
    """Return the engine that ``[database]`` of a configuration describes.

    oslo.db's options are registered if they are not. Without a
    ``connection`` the database is an SQLite file at ``default_file``.
    Errors are those of `create_engine`.
    """
    options.set_defaults(conf)
    database = conf.database
    # An older oslo.db lacks the newer options.
    settings = {name: database[name] for name in _OPTIONS if name in database}
    connection = database.connection
    if not connection:
        connection = sa.URL.create("sqlite", database=str(default_file))
    return _create_engine(connection, settings)


def retry_on_contention(transaction: Callable[P, R]) -> Callable[P, R]:
    """Repeat a function that runs one whole transaction while it collides.

    A collision is a deadlock, a lock that SQLite does not get, or what
    MariaDB and PostgreSQL report instead of a stale read. There are new
    attempts for 50 ms with random waits in between, and of a deadlock ten
    however long they take, since each of them is found at once; then the last
    error is raised as it came. The function is called again from the
    beginning, so it must open its transaction itself and have no other
    effect.
    """

    @functools.wraps(transaction)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> R:
        return _REPEATING(transaction, *args, **kwargs)

    return repeated


def _is_enough(state: tenacity.RetryCallState) -> bool:
    if not tenacity.stop_after_delay(_RETRY_BUDGET - _LONGEST_WAIT)(state):
        return False
    error = state.outcome.exception() if state.outcome else None
    return state.attempt_number >= _DEADLOCKS or sqlite.is_lock_error(error)


def _is_contention(error: BaseException) -> bool:
    return (
        isinstance(error, exception.DBDeadlock)
        or sqlite.is_lock_error(error)
        or _is_serialization_failure(error)
    )


def _is_serialization_failure(error: BaseException) -> bool:
    """Say whether PostgreSQL gave up a transaction for another one's sake.

    That is how a stricter isolation level than its default reports the loss
    of a race; oslo.db leaves it an OperationalError.
    """
    if isinstance(error, sa.exc.DBAPIError):
        code = getattr(error.orig, "sqlstate", None)
        return "40001" in (code, getattr(error.orig, "pgcode", None))
    return False


# oslo.db's wrap_db_retry does not by itself retry SQLite's lock error, which
# oslo.db leaves an OperationalError, and sleeps for seconds.
_REPEATING = tenacity.Retrying(
    retry=tenacity.retry_if_exception(_is_contention),
    stop=_is_enough,
    wait=tenacity.wait_random(0, _LONGEST_WAIT),
    reraise=True,
)
"""It keeps what it knows of a call by thread, so one is enough for all."""


def _create_engine(
    connection: str | sa.URL, settings: dict[str, object]
) -> sa.Engine:
    url = sa.make_url(connection)
    if url.get_backend_name() == "sqlite":
        url = sqlite.with_plugin(url)
    # Between two uses of a connection oslo.db lets other greenthreads run, by
    # a sleep; ours are threads, and need no such help.
    engine: sa.Engine = engines.create_engine(
        url, sqlite_fk=True, thread_checkin=False, **settings
    )
    # An error names the parameters of its statement, and provider_auth
    # among them is never logged (contract section 8).
    engine.hide_parameters = True
    return engine
