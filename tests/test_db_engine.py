# SPDX-License-Identifier: Apache-2.0
"""The engine: SQLite's settings, many threads, processes, collisions."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from concurrent import futures

import pytest
import sqlalchemy as sa
from oslo_config import cfg
from oslo_db import exception
from sqlalchemy import dialects

from assisted_kit.db import engine as db_engine
from assisted_kit.db import sqlite

MEMORY = "sqlite://"
COUNT = "UPDATE counter SET value = value + 1"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kit.db"


@pytest.fixture
def make():
    engines = []

    def make(url):
        engines.append(db_engine.create_engine(url))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture(params=["file", "memory"])
def counter(request, make, file):
    """An engine on a database with one row that holds 0."""
    engine = make(f"sqlite:///{file}" if request.param == "file" else MEMORY)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counter (value INTEGER)")
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")
    return engine


def value(engine):
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT value FROM counter").scalar()


def pragma(engine, name):
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_a_file_has_a_write_ahead_log_and_foreign_keys(make, file):
    engine = make(f"sqlite:///{file}")
    assert pragma(engine, "journal_mode") == "wal"
    assert pragma(engine, "foreign_keys") == 1
    assert pragma(engine, "synchronous") == 2
    assert pragma(engine, "busy_timeout") == 60_000


@pytest.mark.parametrize("url", [MEMORY, "sqlite:///:memory:"])
def test_memory_is_one_database_for_all_threads(make, url):
    engine = make(url)
    assert pragma(engine, "foreign_keys") == 1
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE made (x INTEGER)")
    with futures.ThreadPoolExecutor(4) as threads:
        found = threads.map(
            lambda _: sa.inspect(engine).get_table_names(), range(20)
        )
        assert list(found) == [["made"]] * 20


def test_memory_lasts_longer_than_oslo_db_keeps_a_connection(
    make, monkeypatch
):
    engine = make(MEMORY)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE made (x INTEGER)")
    later = time.time() + 100_000
    monkeypatch.setattr(time, "time", lambda: later)
    assert sa.inspect(engine).get_table_names() == ["made"]


def test_the_caller_may_name_a_plugin_of_his_own(make, monkeypatch):
    class Seen(sa.engine.CreateEnginePlugin):
        engines = []

        def update_url(self, url):
            return url

        def engine_created(self, engine):
            self.engines.append(engine)

    monkeypatch.setitem(dialects.plugins.impls, "seen", lambda: Seen)
    engine = make("sqlite://?plugin=seen")
    assert Seen.engines == [engine]
    assert isinstance(engine.pool, sa.pool.QueuePool)


def test_threads_lose_no_write(counter):
    def write():
        for _ in range(50):
            with counter.begin() as connection:
                connection.exec_driver_sql(COUNT)

    with futures.ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(write) for _ in range(8)]:
            done.result()
    assert value(counter) == 400


def test_a_rollback_undoes_nothing_of_another_threads(counter):
    def write(fail):
        for _ in range(50):
            with counter.connect() as connection:
                connection.exec_driver_sql(COUNT)
                time.sleep(0)
                if fail:
                    connection.rollback()
                else:
                    connection.commit()

    with futures.ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(write, n % 2) for n in range(4)]:
            done.result()
    assert value(counter) == 100


WRITER = """
import sys
from assisted_kit.db import engine as db_engine
engine = db_engine.create_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(200):
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE counter SET value = value + 1")
"""


def start(program, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def go(processes):
    """Let processes that have said that they are ready run, together."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    return [process.returncode for process in processes]


@pytest.mark.parametrize("counter", ["file"], indirect=True)
def test_two_processes_lose_no_write(counter):
    url = str(counter.url)
    assert go([start(WRITER, url), start(WRITER, url)]) == [0, 0]
    assert value(counter) == 400


OPENER = """
import sys
from assisted_kit.db import engine as db_engine
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    db_engine.create_engine(f"sqlite:///{sys.argv[1]}/{number}.db").dispose()
"""


def test_processes_may_open_a_new_file_at_once(tmp_path):
    processes = [start(OPENER, str(tmp_path)) for _ in range(3)]
    assert go(processes) == [0, 0, 0]


def test_nobody_queues_for_a_connection_to_a_file(make, file):
    engine = make(f"sqlite:///{file}")
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(engine.connect()) for _ in range(40)]
        assert {
            each.execute(sa.text("SELECT 1")).scalar() for each in taken
        } == {1}


def test_a_reader_does_not_wait_for_a_writer(make, file):
    engine = make(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counter (value INTEGER)")
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")
    with engine.begin() as writer:
        writer.exec_driver_sql(COUNT)
        assert value(engine) == 0
    assert value(engine) == 1


# What a collision is


def stale_write(engine):
    """Write what was read before somebody else wrote: SQLite refuses."""
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT * FROM counter").all()
        with engine.begin() as other:
            other.exec_driver_sql(COUNT)
        connection.exec_driver_sql(COUNT)


@pytest.mark.parametrize("counter", ["file"], indirect=True)
def test_a_lock_of_sqlites_stays_an_operational_error(counter):
    with pytest.raises(sa.exc.OperationalError, match="is locked") as caught:
        stale_write(counter)
    assert not isinstance(caught.value, exception.DBError)
    assert sqlite.is_lock_error(caught.value)


def test_a_table_lock_of_sqlites_is_a_lock(make, file):
    shared = make(f"sqlite:///file:{file}?cache=shared&uri=true&timeout=0")
    with shared.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counter (value INTEGER)")
    with shared.begin() as writer:
        writer.exec_driver_sql("INSERT INTO counter VALUES (0)")
        with pytest.raises(
            sa.exc.OperationalError, match="table is locked"
        ) as caught:
            value(shared)
    assert sqlite.is_lock_error(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        None,
        ValueError("database is locked"),
        sa.exc.OperationalError("", {}, Exception("database is locked")),
        exception.DBError("database is locked"),
    ],
)
def test_what_only_says_so_is_no_lock(error):
    assert not sqlite.is_lock_error(error)


@pytest.mark.parametrize("counter", ["file"], indirect=True)
def test_a_collision_is_tried_again(counter):
    attempts = []

    @db_engine.retry_on_contention
    def transaction():
        attempts.append(1)
        if len(attempts) < 3:
            stale_write(counter)
        with counter.begin() as connection:
            connection.exec_driver_sql(COUNT)
        return "done"

    assert transaction() == "done"
    assert len(attempts) == 3
    assert value(counter) == 3


def test_a_collision_without_end_is_raised_as_it_came():
    errors = []

    @db_engine.retry_on_contention
    def transaction():
        errors.append(exception.DBDeadlock())
        raise errors[-1]

    begun = time.monotonic()
    with pytest.raises(exception.DBDeadlock) as caught:
        transaction()
    assert caught.value is errors[-1]
    assert len(errors) > 5
    assert 0.04 < time.monotonic() - begun < 0.3


def test_a_slow_database_gets_ten_attempts_of_a_deadlock():
    attempts = []

    @db_engine.retry_on_contention
    def transaction():
        attempts.append(1)
        until = time.monotonic() + 0.02
        while time.monotonic() < until:
            pass
        if len(attempts) < 10:
            raise exception.DBDeadlock

    transaction()
    assert len(attempts) == 10


def test_a_serialization_failure_is_tried_again():
    class SerializationFailure(Exception):
        pgcode = "40001"

    attempts = []

    @db_engine.retry_on_contention
    def transaction():
        attempts.append(1)
        if len(attempts) < 2:
            raise sa.exc.OperationalError("", {}, SerializationFailure())

    transaction()
    assert len(attempts) == 2


def test_another_error_is_not_tried_again():
    attempts = []

    @db_engine.retry_on_contention
    def transaction(*arguments, **keywords):
        attempts.append((arguments, keywords))
        raise exception.DBDuplicateEntry

    with pytest.raises(exception.DBDuplicateEntry):
        transaction(1, two=2)
    assert attempts == [((1,), {"two": 2})]
    assert transaction.__name__ == "transaction"


def test_a_long_wait_for_a_lock_is_not_repeated(make, file):
    engine = make(f"sqlite:///{file}?timeout=0.1")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE counter (value INTEGER)")
    attempts = []

    @db_engine.retry_on_contention
    def transaction():
        attempts.append(threading.get_ident())
        with engine.begin() as connection:
            connection.exec_driver_sql(COUNT)

    with engine.begin() as holder:
        holder.exec_driver_sql(COUNT)
        with pytest.raises(sa.exc.OperationalError, match="is locked"):
            transaction()
    assert len(attempts) == 1


# By configuration


def configuration(**database):
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    from oslo_db import options

    options.set_defaults(conf)
    for name, setting in database.items():
        conf.set_override(name, setting, group="database")
    return conf


def test_without_a_connection_the_database_is_the_callers_file(file):
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    engine = db_engine.from_config(conf, file)
    assert engine.url.database == str(file)
    assert file.exists()
    assert conf.database.connection is None
    engine.dispose()


def test_a_configured_connection_is_used(file, tmp_path):
    conf = configuration(connection=f"sqlite:///{tmp_path}/other.db")
    engine = db_engine.from_config(conf, file)
    assert engine.url.database == f"{tmp_path}/other.db"
    assert not file.exists()
    engine.dispose()


def test_the_other_options_of_oslo_db_are_heeded(file):
    conf = configuration(sqlite_synchronous=False)
    engine = db_engine.from_config(conf, file)
    assert pragma(engine, "synchronous") == 0
    engine.dispose()
