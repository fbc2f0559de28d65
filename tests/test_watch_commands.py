# SPDX-License-Identifier: Apache-2.0
"""The processes that are started for a driver."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from assisted_kit.process import execute
from assisted_kit.process import ProcessFailed
from conformance.watch import Command
from tests.watched import on_a_thread
from tests.watched import Watched
from tests.watched import watched as watched

FAILS = ("sh", "-c", "echo it is broken >&2; exit 3")


def only(watched: Watched) -> Command:
    (command,) = watched.watch.commands()
    return command


def test_argv_status_and_stderr_are_taken_down(watched: Watched) -> None:
    watched.in_hook(
        lambda: subprocess.run(FAILS, check=False, capture_output=True)
    )
    command = only(watched)
    assert command.words == FAILS
    assert command.status == 3
    assert command.stderr == "it is broken\n"
    assert __file__ in command.where
    assert str(command).endswith("-> exit 3\n  it is broken")


def test_execute_is_seen(watched: Watched) -> None:
    def hook() -> None:
        with pytest.raises(ProcessFailed):
            execute(*FAILS)

    watched.in_hook(hook)
    assert only(watched).stderr == "it is broken\n"


def test_oslo_concurrency_is_seen(watched: Watched) -> None:
    processutils = pytest.importorskip("oslo_concurrency.processutils")

    def hook() -> None:
        processutils.execute(*FAILS, check_exit_code=[3])

    watched.in_hook(hook)
    assert only(watched).words == FAILS
    assert only(watched).status == 3


def test_what_is_not_there_is_said(watched: Watched) -> None:
    def hook() -> None:
        with pytest.raises(FileNotFoundError):
            subprocess.run(["no-such-program"], check=False)

    watched.in_hook(hook)
    assert "not started: " in str(only(watched))


def test_posix_spawn_is_seen_once(watched: Watched) -> None:
    def hook() -> None:
        subprocess.run(["true", "1"], check=True, close_fds=False)
        pid = os.posix_spawnp("true", ["true", "2"], os.environ)
        os.waitpid(pid, 0)

    watched.in_hook(hook)
    words = [command.words for command in watched.watch.commands()]
    assert words == [("true", "1"), ("true", "2")]


def test_a_line_for_the_shell_is_seen(watched: Watched) -> None:
    watched.in_hook(lambda: os.system("exit 3"))
    assert str(only(watched)) == "exit 3 -> exit 3"


def test_what_a_forked_child_executes_is_seen(watched: Watched) -> None:
    watched.in_hook(
        lambda: on_a_thread(
            lambda: os.spawnlp(os.P_WAIT, "true", "true", "in a child")
        )
    )
    assert only(watched).words == ("true", "in a child")


def test_others_commands_are_not(watched: Watched) -> None:
    subprocess.run(["true"], check=True)
    watched.in_hook(lambda: None)
    os.system("true")
    assert watched.watch.commands() == []


def test_commands_are_told_by_snapshot(watched: Watched) -> None:
    watched.in_hook(lambda: subprocess.run(["true"], check=True))
    assert len(watched.watch.commands("s")) == 1
    assert watched.watch.commands("another") == []


def test_long_stderr_is_cut(watched: Watched) -> None:
    code = "import sys; sys.stderr.write('x' * 5000 + 'the end')"
    words = [sys.executable, "-c", code]
    watched.in_hook(
        lambda: subprocess.run(words, check=True, capture_output=True)
    )
    assert len(str(only(watched))) < 1000
    assert str(only(watched)).endswith("the end")
