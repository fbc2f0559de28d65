# SPDX-License-Identifier: Apache-2.0
"""The directory of its own in which the kit works on a share."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fixtures

from assisted_kit.child import PART_VARIABLE
from assisted_kit.child import RUN_VARIABLE
from assisted_kit.subject import Subject
from assisted_kit.subject import SubjectError
from assisted_kit.supervisor import PREFIX

ROOM = 32
"""MiB that a test may write at most; the images are sparse."""


class WorkDirectory(fixtures.Fixture):
    """An empty directory on the share, gone again afterwards.

    Without a share it is a temporary one.  Everything in it was made by
    this kit: nothing else is ever touched.  Where the configuration names
    a directory, it is in that one, which must be absent or empty.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.path = Path()

    def _setUp(self) -> None:
        share = self._subject.share
        if share is not None and not share.is_dir():
            raise SubjectError(
                f"the share {share} {_not_directory(share)}: mount it, or "
                f"name another one in {self._subject.config_file}"
            )
        where = share or Path(tempfile.gettempdir())
        run = os.environ.get(RUN_VARIABLE)
        prefix = f"{PREFIX}{run}." if run else PREFIX
        with _explained(where):
            where = self._claimed(where)
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=where))
        self.addCleanup(self._remove, self.path)

    def _claimed(self, share: Path) -> Path:
        """The directory that the configuration names, seen to be empty."""
        named = self._subject.work_directory
        if named is None:
            return share
        # Each process of a run, or worker of pytest-xdist, has its own.
        worker = os.environ.get(PART_VARIABLE) or os.environ.get(
            "PYTEST_XDIST_WORKER"
        )
        path = share / (f"{named}.{worker}" if worker else named)
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise SubjectError(
                f"{path} is not a directory of the share; remove it, or "
                f"name another work_directory"
            )
        if not path.exists():
            path.mkdir()
            self.addCleanup(self._remove, path)
        found = sorted(entry.name for entry in path.iterdir())
        if found:
            raise SubjectError(
                f"{path} is not empty: it holds {', '.join(found[:5])}"
                f"{' and more' if len(found) > 5 else ''}. The kit works in "
                f"a directory of its own; empty it, or name another one"
            )
        return path

    def _remove(self, path: Path) -> None:
        with _explained(path, "be removed"):
            shutil.rmtree(path)

    def check_room(self) -> None:
        """Find out by writing that a test has room for its images.

        :raises SubjectError: it has not.
        """
        path = self.path / "room"
        with _explained(self.path.parent):
            try:
                with path.open("xb") as file:
                    for _ in range(ROOM):
                        file.write(bytes(1024 * 1024))
                    file.flush()
                    os.fsync(file.fileno())
            finally:
                path.unlink(missing_ok=True)


def _not_directory(path: Path) -> str:
    return "is not a directory" if path.exists() else "does not exist"


@contextmanager
def _explained(where: Path, what: str = "be used") -> Iterator[None]:
    """Say which directory has the trouble, and the way out.

    :raises SubjectError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        way_out = f". A test needs {ROOM} MiB: make room on it" if full else ""
        raise SubjectError(
            f"{where} cannot {what}: {error}{way_out}"
        ) from error
