# SPDX-License-Identifier: Apache-2.0
"""The kit's own directory on a share: nothing else is ever touched."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import fixtures
import pytest

from assisted_kit.adapter import DriverAdapter
from assisted_kit.subject import Subject
from assisted_kit.subject import SubjectError
from conformance.trial import try_out
from conformance.work_directory import WorkDirectory
from reference_driver.driver import RemoteFSAssistedDriver


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests may run in one of pytest-xdist's workers themselves."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """A driver on a share that somebody else uses as well."""
    share = tmp_path / "share"
    share.mkdir()
    (share / "theirs").write_text("keep")
    return Subject(
        "vendor:Driver",
        DriverAdapter(RemoteFSAssistedDriver),
        share,
        config_file="kit.conf",
    )


def on_share(subject: Subject) -> list[str]:
    assert subject.share is not None
    return sorted(entry.name for entry in subject.share.iterdir())


def refused(subject: Subject) -> str:
    """Why the directory cannot be made, before anything is."""
    with pytest.raises(fixtures.MultipleExceptions) as caught:
        WorkDirectory(subject).setUp()
    cause = caught.value.args[0][1]
    assert isinstance(cause, SubjectError)
    with pytest.raises(SubjectError, match=f"^{cause}"):
        try_out(subject)
    return str(cause)


def fill(directory: Path) -> None:
    (directory / "volume").write_text("data")
    (directory / "sub").mkdir()
    (directory / "sub" / "file").write_text("data")


def test_directory_of_its_own_is_gone_afterwards(subject: Subject) -> None:
    with WorkDirectory(subject) as directory:
        assert directory.path.parent == subject.share
        assert list(directory.path.iterdir()) == []
        fill(directory.path)
    assert on_share(subject) == ["theirs"]


def test_without_a_share_it_is_temporary(
    subject: Subject, tmp_path: Path
) -> None:
    with (
        fixtures.TempHomeDir(),
        WorkDirectory(replace(subject, share=None)) as directory,
    ):
        made = directory.path
        assert made.is_dir()
    assert not made.exists()


def test_named_directory_that_was_absent_is_gone(subject: Subject) -> None:
    with WorkDirectory(replace(subject, work_directory="kit")) as directory:
        assert directory.path.parent.name == "kit"
        fill(directory.path)
    assert on_share(subject) == ["theirs"]


def test_named_directory_that_was_empty_stays(subject: Subject) -> None:
    assert subject.share is not None
    named = subject.share / "kit"
    named.mkdir()
    with WorkDirectory(replace(subject, work_directory="kit")) as directory:
        fill(directory.path)
    assert list(named.iterdir()) == []


def test_named_directory_that_is_dirty_is_refused(subject: Subject) -> None:
    assert subject.share is not None
    named = subject.share / "kit"
    named.mkdir()
    for number in range(7):
        (named / f"file{number}").touch()
    message = refused(replace(subject, work_directory="kit"))
    assert f"{named} is not empty: it holds file0, file1" in message
    assert "and more" in message
    assert len(list(named.iterdir())) == 7


def test_named_directory_that_is_a_link_is_refused(
    subject: Subject, tmp_path: Path
) -> None:
    assert subject.share is not None
    (subject.share / "kit").symlink_to(tmp_path)
    message = refused(replace(subject, work_directory="kit"))
    assert "is not a directory of the share" in message


def test_each_worker_of_xdist_has_its_own(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = replace(subject, work_directory="kit")
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    with WorkDirectory(named):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw1")
        with WorkDirectory(named):
            assert on_share(subject) == ["kit.gw0", "kit.gw1", "theirs"]
    assert on_share(subject) == ["theirs"]


def test_share_that_is_not_there(subject: Subject, tmp_path: Path) -> None:
    message = refused(replace(subject, share=tmp_path / "absent"))
    assert message == (
        f"the share {tmp_path / 'absent'} does not exist: mount it, or name "
        f"another one in kit.conf"
    )


def test_share_that_is_a_file(subject: Subject) -> None:
    assert subject.share is not None
    message = refused(replace(subject, share=subject.share / "theirs"))
    assert "is not a directory" in message


def test_share_that_cannot_be_written(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdtemp(**_arguments: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", mkdtemp)
    with pytest.raises(fixtures.MultipleExceptions) as caught:
        WorkDirectory(subject).setUp()
    assert f"{subject.share} cannot be used" in str(caught.value.args[0][1])


def test_room_is_found_out_by_writing(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(os, "fsync", fsync)
    with WorkDirectory(subject) as directory:
        with pytest.raises(SubjectError, match="make room on it"):
            directory.check_room()
        assert list(directory.path.iterdir()) == []


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ("nonsense", r"the database of \[database\] connection in kit.conf"),
        ("mysql+nosuch://u:secret@h/x", r"mysql\+nosuch://u:\*\*\*@h/x"),
        ("sqlite:////nonexistent/x/cinder.sqlite", "unable to open"),
    ],
)
def test_database_that_cannot_be_used(
    subject: Subject, connection: str, said: str
) -> None:
    with pytest.raises(SubjectError, match=said) as caught:
        try_out(replace(subject, database=connection))
    assert "secret" not in str(caught.value)
    assert on_share(subject) == ["theirs"]


def test_trial_leaves_nothing(subject: Subject) -> None:
    try_out(subject)
    assert on_share(subject) == ["theirs"]
