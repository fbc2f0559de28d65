# SPDX-License-Identifier: Apache-2.0
"""The suite on a database that is named: another server, and shared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from database_servers import KINDS
from database_servers import NotInstalled
from database_servers import SERVERS
from database_servers import SQLITE

from assisted_kit.db import migration
from assisted_kit.db import models
from tests.command_line import assisted_kit_run

SAMPLE = ("CCY-001", "RST-001", "RST-002", "RAC-001")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of an empty database, whose tables the processes of a run make."""
    if request.param == SQLITE:
        yield f"sqlite:///{tmp_path}/cinder.sqlite"
        return
    try:
        server = SERVERS.get(request.param)
    except NotInstalled as error:
        pytest.skip(f"left out on {request.param}: {error}")
    with server.new_database() as url:
        yield url


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(SAMPLE, id="sample"),
        pytest.param((), id="all", marks=pytest.mark.slow),
    ],
)
def test_reference_driver_passes_and_no_row_is_left(
    rules: tuple[str, ...], url: str, tmp_path: Path
) -> None:
    config = tmp_path / "kit.conf"
    config.write_text(f"[database]\nconnection = {url}\n")
    done = assisted_kit_run(
        tmp_path, "--config", str(config), "-n", "2", rules=rules
    )
    assert done.exit_status == 0, done.output
    assert {"passed"} <= set(done.statuses.values()) <= {"passed", "skipped"}
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        left = {
            table.name: connection.execute(sa.select(table)).all()
            for table in models.Base.metadata.sorted_tables
        }
    assert left == {table: [] for table in left}
    assert migration.current(engine) == migration.REVISIONS[-1]
    engine.dispose()
