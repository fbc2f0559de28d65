# SPDX-License-Identifier: Apache-2.0
"""Runs as any user, beside other runs, and by a root helper."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from conformance.catalogue import BY_ID
from tests.another_user import another_user
from tests.another_user import CannotBeAnother
from tests.another_user import root_helper
from tests.another_user import USER
from tests.command_line import assisted_kit_run
from tests.test_suite import ENCRYPTION

SAMPLE = ("CRE-001", "DAT-005", "HKS-011", "PND-001", "SEC-014", "LAY-001")
"""Rules that start commands, connect, write in many places and read."""

assert BY_ID.keys() >= set(SAMPLE)

ROOT_HELPER = """\
#!/bin/sh
# As cinder-rootwrap does: a configuration file, then the command.
test "$1" = rootwrap.conf || exit 97
shift
printf '%s\\n' "$1 $2" >> '{log}'
exec "$@"
"""

ALL = pytest.mark.parametrize(
    "rules",
    [
        pytest.param(SAMPLE, id="sample"),
        pytest.param((), id="all", marks=pytest.mark.slow),
    ],
)


FAILING_SHARE = {"FLT-005"}
"""Rules of which every test is about a share that fails, which takes a mount
namespace; a run that may not have one says that they are left out."""


def everything_passed(
    rules: tuple[str, ...], *, unprivileged: bool = False
) -> dict[str, str]:
    """What becomes of each rule, the driver having no key manager."""
    skipped = {*ENCRYPTION, *(FAILING_SHARE if unprivileged else ())}
    return {
        rule: "skipped" if rule in skipped else "passed"
        for rule in rules or BY_ID
    }


@ALL
def test_commands_as_root_go_through_the_root_helper(
    rules: tuple[str, ...], tmp_path: Path
) -> None:
    log = tmp_path / "commands"
    helper = tmp_path / "cinder-rootwrap"
    helper.write_text(ROOT_HELPER.format(log=log))
    helper.chmod(0o755)
    config = tmp_path / "kit.conf"
    config.write_text(
        "[assisted_kit]\n"
        "driver = reference_driver.layouts:OwnedByRoot\n"
        f"root_helper = {shlex.quote(str(helper))} rootwrap.conf\n"
    )
    done = assisted_kit_run(
        tmp_path, "--config", str(config), "-n", "2", rules=rules
    )
    assert done.exit_status == 0, done.output
    assert done.statuses == everything_passed(rules)
    started = set(log.read_text().splitlines())
    assert {"qemu-img create", "qemu-img commit", "mv -f"} <= started


@pytest.mark.slow
@ALL
def test_service_of_another_user_works_on_roots_files(
    rules: tuple[str, ...], tmp_path: Path
) -> None:
    try:
        helper = another_user(tmp_path)
    except CannotBeAnother as error:
        pytest.skip(f"left out: {error}")
    with tempfile.TemporaryDirectory() as place, root_helper() as words:
        os.chown(place, USER, USER)
        config = Path(place, "kit.conf")
        config.write_text(
            "[assisted_kit]\n"
            "driver = reference_driver.layouts:OwnedByRoot\n"
            f"root_helper = {shlex.join(words)}\n"
        )
        config.chmod(0o644)
        selected = [word for rule in rules for word in ("--rule", rule)]
        directory = Path(place, "here")
        directory.mkdir()
        os.chown(directory, USER, USER)
        run = started(
            directory, "--config", str(config), *selected, helper=helper
        )
        assert statuses(directory, run) == everything_passed(
            rules, unprivileged=True
        )


def unprivileged() -> list[str]:
    """What makes a command one of nobody in particular."""
    if os.geteuid() != 0:
        return []
    # No user of the host's: one of a namespace that has none, who may do
    # what the files' modes say and nothing else.
    helper = ["unshare", "--user"]
    tried = subprocess.run(
        [*helper, "true"], check=False, capture_output=True, text=True
    )
    if tried.returncode != 0:
        pytest.skip(f"no user namespace can be made: {tried.stderr.strip()}")
    return helper


def started(
    directory: Path, *words: str, helper: list[str]
) -> subprocess.Popen[str]:
    """A run that has begun, and writes its result to ``result.json``."""
    directory.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "assisted_kit", "run", "-n", "2"]
    return subprocess.Popen(
        [*helper, *command, *words, "--json", "result.json"],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def statuses(directory: Path, run: subprocess.Popen[str]) -> dict[str, Any]:
    """The status of each rule, when a run is over."""
    output, _ = run.communicate()
    assert run.returncode == 0, output
    result = json.loads((directory / "result.json").read_text())
    return {rule["id"]: rule["status"] for rule in result["rules"]}


@ALL
def test_unprivileged_run_finds_the_same(
    rules: tuple[str, ...], tmp_path: Path
) -> None:
    words = [word for rule in rules for word in ("--rule", rule)]
    directory = tmp_path / "here"
    run = started(directory, *words, helper=unprivileged())
    assert statuses(directory, run) == everything_passed(
        rules, unprivileged=True
    )


def test_two_runs_on_one_share_and_database_do_not_meet(
    tmp_path: Path,
) -> None:
    share = tmp_path / "share"
    share.mkdir()
    config = tmp_path / "kit.conf"
    config.write_text(
        f"[assisted_kit]\nshare = {share}\n"
        f"[database]\nconnection = sqlite:///{tmp_path}/cinder.sqlite\n"
    )
    words = ["--config", str(config)]
    words += [word for rule in SAMPLE for word in ("--rule", rule)]
    places = [tmp_path / "one", tmp_path / "other"]
    runs = [started(place, *words, helper=[]) for place in places]
    for place, run in zip(places, runs, strict=True):
        assert statuses(place, run) == everything_passed(SAMPLE)
    assert list(share.iterdir()) == []
