# SPDX-License-Identifier: Apache-2.0
"""The processes of a run are forked, and a driver sees nothing of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import pytest

from assisted_kit import supervisor
from assisted_kit.exhaustive import EXHAUSTIVE_VARIABLE
from assisted_kit.run_options import RunOptions
from assisted_kit.settings import Settings
from tests.command_line import assisted_kit_run
from tests.telling import RULE
from tests.telling import seen
from tests.troublesome_run import Place
from tests.troublesome_run import place as place

THREAD = """
import threading

threading.Thread(target=threading.Event().wait, daemon=True).start()
"""

NAMES_ITS_PROCESS = """
from pathlib import Path

from reference_driver.driver import RemoteFSAssistedDriver


class Driver(RemoteFSAssistedDriver):
    def __init__(self, **arguments):
        super().__init__(**arguments)
        words = Path("/proc/self/cmdline").read_bytes().split(b"\\0")
        Path("words").write_bytes(words[3])
"""

KILLS_ITS_PARENT = """
import os
import signal
from pathlib import Path

from reference_driver.driver import RemoteFSAssistedDriver


class Driver(RemoteFSAssistedDriver):
    def do_setup(self, context):
        super().do_setup(context)
        server = Path("/proc", str(os.getppid()))
        forked = server / "task" / server.name / "children"
        if len(forked.read_text().split()) == 2:
            os.kill(int(server.name), signal.SIGKILL)
            Path("killed").touch()
"""


def add_module(
    place: Place, monkeypatch: pytest.MonkeyPatch, name: str, source: str
) -> None:
    """Have every interpreter find this module first."""
    modules = place.directory / "modules"
    modules.mkdir()
    (modules / name).write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(modules), prepend=os.pathsep)


def test_a_driver_sees_no_difference(tmp_path: Path) -> None:
    alone = seen(assisted_kit_run, tmp_path)
    assert seen(assisted_kit_run, tmp_path, "-n", "2") == alone


def test_each_process_draws_random_numbers_of_its_own(tmp_path: Path) -> None:
    drawn = set()
    for _ in range(2):
        seen(assisted_kit_run, tmp_path, "-n", "2")
        drawn.add((tmp_path / "drawn").read_text())
    assert len(drawn) == 2


@pytest.mark.parametrize(
    ("site", "module"),
    [("", "assisted_kit.forking"), (THREAD, "assisted_kit.runner")],
)
def test_what_has_a_thread_is_not_forked(
    site: str, module: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_module(place, monkeypatch, "sitecustomize.py", site)
    (place.directory / "naming.py").write_text(NAMES_ITS_PROCESS)
    words = ("--driver", "naming:Driver", "-n", "2")
    done = assisted_kit_run(place.directory, *words, rules=RULE)
    assert done.exit_status == 0, done.output + done.errors
    assert (place.directory / "words").read_text() == module


def test_a_run_outlives_the_server(place: Place) -> None:
    (place.directory / "killing.py").write_text(KILLS_ITS_PARENT)
    words = ("--driver", "killing:Driver", "-n", "2")
    done = assisted_kit_run(place.directory, *words, rules=RULE)
    assert done.exit_status == 0, done.output + done.errors
    assert (place.directory / "killed").exists()
    assert place.left == []


def test_server_that_ends_early_is_said(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_module(place, monkeypatch, "_pytest.py", "raise SystemExit(7)\n")
    done = place.run("Good", "-n", "2", rules=RULE)
    assert done.exit_status == 3
    assert "the fork server ended with status 7" in done.errors
    assert place.left == []


class _Started(Exception):
    """With the environment of the server that was to be started."""


@pytest.mark.parametrize(("exhaustive", "said"), [(True, "1"), (False, None)])
def test_rows_are_those_that_were_asked_for(
    exhaustive: bool, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(rules: Sequence[str], environment: Mapping[str, str]) -> None:
        raise _Started(environment.get(EXHAUSTIVE_VARIABLE))

    monkeypatch.setattr(supervisor, "ForkServer", start)
    # The user's own does not count.
    monkeypatch.setenv(EXHAUSTIVE_VARIABLE, "0")
    with pytest.raises(_Started) as raised:
        supervisor.supervise(
            "vendor:Driver",
            Settings(),
            (),
            lambda over, there: None,
            processes=2,
            options=RunOptions(exhaustive=exhaustive),
        )
    assert raised.value.args == (said,)
