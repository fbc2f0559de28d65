# SPDX-License-Identifier: Apache-2.0
"""Whatever a driver does: one clear result, and nothing left behind."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.troublesome_run import Place
from tests.troublesome_run import place as place

ONE_RULE = ("UPD-003",)
TWO_RULES = ("SIG-001", "UPD-003")


def test_constructor_that_raises_is_one_error(place: Place) -> None:
    done = place.run("ConstructorRaises", rules=TWO_RULES)
    assert done.exit_status == 3
    assert done.output == ""
    first, *trace = done.errors.splitlines()
    assert first == (
        "assisted-kit: the driver troublesome:ConstructorRaises cannot be "
        "constructed and set up:"
    )
    assert trace[-1] == "RuntimeError: no licence found"
    assert "assisted_kit" not in done.errors
    assert done.result is not None
    assert done.result["verdict"] == "partial"
    assert "no licence found" in done.result["trouble"][0]
    assert set(done.statuses.values()) == {"not exercised"}
    assert place.left == []


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("EndsProcess", "with exit status 0"),
        ("KillsProcess", "killed by SIGKILL"),
    ],
)
def test_driver_that_ends_the_process_loses_no_result(
    place: Place, name: str, how: str
) -> None:
    done = place.run(name, rules=TWO_RULES)
    assert done.exit_status == 3
    assert done.statuses == {"SIG-001": "passed", "UPD-003": "error"}
    assert done.result is not None
    (trouble,) = done.result["trouble"]
    assert trouble.startswith("the process in which the driver runs ended")
    assert "test_requested_overlay_is_beside_the_active_image" in trouble
    assert trouble.endswith(how)
    assert done.output.count(trouble) == 1
    assert place.left == []


def test_hook_that_exits_fails_the_rule(place: Place) -> None:
    done = place.run("Exits", rules=("DAT-001",))
    assert done.exit_status == 1
    assert "raised SystemExit: 0" in done.output


def test_driver_that_interrupts_is_not_the_user(place: Place) -> None:
    done = place.run("Interrupts", rules=ONE_RULE)
    assert done.exit_status == 3
    assert "the driver raised KeyboardInterrupt" in done.output
    assert place.left == []


def test_hook_that_hangs_ends_the_run(place: Place) -> None:
    place.configure("patience = 0.5")
    done = place.run("Hangs", rules=("SIG-001", "UPD-003", "UPD-004"))
    assert done.exit_status == 1
    assert done.statuses == {
        "SIG-001": "passed",
        "UPD-003": "failed",
        "UPD-004": "not exercised",
    }
    assert "a hook that has not returned in 0.5 s" in done.output
    assert "create_snapshot_assisted_begin is at " in done.output
    assert "in create_snapshot_assisted_begin: threading.Event()" in (
        done.output
    )
    assert "a hook of the driver does not return" in done.output
    assert place.left == []


def test_command_that_hangs_is_killed_and_the_run_goes_on(
    place: Place,
) -> None:
    place.configure("patience = 1")
    done = place.run("HangsInCommand", rules=("UPD-003", "UPD-004", "CAL-007"))
    assert done.exit_status == 1
    assert set(done.statuses.values()) == {"failed"}
    assert "a hook that has not returned in 1 s" in done.output
    assert "which waits for: sleep 1000000" in done.output
    assert "sleep 1000000 -> killed by the kit" in done.output
    assert "did not return, and was ended by the kit" in done.output
    assert "run ends here" not in done.output
    assert place.left == []


def test_fifo_that_keeps_a_driver_costs_one_rule(place: Place) -> None:
    place.configure("patience = 3")
    done = place.run("OpensImages", rules=("SEC-004", "SEC-010"))
    assert done.exit_status == 1
    assert done.statuses == {"SEC-004": "failed", "SEC-010": "passed"}
    assert 'with path.open("rb") as file:' in done.output
    assert place.left == []


def test_driver_that_hangs_outside_hooks_costs_its_rules(
    place: Place,
) -> None:
    place.configure("patience = 0.5")
    done = place.run("HangsOutsideHooks", rules=TWO_RULES)
    assert done.exit_status == 1
    assert "failed" in done.statuses.values()
    assert "create_volume ends in an answer" in done.output
    assert "a call that has not returned in 0.5 s" in done.output
    assert "create_volume is at " in done.output
    assert "in create_volume: threading.Event().wait()" in done.output
    assert "run ends here" not in done.output
    assert place.left == []


def test_driver_that_cannot_be_ended_ends_the_run(place: Place) -> None:
    place.configure("patience = 0.2")
    done = place.run("HangsForGood", rules=TWO_RULES)
    assert done.exit_status == 3
    assert "did nothing for 2.8 s" in done.output
    assert place.left == []


def test_what_a_driver_prints_is_not_in_the_result(place: Place) -> None:
    done = place.run("Prints", rules=ONE_RULE)
    assert done.exit_status == 0
    assert done.output.startswith("partial: troublesome:Prints\n")
    assert "noise" not in done.output


def test_process_that_a_driver_leaves_is_ended(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "pid"
    monkeypatch.setenv("LEFT_PROCESS", str(pid_file))
    done = place.run("LeavesProcess", rules=ONE_RULE)
    assert done.exit_status == 0
    try:
        left = os.pidfd_open(int(pid_file.read_text()))
    except ProcessLookupError:
        return
    # Waits for its end, for ever if nobody ended it.
    select.select([left], [], [])
    os.close(left)


# -- shares, in a mount namespace of their own


def run_on_mounted(
    place: Place, options: str, prepare: str = "true"
) -> subprocess.CompletedProcess[str]:
    """The command line on a tmpfs that is mounted for it alone."""
    share = shlex.quote(str(place.share))
    mount = f"mount -t tmpfs -o {options} none {share}"
    inside = ["unshare", "--mount", "sh", "-c"]
    tried = subprocess.run([*inside, mount], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"no mount namespaces here: {tried.stderr.strip()}")
    words = [sys.executable, "-m", "assisted_kit", "run", "--rule", "SIG-001"]
    run = shlex.join([*words, "--config", str(place.config_file)])
    return subprocess.run(
        [
            *inside,
            f"{mount} && {prepare} && {run}; status=$?; ls {share}; "
            f"exit $status",
        ],
        cwd=place.directory,
        capture_output=True,
        text=True,
    )


def test_share_that_is_read_only_is_named(place: Place) -> None:
    done = run_on_mounted(place, "ro")
    assert done.returncode == 3
    assert f"{place.share} cannot be used" in done.stderr
    assert "Read-only file system" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_share_that_is_full_is_named_and_left_alone(place: Place) -> None:
    done = run_on_mounted(place, "size=1m", f"touch {place.share}/theirs")
    assert done.returncode == 3
    assert f"{place.share} cannot be used" in done.stderr
    assert "No space left on device" in done.stderr
    assert "make room on it" in done.stderr
    assert done.stdout == "theirs\n"
