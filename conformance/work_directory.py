# SPDX-License-Identifier: Apache-2.0
"""The directory of its own in which the kit works on a share."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import fixtures

from assisted_kit.subject import Subject
from assisted_kit.subject import SubjectError

PREFIX = "assisted-kit."


class WorkDirectory(fixtures.Fixture):
    """An empty directory on the share, gone again afterwards.

    Without a share it is a temporary one.  Everything in it was made by
    this kit, since it was empty at the start: nothing else is ever touched.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.path = Path()

    def _setUp(self) -> None:
        share = self._subject.share
        named = self._subject.work_directory
        try:
            if share is None or named is None:
                made = tempfile.mkdtemp(prefix=PREFIX, dir=share)
                self.path = Path(made)
            else:
                self.path = share / named
                self.path.mkdir(exist_ok=True)
        except OSError as error:
            raise SubjectError(
                f"no directory can be made on the share: {error}"
            ) from error
        found = sorted(entry.name for entry in self.path.iterdir())
        if found:
            raise SubjectError(
                f"{self.path} is not empty: it holds {', '.join(found[:5])}"
                f"{' and more' if len(found) > 5 else ''}. The kit works in "
                f"a directory of its own; empty it, or name another one"
            )
        self.addCleanup(shutil.rmtree, self.path, ignore_errors=True)
