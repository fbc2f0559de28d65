# SPDX-License-Identifier: Apache-2.0
"""Dossiers: all that is known about a failure, in a folder."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assisted_kit.subject import DOSSIER_VARIABLE
from conformance import causes
from conformance import dossier
from conformance import timeline
from conformance.catalogue import BY_ID
from conformance.timeline import Moment
from conformance.timeline import Side
from conformance.violation import Evidence
from conformance.violation import Finding
from fakes.broken import BROKEN
from tests.watched import Watched
from tests.watched import watched as watched

RULE = "CRE-006"
DRIVER = "fakes.broken.creates:NamesBackingByPath"


def run(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", *words],
        cwd=directory,
        check=False,
        capture_output=True,
        text=True,
    )


def dossiers(folder: Path) -> list[dict[str, Any]]:
    """What each dossier says, those of the text having been looked at."""
    found = []
    for data in sorted(folder.rglob(dossier.DATA)):
        said = json.loads(data.read_text())
        text = (data.parent / dossier.TEXT).read_text()
        assert text.startswith(f"{said['rule']} {said['level']}")
        assert text.rstrip().endswith(said["repeat"])
        found.append(said)
    return found


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The dossier of a failure of an attached volume."""
    directory = tmp_path_factory.mktemp("dossier")
    words = ["assisted_kit", "run", "--driver", DRIVER, "--rule", RULE]
    done = run(directory, *words, "--dossier", "found", "-n", "2")
    assert done.returncode == 1, done.stderr
    found = dossiers(directory / "found")
    for said in found:
        assert said["rule"] == RULE
        place = directory / "found" / RULE
        assert (place / said["test"].removeprefix("conformance.")).is_dir()
    assert f"dossier         {directory / 'found' / RULE}" in done.stdout
    return next(said for said in found if "attached" in said["test"])


def test_dossier_has_both_services_on_one_clock(
    failed: dict[str, Any],
) -> None:
    moments = failed["timeline"]
    times = [moment["ms"] for moment in moments]
    assert times == sorted(times)
    assert times[0] == 0
    seen = [(moment["side"], moment["what"]) for moment in moments]
    expected = [
        ("manager", "s1: creating"),
        ("hook", "create_snapshot_assisted_begin(s1) is called"),
        ("command", "qemu-img create"),
        ("command", "... qemu-img -> exit 0"),
        ("file", "rename V.s1.new to V.s1"),
        ("hook", "create_snapshot_assisted_begin(s1) returned"),
        ("manager", "s1: creating/begin -> creating/compute"),
        ("nova", "Nova was asked to create snapshot s1"),
    ]
    for side, what in expected:
        at = next(
            i
            for i, (s, w) in enumerate(seen)
            if s == side and w.startswith(what)
        )
        seen = seen[at + 1 :]


def test_writes_of_the_guest_are_on_the_clock(tmp_path: Path) -> None:
    words = ["assisted_kit", "run", "--rule", "DAT-001", "--dossier", "found"]
    words += ["--driver", "fakes.broken.creates:ForksChain"]
    assert run(tmp_path, *words).returncode == 1
    for said in dossiers(tmp_path / "found"):
        told = [m["what"] for m in said["timeline"] if m["side"] == "guest"]
        assert told[0].startswith("writes generation 1 to V: 65536 bytes at ")
        assert told[1].startswith("writes generation 2 to V.s1: ")


def test_ordinary_calls_are_on_the_clock_too(watched: Watched) -> None:
    def fail() -> None:
        raise OSError("no room")

    for work, what in ((list, "extend_volume"), (fail, "delete_volume")):
        with (
            contextlib.suppress(OSError),
            watched.watch.call(what, volume_id="v"),
        ):
            work()
    watched.in_hook(list)
    told = [m.what for m in watched.watch.moments() if m.side is Side.HOOK]
    assert told == [
        "extend_volume(v) is called",
        "extend_volume(v) returned",
        "delete_volume(v) is called",
        "delete_volume(v) raised OSError: no room",
    ]


def test_dossier_names_defects_that_fail_like_that(
    failed: dict[str, Any],
) -> None:
    assert any(
        "Writes a path into headers" in cause["defect"]
        and "NamesBackingByPath" in cause["defect"]
        for cause in failed["likely_causes"]
    )
    assert failed["driver"] == DRIVER
    assert failed["expected"] != failed["observed"]
    assert failed["chain_before"] and failed["chain_after"]


def test_every_rule_has_a_likely_cause() -> None:
    names = {
        f"{b.driver.__module__.rpartition('.')[2]}.{b.driver.__name__}"
        for b in BROKEN
    }
    for rule in BY_ID.values():
        likely = causes.likely(rule)
        assert 0 < len(likely) <= causes.MOST
        for cause in likely:
            assert any(name in cause.defect for name in names)


def test_pytest_writes_dossiers_too(tmp_path: Path) -> None:
    words = ["pytest", "-p", "no:cacheprovider", "--pyargs", "conformance"]
    words += ["--assisted-driver", DRIVER, "--assisted-rule", RULE]
    done = run(tmp_path, *words, "--assisted-dossier", "found", "-n", "2")
    assert done.returncode == 1, done.stdout
    assert {said["rule"] for said in dossiers(tmp_path / "found")} == {RULE}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("used", "is not empty"),
        ("file", "cannot be written to"),
        ("", "empty"),
    ],
)
def test_folder_that_cannot_be_one_is_wrong_usage(
    name: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "earlier").touch()
    (tmp_path / "file").touch()
    words = ["assisted_kit", "run", "--rule", "SIG-001", "--dossier", name]
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert why in done.stderr
    assert (tmp_path / "used" / "earlier").exists()


def finding(*moments: Moment) -> Finding:
    evidence = Evidence(timeline=moments)
    return Finding(BY_ID[RULE], "this", "that", evidence, "repeat it")


def test_secrets_are_redacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DOSSIER_VARIABLE, str(tmp_path))
    told = finding(Moment(1.0, Side.LOG, "the key is 5ecret"))
    folder = dossier.write(
        told, "conformance.t", "m:D", lambda text: text.replace("5ecret", "*")
    )
    assert folder == str(tmp_path / RULE / "t")
    for file in Path(folder).iterdir():
        assert "the key is *" in file.read_text()


def test_nothing_is_written_unless_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DOSSIER_VARIABLE, raising=False)
    assert dossier.write(finding(), "conformance.t", "m:D", str) == ""


def test_full_disk_does_not_hide_the_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / RULE).write_text("in the way of the folder")
    monkeypatch.setenv(DOSSIER_VARIABLE, str(tmp_path))
    said = dossier.write(finding(), "conformance.t", "m:D", str)
    assert said.startswith("it cannot be written: ")


def test_timeline_is_drawn_in_order() -> None:
    moments = timeline.ordered(
        [Moment(2.5, Side.NOVA, "reports")],
        [Moment(2.0, Side.HOOK, "is called\nand says more")],
    )
    assert timeline.drawn(moments) == [
        "      0.0  hook     is called\n                    and says more",
        "    500.0  nova     reports",
    ]
