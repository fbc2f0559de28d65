# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL and MariaDB for the tests, where their programs are installed.

A process has a server of its own of each kind, started when a test first
wants it. It listens on a socket in a new directory and on no port, so
neither parallel processes nor two runs on one host meet. It ends with the
process, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import fixtures
import psutil
import pymysql
import sqlalchemy as sa
from pifpaf.drivers import mysql

SQLITE, POSTGRESQL, MARIADB = "sqlite", "postgresql", "mariadb"
KINDS = (SQLITE, POSTGRESQL, MARIADB)

SUPERUSER = "postgres"
"""Whom Debian's and Fedora's packages make; initdb refuses root."""

# Ends a server once nobody holds the other end of the pipe any more.
UNDERTAKER = """\
trap '' INT TERM HUP
read -r _
kill -s "$1" "$(head -n 1 "$2")"
"""


class NotInstalled(Exception):
    """A server cannot be started, since what it needs is not there."""


def find_programs(names: Sequence[str], *folders: str) -> dict[str, str]:
    """Where programs are, in PATH or where the distribution has them.

    :raises NotInstalled: naming those that are nowhere.
    """
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), *folders])
    found = {name: shutil.which(name, path=places) for name in names}
    absent = [name for name, place in found.items() if place is None]
    if absent:
        raise NotInstalled(f"{', '.join(absent)} not found in {places}")
    return {name: str(place) for name, place in found.items()}


class Server(fixtures.Fixture):
    """One database server; ``url`` is SQLAlchemy's."""

    url: str

    def restart(self) -> None:
        """Let it die at once, as in a power failure, and start again."""
        raise NotImplementedError

    def pid(self) -> int:
        """Of the server's first process, which the others end with."""
        return int(self._pid_file.read_text().split()[0])

    @contextmanager
    def new_database(self) -> Iterator[str]:
        """The URL of an empty database beside that of ``url``."""
        name = f"kit_{uuid.uuid4().hex}"
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
            url = engine.url.set(database=name)
            yield url.render_as_string(hide_password=False)
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        engine.dispose()

    def _end_with_this_process(
        self, how: signal.Signals, pid_file: Path
    ) -> None:
        self._pid_file = pid_file
        undertaker = subprocess.Popen(
            ["sh", "-c", UNDERTAKER, "sh", how.name[3:], str(pid_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.addCleanup(undertaker.communicate)


class Postgresql(Server):
    """PostgreSQL, as the user ``postgres`` when this one is root."""

    def _setUp(self) -> None:
        programs = find_programs(["initdb", "pg_ctl"], *_newest_first())
        self._pg_ctl = programs["pg_ctl"]
        directory = Path(self.useFixture(fixtures.TempDir()).path)
        self._user = self._lend(directory)
        self._data = directory / "data"
        self._log = directory / "log"
        self._run(
            programs["initdb"],
            *("-A", "trust", "-U", SUPERUSER, "-E", "UTF8", "--locale=C"),
            "--no-sync",
        )
        with (self._data / "postgresql.conf").open("a") as file:
            # What was committed outlives the server, but not the machine.
            file.write("fsync = off\nmax_connections = 300\n")
            file.write("listen_addresses = ''\n")
            file.write(f"unix_socket_directories = '{directory}'\n")
        self._end_with_this_process(
            signal.SIGQUIT, self._data / "postmaster.pid"
        )
        self.addCleanup(self._stop)
        self._control("start")
        self.url = (
            f"postgresql+psycopg2://{SUPERUSER}@/postgres?host={directory}"
        )

    def restart(self) -> None:
        self._control("restart", "-m", "immediate")

    def _lend(self, directory: Path) -> str | None:
        """Give the directory to the user who runs it; None if that is us."""
        if os.geteuid():
            return None
        try:
            user = pwd.getpwnam(SUPERUSER)
        except KeyError:
            raise NotInstalled(
                f"PostgreSQL does not run as root, and there is no user "
                f"{SUPERUSER}"
            ) from None
        os.chown(directory, user.pw_uid, user.pw_gid)
        return SUPERUSER

    def _control(self, *arguments: str) -> None:
        self._run(self._pg_ctl, *arguments, "-w", "-l", str(self._log))

    def _stop(self) -> None:
        if (self._data / "postmaster.pid").exists():
            self._control("stop", "-m", "immediate")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [program, *arguments, "-D", str(self._data)],
            user=self._user,
            group=self._user,
            extra_groups=None if self._user is None else [],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert done.returncode == 0, done.stderr.decode()


class Mariadb(Server):
    """MariaDB, started by pifpaf."""

    NEEDED = ("mysqld", "mysql_install_db", "mysql")

    def _setUp(self) -> None:
        programs = find_programs(self.NEEDED, "/usr/sbin", "/usr/libexec")
        path = os.pathsep.join(
            [os.environ["PATH"], str(Path(programs["mysqld"]).parent)]
        )
        self.useFixture(fixtures.EnvironmentVariable("PATH", path))
        self._driver = self.useFixture(_Mysqld())
        self._end_with_this_process(signal.SIGKILL, self._driver.pid_file())
        self.url = (
            "mysql+pymysql://root@localhost/pifpaf"
            f"?unix_socket={self._driver.socket}"
        )
        self._hurry()

    def restart(self) -> None:
        self._driver.restart()
        self._hurry()

    def _hurry(self) -> None:
        """What was committed outlives the server, but not the machine."""
        with contextlib.closing(
            pymysql.connect(user="root", unix_socket=self._driver.socket)
        ) as connection:
            connection.cursor().execute(
                "SET GLOBAL innodb_flush_log_at_trx_commit = 2"
            )


class _Mysqld(mysql.MySQLDriver):  # type: ignore[misc]
    def pid_file(self) -> Path:
        (found,) = Path(self.tempdir, "data").glob("*.pid")
        return found

    def restart(self) -> None:
        process = psutil.Process(int(self.pid_file().read_text()))
        command = process.cmdline()
        process.kill()
        process.wait()
        self._exec(
            command,
            wait_for_line="ready for connections",
            path=["/usr/libexec"],
        )


def _newest_first() -> list[str]:
    """Debian's folders of PostgreSQL's programs."""
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    return [
        str(folder)
        for folder in sorted(
            folders, key=lambda each: float(each.parent.name), reverse=True
        )
    ]


class Servers:
    """Those that run for this process, by their kind."""

    def __init__(self) -> None:
        self._started: dict[str, Server] = {}
        self._absent: dict[str, NotInstalled] = {}

    def get(self, kind: str) -> Server:
        """The server of this kind, which runs.

        :raises NotInstalled: it cannot.
        """
        if kind in self._absent:
            raise self._absent[kind]
        if kind not in self._started:
            server = {POSTGRESQL: Postgresql, MARIADB: Mariadb}[kind]()
            try:
                server.setUp()
            except fixtures.MultipleExceptions as error:
                _, cause, _ = error.args[0]
                if isinstance(cause, NotInstalled):
                    self._absent[kind] = cause
                raise cause from None
            except NotInstalled as error:
                self._absent[kind] = error
                raise
            self._started[kind] = server
        return self._started[kind]

    def stop(self) -> None:
        while self._started:
            _, server = self._started.popitem()
            server.cleanUp()


SERVERS = Servers()
