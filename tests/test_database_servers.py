# SPDX-License-Identifier: Apache-2.0
"""The servers that the tests start, and what is said where they cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import database_servers
import psutil
import pytest
from database_servers import find_programs
from database_servers import MARIADB
from database_servers import NotInstalled
from database_servers import POSTGRESQL
from database_servers import Servers

PATIENCE = 30
"""Seconds."""

STARTER = """
import sys
from database_servers import SERVERS, NotInstalled
try:
    print("pid", SERVERS.get(sys.argv[1]).pid(), flush=True)
except NotInstalled as error:
    print(error, flush=True)
sys.stdin.readline()
"""


def test_what_is_missing_is_named_with_the_places(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="no-such-server not found in"):
        find_programs(["sh", "no-such-server"], str(tmp_path))


def test_a_program_is_found_in_the_distribution_s_folder(
    tmp_path: Path,
) -> None:
    program = tmp_path / "kit-server"
    program.touch(mode=0o755)
    found = find_programs(["kit-server"], str(tmp_path))
    assert found == {"kit-server": str(program)}


@pytest.mark.parametrize("kind", [POSTGRESQL, MARIADB])
def test_what_is_missing_is_looked_for_once(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[tuple[str, ...]] = []

    def find(names: tuple[str, ...], *folders: str) -> dict[str, str]:
        looked.append(tuple(names))
        raise NotInstalled("nothing is installed")

    monkeypatch.setattr(database_servers, "find_programs", find)
    servers = Servers()
    for _ in range(2):
        with pytest.raises(NotInstalled, match="nothing is installed"):
            servers.get(kind)
    assert len(looked) == 1


@pytest.mark.parametrize("kind", [POSTGRESQL, MARIADB])
def test_a_server_ends_with_its_process_however_that_ends(kind: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, kind],
        cwd=Path(__file__).parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        name, _, pid = said.partition(" ")
        if name != "pid":
            process.kill()
            pytest.skip(f"left out on {kind}: {said}")
        server = psutil.Process(int(pid))
        process.kill()
    _, alive = psutil.wait_procs([server], PATIENCE)
    assert alive == []
