# SPDX-License-Identifier: Apache-2.0
"""Databases, compute services and waiting, as hooks must not have them."""

from __future__ import annotations

import http.client
import os
import shlex
import socket
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest
import sqlalchemy as sa

from assisted_kit.driver import Hook
from assisted_kit.refs import NotWritable
from assisted_kit.refs import VolumeRef
from conformance.watch import Sort
from conformance.watch.compute import is_novas
from conformance.watch.database import written_table
from conformance.watch.waiting import ENOUGH
from conformance.watch.waiting import WaitedTooLong
from fakes.compute import FakeNova
from tests.watched import on_a_thread
from tests.watched import Watched
from tests.watched import watched as watched

# -- the database


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE snapshots SET status = 'x'", "snapshots"),
        (' insert or ignore into "volumes" (id) values (1)', "volumes"),
        ("REPLACE INTO snapshot_metadata VALUES (1)", "snapshot_metadata"),
        ("delete from volume_attachment", "volume_attachment"),
        ("DROP TABLE IF EXISTS snapshot_claims", "snapshot_claims"),
        ("ALTER TABLE `volumes` ADD x", "volumes"),
        ("WITH t AS (SELECT 1) UPDATE volumes SET id = 1", "volumes"),
        ("SELECT * FROM snapshots", None),
        ("SELECT 'update snapshots set'", None),
        ("UPDATE exports SET volumes = 1", None),
        ("CREATE TABLE exports (id)", None),
        ("BEGIN", None),
    ],
)
def test_writes_of_cinders_tables_are_told(
    statement: str, table: str | None
) -> None:
    assert written_table(statement) == table


def write_by_sqlalchemy(path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM volumes")
    engine.dispose()


def write_by_sqlite3(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM volumes")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "database"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE volumes (id)")
    return path


@pytest.mark.parametrize("write", [write_by_sqlalchemy, write_by_sqlite3])
def test_a_hook_that_writes_is_seen(
    watched: Watched, database: Path, write
) -> None:
    write(database)
    watched.in_hook(lambda: write(database), "create_volume")
    assert watched.seen(Sort.DATABASE) == []
    watched.in_hook(lambda: on_a_thread(lambda: write(database)))
    assert "executed 'DELETE FROM volumes'" in watched.seen(Sort.DATABASE)


def test_a_hook_may_have_a_database_of_its_own(
    watched: Watched, tmp_path: Path
) -> None:
    def hook() -> None:
        with closing(sqlite3.connect(tmp_path / "own")) as connection:
            connection.execute("CREATE TABLE exports (id)")
            connection.execute("INSERT INTO exports VALUES (1)")

    watched.in_hook(hook)
    assert watched.seen(Sort.DATABASE) == []


def test_a_save_that_is_refused_is_an_attempt(watched: Watched) -> None:
    def hook() -> None:
        with pytest.raises(NotWritable):
            VolumeRef({"id": "v"}).save()

    watched.in_hook(hook)
    assert watched.seen(Sort.DATABASE) == ["tried to save <volume v>"]


def test_a_legacy_driver_may_save(watched: Watched) -> None:
    saver = Mock()

    def work() -> None:
        volume = VolumeRef({"id": "v", "status": "x"}, saver=saver)
        volume.status = "y"
        volume.save()

    watched.in_hook(work, "create_snapshot")
    saver.save.assert_called_once()
    assert watched.seen(Sort.DATABASE) == []


# -- the compute service


@pytest.mark.parametrize(
    "url",
    [
        "http://nova:8774/v2.1/os-assisted-volume-snapshots?delete_info={}",
        "/compute/v2.1/os-assisted-volume-snapshots/42",
        "/v2.1/servers/42",
        "/v2/0123456789abcdef0123456789abcdef/servers",
        "/v2.1/os-server-external-events",
    ],
)
def test_urls_of_nova_are_told(url: str) -> None:
    assert is_novas(url)


@pytest.mark.parametrize(
    "url", ["/api/v1/servers", "/v3/auth/tokens", "/rest/volumes", "/v2/pools"]
)
def test_urls_of_others_are_not(url: str) -> None:
    assert not is_novas(url)


def test_a_hook_that_asks_nova_is_seen(watched: Watched) -> None:
    def hook() -> None:
        connection = http.client.HTTPConnection("nova.example.org")
        connection.putrequest("GET", "/v2.1/servers?name=x")

    hook()
    watched.in_hook(hook, "initialize_connection")
    assert watched.seen(Sort.COMPUTE) == []
    watched.in_hook(hook)
    assert watched.seen(Sort.COMPUTE) == [
        "requested GET nova.example.org/v2.1/servers"
    ]


def test_a_session_for_nova_is_seen_without_a_catalogue() -> None:
    session = pytest.importorskip("keystoneauth1.session").Session()
    watched = Watched(__name__)

    def hook() -> None:
        with pytest.raises(Exception, match="auth"):
            session.get("/x", endpoint_filter={"service_type": "compute"})

    with watched.watch:
        watched.in_hook(hook)
    assert watched.seen(Sort.COMPUTE) == ["requested GET /x of compute"]


def test_the_kits_nova_is_seen_and_its_work_is_not() -> None:
    nova = Mock(spec=FakeNova, _answer=lambda *_: os.system("true"))
    watched = Watched(__name__)
    with watched.watch:
        watched.in_hook(
            lambda: FakeNova.create_volume_snapshot(nova, None, "v", {})
        )
        assert watched.watch.commands() == []
    assert watched.seen(Sort.COMPUTE) == [
        "called create_volume_snapshot of the compute service"
    ]


@pytest.mark.parametrize(
    "words",
    [
        (
            "curl",
            "-X",
            "POST",
            "http://nova/v2.1/os-assisted-volume-snapshots",
        ),
        ("sh", "-c", "curl http://127.0.0.1:1/v2.1/servers || true"),
        ("/usr/bin/openstack", "server", "list"),
    ],
)
def test_a_command_that_asks_nova_is_seen(
    watched: Watched, words: tuple[str, ...]
) -> None:
    def hook() -> None:
        with pytest.raises(OSError):
            subprocess.run(words, cwd="/nowhere")

    watched.in_hook(hook, "initialize_connection")
    assert watched.seen(Sort.COMPUTE) == []
    watched.in_hook(hook)
    assert watched.seen(Sort.COMPUTE) == [f"started {shlex.join(words)}"]


def test_a_request_on_a_socket_of_its_own_is_seen(watched: Watched) -> None:
    def hook() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(b"GET /v2.1/pools HTTP/1.1\r\n\r\n")
            ours.send(memoryview(b"DELETE /v2.1/servers/4 HTTP/1.1\r\n\r\n"))

    watched.in_hook(hook)
    assert watched.seen(Sort.COMPUTE) == ["sent DELETE /v2.1/servers/4 HTTP/1"]


# -- waiting


@pytest.mark.parametrize(
    ("words", "waits"),
    [
        (("sleep", "20"), True),
        (("/bin/sh", "-c", "qemu-img --version; sleep 5"), True),
        (("qemu-img", "info", "sleep"), False),
        (("truncate", "-s0", "/share/sleep"), False),
    ],
)
def test_a_command_that_only_waits_is_seen(
    watched: Watched, words: tuple[str, ...], waits: bool
) -> None:
    def hook() -> None:
        with pytest.raises(OSError):
            subprocess.run(words, cwd="/nowhere")

    watched.in_hook(hook)
    expected = [f"started {shlex.join(words)}"] if waits else []
    assert watched.seen(Sort.WAIT) == expected


def test_short_sleeps_are_slept(watched: Watched) -> None:
    watched.in_hook(lambda: time.sleep(0.001))
    assert watched.seen(Sort.WAIT) == []


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """In the place of ``time.sleep``, before anything is watched."""
    mock = Mock()
    monkeypatch.setattr(time, "sleep", mock)
    return mock


def test_a_long_sleep_is_seen_and_left_out(slept: Mock) -> None:
    watched = Watched(__name__)
    with watched.watch:
        watched.in_hook(lambda: time.sleep(ENOUGH + 1))
    slept.assert_not_called()
    assert watched.seen(Sort.WAIT) == [
        "asked to sleep 6 s in all, and a hook may 5 s"
    ]


def test_a_hook_that_goes_on_to_sleep_is_ended(watched: Watched) -> None:
    def hook() -> None:
        try:
            while True:
                time.sleep(ENOUGH + 1)
        except Exception as error:
            raise AssertionError("a retry would swallow it") from error

    with pytest.raises(WaitedTooLong):
        watched.in_hook(hook)


def test_sleeps_of_one_call_add_up(slept: Mock) -> None:
    watched = Watched(__name__)
    with watched.watch, pytest.raises(WaitedTooLong):
        watched.in_hook(lambda: [time.sleep(1) for _ in range(100)])
    assert slept.call_count == ENOUGH


def test_a_legacy_driver_may_sleep(slept: Mock) -> None:
    watched = Watched(__name__)
    with watched.watch:
        watched.in_hook(lambda: time.sleep(600), "create_snapshot")
    slept.assert_called_once_with(600)


def test_reading_the_reference_again_is_waiting(watched: Watched) -> None:
    volume = VolumeRef({"id": "v"}, saver=Mock(reload=lambda _ref: {}))
    watched.in_hook(volume.refresh, "create_snapshot")
    assert watched.seen(Sort.WAIT) == []
    watched.in_hook(volume.refresh, Hook.DELETE_BEGIN)
    assert watched.seen(Sort.WAIT) == ["read <volume v> again (refresh)"]
